"""Hypothesis strategies for what plugins deal with; use them in tests of your own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from evoframe.kernel.dna import DNA
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.population import Population
from evoframe.registry import load_registry
from evoframe.testing.case import READERS, Case, Choice
from evoframe.testing.specimens import Kind, Specimen

SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
"""How much of an ancestor a parent may have: all of it, down to a few synapses."""

WIDE = 48
"""Channels of a layer of which a share can be small: more than two thousand synapses."""


def keys() -> SearchStrategy[Key]:
    """Return keys of all seeds, with paths like those of a run."""
    steps = st.one_of(st.integers(0, 9), st.sampled_from(["generation", "slot", "fc1.weight"]))
    paths = st.lists(steps, max_size=2).map(tuple)
    return st.builds(Key, st.integers(0, 2**64 - 1), paths)


def networks(*, max_width: int = 4) -> SearchStrategy[Specimen]:
    """Return small networks with data, as tasks.

    Perceptrons and convolutional networks, with and without batch norm and a shortcut, down to one
    tensor that evolves, in single and double precision: ``one.ancestor(key)`` makes the module.
    Some have no bias, and some are wide.
    """
    return st.builds(
        Specimen,
        kind=st.sampled_from(get_args(Kind)),
        # Most are narrow, and so are smallest examples; sparse layers have to be large.
        width=st.sampled_from([*range(1, max_width + 1), WIDE, WIDE]),
        precision=st.sampled_from(["float32", "float64"]),
    )


def cases(*, max_width: int = 4) -> SearchStrategy[Case]:
    """Return cases for a strategy: parents, inheritance, DNA, phenotype, context."""
    return st.builds(
        Case,
        specimen=networks(max_width=max_width),
        share=st.sampled_from(SHARES),
        # Hypothesis shrinks towards the first, so "soft" is what an author sees in a smallest case.
        law=st.sampled_from(sorted(READERS, reverse=True)),
        key=keys(),
        device=st.sampled_from(devices()),
        generation=generations(),
    )


def generations() -> SearchStrategy[int]:
    """Return numbers of generations, from the first with parents on to late ones."""
    # In this order, because hypothesis shrinks towards the first.
    return st.sampled_from([*range(2, 9), 10, 12, 15, 20, 25, 33, 50, 75, 100])


def genotypes(specimens: SearchStrategy[Specimen] | None = None) -> SearchStrategy[Genotype]:
    """Return settled genotypes of small networks, from whole to nearly empty."""
    given = networks() if specimens is None else specimens
    thinned: Callable[..., Genotype] = lambda specimen, share, index: Case(  # noqa: E731
        specimen=specimen, share=share
    ).genotype(index)
    return st.builds(thinned, given, st.sampled_from(SHARES), st.integers(0, 9))


def dna(specimens: SearchStrategy[Specimen] | None = None) -> SearchStrategy[DNA]:
    """Return DNA of small networks: soft, ranked, or with clusters."""
    given = networks() if specimens is None else specimens
    encoded: Callable[..., DNA] = lambda specimen, share, law: Case(  # noqa: E731
        specimen=specimen, share=share, law=law
    ).dna()
    return st.builds(encoded, given, st.sampled_from(SHARES), st.sampled_from(sorted(READERS)))


def choices(*, max_size: int = 6) -> SearchStrategy[Choice]:
    """Return generations in short words, see :class:`evoframe.testing.case.Choice`."""
    # Equals and NaN are where selections go wrong, and free floats would hardly ever give them.
    values = st.one_of(st.sampled_from([0.5, math.nan]), st.floats(0, 1, width=16))
    return st.builds(
        Choice,
        accuracies=st.lists(values, min_size=1, max_size=max_size).map(tuple),
        size=st.integers(1, max_size),
        parents=st.integers(1, 3),
        key=keys(),
        generation=generations(),
    )


def populations(*, max_size: int = 6) -> SearchStrategy[Population]:
    """Return generations with equals, with NaN, and of one individual alone."""
    return choices(max_size=max_size).map(Choice.population)


def recipes() -> SearchStrategy[dict[str, Any]]:
    """Return tables of quick recipes made of built-in strategies, for ``evoframe.evolve``."""
    registry = load_registry(entry_points=False)

    def of(role: str, *names: str) -> SearchStrategy[dict[str, Any]]:
        offered = [offer.name for offer in registry.of_role(role)]
        return st.sampled_from([{"use": name} for name in offered if name in names or not names])

    gradient = st.builds(
        lambda epochs, optimiser: {"use": "gradient", "epochs": epochs, "optimiser": optimiser},
        st.integers(1, 2),
        st.sampled_from(["sgd", "adamw"]),
    )
    pressure = st.builds(
        lambda share: {"use": "retention", "retention": share}, st.sampled_from([0.4, 0.7, 1.0])
    )
    return st.fixed_dictionaries(
        {
            "run": st.fixed_dictionaries(
                {
                    "seed": st.integers(0, 99),
                    "generations": st.integers(1, 3),
                    "population": st.integers(1, 2),
                    "device": st.just("cpu"),
                }
            ),
            "task": st.builds(
                lambda one: {
                    "use": "evoframe.testing.specimens:Specimen",
                    "kind": one.kind,
                    "width": one.width,
                    "precision": one.precision,
                },
                networks(),
            ),
            "encoding": of("encoding"),
            "environment": pressure.map(lambda one: [one]),
            "heredity": of("heredity", "asexual"),
            "mutation": st.lists(of("mutation"), max_size=2),
            "selection": of("selection"),
            "training": gradient,
        }
    )


def devices() -> list[str]:
    """Return the devices to try things on: the CPU always, and one accelerator if it is here."""
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
