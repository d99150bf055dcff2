"""Timing: what has to be measured of a network, so that the latency of smaller ones can be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.anatomy import Anatomy
from evoframe.anatomy.plan.blocks import without
from evoframe.anatomy.plan.calling import calls_of
from evoframe.costs.calls import Call
from evoframe.costs.measure_latency import PLAN
from evoframe.costs.table import LatencyTable
from evoframe.costs.widths import described, sorted_out
from evoframe.errors import ConfigError
from evoframe.kernel.clusters import Partition
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.settling import is_extinct, settle

MIXED = 8
"""How many networks of random widths are looked at, besides two for each layer."""


def latency_plan(anatomy: Anatomy, name: str, *, batch: int | None = None, points: int = 5) -> Any:
    """Return the plan of what is to be measured, as JSON holds it.

    Args:
        anatomy: of the network.
        name: of the network, for people.
        batch: examples in a forward pass; as many as the example inputs have if not given.
        points: at how many widths each layer is measured.

    Raises:
        ConfigError: the network does not run on the meta device.
    """
    plan = anatomy.proved.plan
    as_given = plan.build(torch.ones_like(anatomy.bundles.kept))
    whole = calls_of(plan, as_given, batch)
    if whole is None:
        raise ConfigError(
            f"what takes time in {name!r} cannot be timed, because it does not run "
            "on torch's meta device."
        )
    found = [whole.calls, *_of_smaller_ones(anatomy, batch)]
    return {
        "format": PLAN,
        "network": name,
        "batch": batch or _batch_of(anatomy.inputs),
        "left_out": sorted(set(whole.left_out)),
        "layers": list(described(sorted_out(found), max(points, 2))),
    }


def timed_by(anatomy: Anatomy, table: LatencyTable) -> Anatomy:
    """Return the same anatomy, whose costs have a latency.

    Raises:
        ConfigError: the table is that of another network.
    """
    timed = attrs.evolve(anatomy, table=table)
    if "latency" not in timed.costs(anatomy.genotype()):
        raise ConfigError(
            f"the latency table {table.name!r} cannot be used: this network does not run on "
            "torch's meta device."
        )
    return timed


def _of_smaller_ones(anatomy: Anatomy, batch: int | None) -> Iterator[list[Call]]:
    for staying in _smaller_ones(anatomy):
        plan = anatomy.proved.plan
        recorder = calls_of(plan, plan.build(staying), batch)
        if recorder is not None:
            yield recorder.calls


def _built(anatomy: Anatomy, genotype: Genotype) -> nn.Module:
    return anatomy.proved.plan.build(anatomy.channels(genotype))


def _smaller_ones(anatomy: Anatomy) -> Iterator[Tensor]:
    """Yield the channels of networks with other widths, a bool for each.

    Layers lose channels one by one, then all at random; one bundle less shows what a layer is that
    has lost anything at all, at its widest. Grids lose lines of each axis, as attention does heads.
    All of them also without any block, where what is idle makes zeros.
    """
    count = len(list(_layers(anatomy.clusters("bundle"))))
    one_less, half = 1 - 1e-9 * torch.eye(count, dtype=torch.float64), 1 - torch.eye(count) / 2
    mixed = torch.rand(MIXED, count, generator=Key(0).at("widths").generator())
    for shares in torch.cat([one_less, half, mixed]).tolist():
        genotype = narrowed(anatomy, shares)
        if not is_extinct(genotype.masks):
            yield anatomy.channels(genotype)
            yield from _without_blocks(anatomy, genotype)
    bundles = anatomy.bundles
    for grid in bundles.grids:
        for axis, size in enumerate(grid.channels.shape):
            for left in sorted({1, size // 2, size - 1} - {0}):
                lines = torch.arange(left, size)
                gone = torch.zeros_like(bundles.kept)
                gone[grid.channels.index_select(axis, lines)] = True
                yield anatomy.proved.staying(~bundles.leaving(gone))


def _without_blocks(anatomy: Anatomy, genotype: Genotype) -> Iterator[Tensor]:
    """Yield the channels of a network without any of the blocks that can leave, if there are some.

    Once with as few channels inside of them as may be, and once with all that were there.
    """
    if anatomy.blocks:
        masks = without(dict(genotype.masks), anatomy.blocks)
        yield anatomy.channels(settle(Genotype(masks, genotype.state), anatomy.wiring))
        staying = anatomy.channels(genotype).clone()
        staying[[one.channel for one in anatomy.blocks]] = False
        yield staying


def narrowed(anatomy: Anatomy, shares: Sequence[float]) -> Genotype:
    """Return a genotype with a share of what can leave in each layer, at least one bundle."""
    whole, partition = anatomy.genotype(), anatomy.clusters("bundle")
    born = torch.ones_like(partition.fixed)
    for own, share in zip(_layers(partition), shares, strict=True):
        born[own[max(1, int(share * len(own))) :]] = False
    masks = {name: mask & born[partition.members[name]] for name, mask in whole.masks.items()}
    return settle(Genotype(masks, whole.state), anatomy.wiring)


def small_one(anatomy: Anatomy) -> Genotype | None:
    """Return the genotype of a network with a third of every width; None if nothing can leave."""
    count = len(list(_layers(anatomy.clusters("bundle"))))
    genotype = narrowed(anatomy, [1 / 3] * count)
    return genotype if count and not is_extinct(genotype.masks) else None


def layers_of(anatomy: Anatomy, genotype: Genotype, table: LatencyTable) -> float | None:
    """Return the milliseconds of the layers of a network, each by itself, by a table."""
    recorder = calls_of(anatomy.proved.plan, _built(anatomy, genotype), table.batch)
    return None if recorder is None else table.layers(recorder.calls)


def _layers(partition: Partition) -> Iterator[Tensor]:
    """Yield the bundles of each parameter that can leave, in order."""
    for members in partition.members.values():
        own = torch.unique(members)
        own = own[~partition.fixed[own]]
        if len(own):
            yield own


def _batch_of(inputs: Arguments) -> int:
    return next((len(one) for one in inputs.tensors if one.ndim), 1)
