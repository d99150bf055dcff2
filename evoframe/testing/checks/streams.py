"""Streams: every layer draws for itself."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.levels import LEVELS, even_scores
from evoframe.testing.case import Case
from evoframe.testing.catalogue import law
from evoframe.testing.prepared import with_option, with_state
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import broken

TWINS = ("first.weight", "second.weight")
"""Two parameters of one shape."""

TASK = Specimen("residual", 2)
"""The task whose network has them."""

KEYS = 16


def _draws(strategy: Any) -> bool:
    off = bool(strategy.dial) and getattr(strategy, strategy.dial) == 0
    return "stochastic" in strategy.traits and not off


@law("heredity", "mutation", when=_draws)
def check_draws_for_each_layer_by_itself(strategy: Any) -> None:
    """With the trait ``stochastic``: layers of one shape are not hit in the same places.

    A key without a path is one stream, and whoever begins it anew for every layer draws the same
    numbers for all of them. Give it the name: ``context.key.at(name)``.
    """
    oftener = _oftener(strategy)
    alike = 0
    for seed in range(KEYS):
        one, other = _twins(oftener, Case(TASK, share=1.0, key=Key(seed)))
        if _is_even(one) and _is_even(other):  # whatever was drawn, it was not drawn by place
            continue
        if not all(torch.equal(a, b) for a, b in zip(one, other, strict=True)):
            return
        alike += 1
    if alike > 1:
        broken(
            f"two layers of one shape, with the same genes, were hit in the same places with "
            f"{alike} of {KEYS} keys, and in others with none"
        )


def _oftener(strategy: Any) -> Any:
    """Return the strategy with so much of its dial that it acts in most layers, if that can be."""
    value = getattr(strategy, strategy.dial) if strategy.dial else None
    if type(value) is not float or not 0 < value < 0.2:
        return strategy
    return with_option(strategy, strategy.dial, 0.2) or strategy


def _twins(strategy: Any, case: Case) -> list[list[Tensor]]:
    """Return both layers as they come out; before, all of their places are alike."""
    if strategy.role == "heredity":
        found = _inherited(strategy, case)
        return [[found.eligible[n], found.strengths[n], found.state[n]] for n in TWINS]
    dna: DNA = strategy.mutate(
        _even_dna(case), case.inheritance(), with_state(strategy, case.context())
    )
    return [[dna.synapses[n].levels, dna.synapses[n].eligible] for n in TWINS]


def _even_dna(case: Case) -> DNA:
    """Return DNA in which every gene stands on the same level, and every second is eligible."""
    genes = {}
    for name, mask in case.inheritance().eligible.items():
        levels = torch.full(mask.shape, LEVELS // 2, dtype=torch.int32, device=mask.device)
        genes[name] = Genes(levels, even_scores() - 1, _every_second(mask))
    return DNA(genes)


def _inherited(heredity: Any, case: Case) -> Inheritance:
    """Return the inheritance of parents who are whole, with one weight each, the same all over."""
    parents = []
    for index, parent in enumerate(case.parents(heredity.parents)):
        masks = {n: torch.ones_like(mask) for n, mask in parent.genotype.masks.items()}
        state = {n: v.clone() for n, v in parent.genotype.state.items()}
        state |= {name: torch.full_like(state[name], index + 1) for name in masks}
        parents.append(attrs.evolve(parent, genotype=Genotype(masks, state)))
    context = attrs.evolve(case.context(parents=len(parents)), parents=tuple(parents))
    inheritance: Inheritance = heredity.inherit(tuple(parents), with_state(heredity, context))
    return inheritance


def _every_second(mask: Tensor) -> Tensor:
    places = torch.arange(mask.numel(), device=mask.device).reshape(mask.shape)
    return places % 2 == 0


def _is_even(parts: list[Tensor]) -> bool:
    """Tell whether all places of a layer are alike: those that were eligible, and the others."""
    there = _every_second(parts[0])
    return all(_are_alike(part[kind]) for part in parts for kind in (there, ~there))


def _are_alike(values: Tensor) -> bool:
    return not len(values) or bool((values == values[0]).all())
