"""Probes: what a proof removes, one small thing for each way in which a layer loses channels."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan.bundles import Bundles
from evoframe.anatomy.plan.plan import Plan


@attrs.frozen(eq=False)
class Probe:
    """Something small to remove.

    Attributes:
        layer: the parameter whose outgoing channels are concerned.
        channels: all of those.
        gone: what leaves, sorted.
        grid: the number of the grid that would lose a line, and along which axis; None for tied
            channels.
        line: the classes of that line, sorted; the same line may be seen in several grids.
        block: the name of the block that leaves; empty where channels do.
    """

    layer: str
    channels: Tensor
    gone: Tensor
    grid: tuple[int, int] | None
    line: bytes = b""
    block: str = ""


Pattern = tuple[str, str, int | None, int]
"""What is the same of probes in equal modules: class, name inside, axis, channels removed."""


def pattern(plan: Plan, probe: Probe) -> Pattern:
    """Return the pattern that a probe has in common with those in other modules of a class."""
    # "blocks.0.attention.query.weight": the layer is "query", its owner "blocks.0.attention".
    owner, _, leaf = probe.layer.rpartition(".")[0].rpartition(".")
    kind = type(plan.body.get_submodule(owner))
    own = owner if kind.__module__.startswith("torch.nn") else ""  # containers may hold anything
    axis = None if probe.grid is None else probe.grid[1]
    return f"{kind.__module__}.{kind.__qualname__}.{own}", leaf, axis, len(probe.gone)


def left_by(bundles: Bundles, some: Sequence[Probe]) -> Tensor:
    """Return the smallest set of channels that can stay when all of these are gone; bools."""
    return bundles.staying(_without(bundles, *(probe.gone for probe in some)))


_known: WeakKeyDictionary[Bundles, list[Probe]] = WeakKeyDictionary()
"""The probes of bundles as long as these are there: a proof asks for them in every round."""


def probes(plan: Plan) -> list[Probe]:
    """Return one probe for every different way in which a layer could lose a channel."""
    if plan.bundles not in _known:
        _known[plan.bundles] = _probes(plan)
    return _known[plan.bundles]


def _probes(plan: Plan) -> list[Probe]:
    found: dict[bytes, Probe] = {}
    in_grids = torch.zeros_like(plan.bundles.kept)
    for grid in plan.bundles.grids:
        in_grids[grid.channels.reshape(-1)] = True
    leaving: dict[bytes, Tensor] = {}
    for layer, signal in plan.trace.targets.items():
        channels = signal.reshape(-1)
        # Channels of a layer went through the same calls, so one stands for all.
        middle = channels[len(channels) // 2]
        for gone, where, line in _removals(plan.bundles, middle, in_grids, leaving):
            # Layers that are tied to each other lose the same channels, and are probed once.
            probe, same = Probe(layer, channels, gone, where, line), gone.numpy().tobytes()
            # Of the lines of a layer that take the same with them, the longest says most of it:
            # a dimension of all heads, and not three places of queries, keys and values.
            known = found.setdefault(same, probe)
            if known.layer == layer and len(known.line) < len(line):
                found[same] = probe
    return list(found.values())


def block_probes(plan: Plan) -> list[Probe]:
    """Return one probe for every block that may leave."""
    found = []
    for one in plan.blocks:
        if not plan.bundles.kept[one.channel]:
            own = torch.tensor([one.channel])
            found.append(Probe((*one.exits, *one.inside)[0], own, own, None, block=one.name))
    return found


def classes_of(bundles: Bundles, channels: Tensor) -> bytes:
    """Return a key that is the same for channels of the same classes."""
    numbers: bytes = torch.unique(bundles.classes[channels]).numpy().tobytes()
    return numbers


def _removals(
    bundles: Bundles, channel: Tensor, in_grids: Tensor, leaving: dict[bytes, Tensor]
) -> list[tuple[Tensor, tuple[int, int] | None, bytes]]:
    """Return the sets that leave when a channel goes with its class, or with a line of a grid.

    Args:
        bundles: how channels depend on each other.
        channel: one of a layer's output channels.
        in_grids: bool, the channels that are part of any grid.
        leaving: what leaves with lines, by their classes; grows.
    """
    own = bundles.members(bundles.classes[channel])
    if bool(bundles.kept[own].any()):
        return []
    if not bool(in_grids[own].any()):
        return [(own, None, b"")]
    # Its class may be a whole line already, and then it needs no others to go.
    if len(gone := _closed(bundles, _without(bundles, own))):
        return [(gone, None, b"")]
    return _lines_through(bundles, own, leaving)


def _lines_through(
    bundles: Bundles, own: Tensor, leaving: dict[bytes, Tensor]
) -> list[tuple[Tensor, tuple[int, int] | None, bytes]]:
    """Return the sets that leave with each different line of a grid that holds some of a class."""
    found: list[tuple[Tensor, tuple[int, int] | None, bytes]] = []
    tried: set[bytes] = set()
    for index in bundles.different_grids_with(own):
        grid = bundles.grids[index]
        at = torch.isin(grid.channels, own).nonzero()[0]  # where the class first stands in it
        for axis in range(grid.channels.ndim):
            if axis in grid.fixed or grid.channels.shape[axis] == 1:
                continue
            line = grid.channels.select(axis, int(at[axis])).reshape(-1)
            if (same := classes_of(bundles, line)) in tried:
                continue
            tried.add(same)
            if same not in leaving:  # layers of one stage have the same lines
                # What leaves with the line is dead first, or it
                # would hold the line back; see ``bundles.py``.
                alive = ~bundles.leaving(~_without(bundles, line))
                leaving[same] = _closed(bundles, alive)
            if len(gone := leaving[same]):
                found.append((gone, (index, axis), same))
    return found


def _without(bundles: Bundles, *gone: Tensor) -> Tensor:
    """Return a bool for each channel: it is not among these."""
    staying = torch.ones_like(bundles.kept)
    for channels in gone:
        staying[channels] = False
    return staying


def _closed(bundles: Bundles, alive: Tensor) -> Tensor:
    """Return the channels that leave when no others than these need to stay."""
    return (~bundles.staying(alive)).nonzero().flatten()
