"""What the births of a run say: how much parents share, what is left of it, and what it can do.

Parents share what their heredity lets live; environments allow a part of it; what leads nowhere
after the draw goes too. A network is deaf if its outputs do not differ between images: no gradient
reaches its first layers then, however long its life is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe import Run
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype, Masks, State, masked
from evoframe.kernel.individual import Individual
from evoframe.kernel.key import Key
from evoframe.strategies.heredity import Mating

LOOKED = 500
"""Validation images that newborns are tried on."""

DEAF = 1e-4
"""Largest deviation of outputs over images with which a network says nothing."""


def births(run: Run) -> dict[str, dict[str, Any]]:
    """Return what there is to say of each birth of a finished run, by the id of who was born."""
    genotypes = {one.id: run.genotype(one.id) for one in run.individuals if one.is_alive}
    task = run.grown_from.task
    batch = next(iter(task.batches("validation", batch_size=LOOKED)))
    found = {}
    for one in run.individuals[1:]:
        if one.is_alive and one.origin == "offspring":
            context = context_of(run, one, genotypes)
            found[one.id] = birth(run, context, genotypes[one.id], batch)
    return found


def context_of(run: Run, one: Individual, genotypes: Mapping[str, Genotype]) -> Context:
    """Return the context of a birth, as far as heredity and environments look at it."""
    return Context(
        ancestor=genotypes[run.ancestor.id],
        initial=None,
        anatomy=run.anatomy,
        task=run.grown_from.task,
        device=torch.device("cpu"),
        generation=one.generation,
        key=Key(0).at("births", one.id),
        id=one.id,
        place=one.place,
        parents=tuple(Parent(run[parent], genotypes[parent]) for parent in one.parents),
    )


def birth(run: Run, context: Context, child: Genotype, batch: Any) -> dict[str, Any]:
    """Return sizes of parents, of what they share and of what is left, and what that can do."""
    heredity = run.recipe.heredity
    inheritance = heredity.inherit(context.parents, context)
    pressures = [one.allowance(inheritance, context) for one in run.recipe.environment]
    limits = [one for one in pressures if one is not None]
    parents = [sizes(one.genotype.masks) for one in context.parents]
    tried = {"born": inheritance.state}
    if isinstance(heredity, Mating):
        tried["first"] = attrs.evolve(heredity, weights="first").inherit(
            context.parents, context
        ).state  # fmt: skip
    return {
        "parents": [sum(one) / len(parents) for one in zip(*parents, strict=True)],
        "shared": sizes(inheritance.eligible),
        "allowed": min(limits, default=math.inf),
        "left": sizes(child.masks),
        **{name: doing(run, child.masks, state, batch) for name, state in tried.items()},
        "whole": doing(run, inheritance.eligible, inheritance.state, batch),
        "grown": doing(run, child.masks, child.state, batch),
    }


def sizes(masks: Masks) -> list[int]:
    """Return the synapses of each layer."""
    return [int(mask.sum()) for mask in masks.values()]


@torch.no_grad()
def doing(run: Run, masks: Masks, state: State, batch: Any) -> dict[str, Any]:
    """Return what a network with these masks does with a batch.

    That is its accuracy, the deviation of its outputs over images, and for each layer how many
    channels it has and how many of those are above zero for any image at any place.
    """
    genotype = Genotype(masks, masked(state, masks))
    network = run.anatomy.develop(genotype).network.eval()
    fired: list[tuple[int, int]] = []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _module, _given, out: fired.append(firing(out)))
    deviation = float(network(batch[0]).std(0).mean())
    layers = list(fired)
    right = run.grown_from.task.measure(network, batch)[run.metric.name]
    assert isinstance(right, torch.Tensor)
    return {
        "accuracy": float(right.float().mean()),
        "deviation": deviation,
        "firing": layers,
    }


def firing(out: Tensor) -> tuple[int, int]:
    """Return how many channels are above zero anywhere, and how many there are."""
    return int(out.transpose(0, 1).flatten(1).gt(0).any(1).sum()), out.shape[1]
