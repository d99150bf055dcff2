"""Trials: what a proof removes, one small thing for each way in which a layer loses channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.bundles import Bundles

if TYPE_CHECKING:
    from evoframe.anatomy.anatomy import Anatomy


@attrs.frozen(eq=False)
class Trial:
    """Something small to remove.

    Attributes:
        layer: the parameter whose outgoing channels are concerned.
        channels: all of those.
        gone: what leaves, sorted.
        grid: the block that would lose a slot, and along which axis; None for tied channels.
        slot: the classes of that slot, sorted; the same slot may be seen in several blocks.
    """

    layer: str
    channels: Tensor
    gone: Tensor
    grid: tuple[int, int] | None
    slot: bytes = b""


Pattern = tuple[str, str, int | None, int]
"""What trials in equal modules share: class of the module, name inside, axis, channels removed."""


def pattern(plan: Anatomy, trial: Trial) -> Pattern:
    """Return what a trial has in common with the same one in other modules of a class."""
    owner, _, leaf = trial.layer.rpartition(".")[0].rpartition(".")
    kind = type(plan.body.get_submodule(owner))
    own = owner if kind.__module__.startswith("torch.nn") else ""  # containers may hold anything
    axis = None if trial.grid is None else trial.grid[1]
    return f"{kind.__module__}.{kind.__qualname__}.{own}", leaf, axis, len(trial.gone)


def left_by(bundles: Bundles, some: Sequence[Trial]) -> Tensor:
    """Return the smallest set of channels that can stay when all of these are gone; bools."""
    return bundles.closure(_without(bundles, *(trial.gone for trial in some)))


def _without(bundles: Bundles, *gone: Tensor) -> Tensor:
    staying = torch.ones_like(bundles.kept)
    for channels in gone:
        staying[channels] = False
    return staying


def trials(plan: Anatomy) -> list[Trial]:
    """Return one trial for every different way in which a layer could lose a channel."""
    found: dict[bytes, Trial] = {}
    in_blocks = torch.zeros_like(plan.bundles.kept)
    for block in plan.bundles.grids:
        in_blocks[block.channels.reshape(-1)] = True
    for layer, signal in plan.seen.targets.items():
        channels = signal.reshape(-1)
        middle = channels[len(channels) // 2]
        for gone, grid, slot in _removals(plan.bundles, middle, in_blocks):
            found.setdefault(gone.numpy().tobytes(), Trial(layer, channels, gone, grid, slot))
    return list(found.values())


def _removals(
    bundles: Bundles, channel: Tensor, in_blocks: Tensor
) -> list[tuple[Tensor, tuple[int, int] | None, bytes]]:
    """Return what leaves when a channel goes with its class, or with a slot of a block.

    Args:
        bundles: how channels depend on each other.
        channel: one of a layer's output channels.
        in_blocks: bool, the channels that are part of any block.
    """
    own = bundles.members(bundles.classes[channel])
    if bool(bundles.kept[own].any()):
        return []
    if not bool(in_blocks[own].any()):
        return [(own, None, b"")]
    if len(gone := _closed(bundles, _without(bundles, own))):
        return [(gone, None, b"")]
    found: list[tuple[Tensor, tuple[int, int] | None, bytes]] = []
    tried: set[bytes] = set()
    for index in bundles.grids_with(own):
        grid = bundles.grids[index]
        place = torch.isin(grid.channels, own).nonzero()[0]
        for axis in range(grid.channels.ndim):
            if axis in grid.fixed or grid.channels.shape[axis] == 1:
                continue
            slot = grid.channels.select(axis, int(place[axis])).reshape(-1)
            if (same := classes_of(bundles, slot)) in tried:
                continue
            tried.add(same)
            if len(gone := _closed(bundles, ~_completed(bundles, slot))):
                found.append((gone, (index, axis), same))
    return found


def _closed(bundles: Bundles, staying: Tensor) -> Tensor:
    """Return the channels that leave when no others than these need to stay."""
    return (~bundles.closure(staying)).nonzero().flatten()


def classes_of(bundles: Bundles, channels: Tensor) -> bytes:
    """Return what is the same for channels of the same classes."""
    numbers: bytes = torch.unique(bundles.classes[channels]).numpy().tobytes()
    return numbers


def _completed(bundles: Bundles, slot: Tensor) -> Tensor:
    """Return what goes with a slot when whatever depends on it is dead too.

    Blocks overlap, so a slot of one may break a slot of another, which then goes as a whole: a
    place inside the heads of attention leaves queries, keys and values together.
    """
    gone = torch.zeros_like(bundles.kept)
    gone[slot] = True
    before = -1
    while (now := int(gone.sum())) != before:
        marked = torch.zeros_like(gone)
        marked[bundles.classes[gone]] = True
        gone = marked[bundles.classes]
        for index in bundles.grids_with(gone.nonzero().flatten()):
            grid = bundles.grids[index]
            gone[grid.channels[grid.broken(gone[grid.channels])]] = True
        before = now
    return gone
