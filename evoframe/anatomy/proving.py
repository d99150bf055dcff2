"""Proving: that a network with channels removed computes what its channels say.

Every operation of a forward pass on the meta device must give the shape that the channels which
stay predict. Code with sizes written into it fails this, and then its channels are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.bundles import Bundles
from evoframe.anatomy.tracing import (
    UNCOUNTED,
    Barrier,
    Trace,
    numbers_in,
    plain_operations,
    tensors_in,
)

if TYPE_CHECKING:
    from evoframe.anatomy.anatomy import Anatomy

ROUNDS = 8
"""How often the proof is begun again with more channels kept, before all of them are."""


@attrs.frozen(eq=False)
class Trial:
    """Something small to remove.

    Attributes:
        layer: the parameter whose outgoing channels are concerned.
        channels: all of those.
        staying: what stays, a bool for each channel of the network.
        grid: the block that would lose a slot, and along which axis; None for tied channels.
    """

    layer: str
    channels: Tensor
    staying: Tensor
    grid: tuple[int, int] | None


def prove(plan: Anatomy) -> Anatomy:
    """Return the anatomy with everything kept whose removal would break the forward pass.

    One removable set of each layer is taken away, all at once; only if that fails, sets are
    tried in halves until those that fail are found.
    """
    for _ in range(ROUNDS):
        broken = _broken(plan, trials(plan))
        if not broken:
            return plan
        plan = _without(plan, broken)
    everything = torch.ones_like(plan.bundles.kept)
    reason = Barrier("the whole network", "its channels could not be told apart by removing them")
    return attrs.evolve(
        plan,
        bundles=attrs.evolve(plan.bundles, kept=everything),
        barriers=(*plan.barriers, reason),
    )


def trials(plan: Anatomy) -> list[Trial]:
    """Return one trial for every different way in which a layer could lose a channel."""
    found: dict[bytes, Trial] = {}
    in_blocks = torch.zeros_like(plan.bundles.kept)
    for block in plan.bundles.grids:
        in_blocks[block.channels.reshape(-1)] = True
    for layer, signal in plan.seen.targets.items():
        channels = signal.reshape(-1)
        middle = channels[len(channels) // 2]
        for staying, grid in _removals(plan.bundles, middle, in_blocks):
            trial = Trial(layer, channels, staying, grid)
            found.setdefault(staying.numpy().tobytes(), trial)
    return list(found.values())


def _removals(
    bundles: Bundles, channel: Tensor, in_blocks: Tensor
) -> list[tuple[Tensor, tuple[int, int] | None]]:
    """Return what stays when a channel goes with its class, or with a slot of a block.

    Args:
        bundles: how channels depend on each other.
        channel: one of a layer's output channels.
        in_blocks: bool, the channels that are part of any block.
    """
    own = bundles.classes == bundles.classes[channel]
    if bool(bundles.kept[own].any()):
        return []
    if not bool(in_blocks[own].any()):
        return [(~own, None)]
    staying = bundles.closure(~own)
    if not bool(staying.all()):
        return [(staying, None)]
    found: list[tuple[Tensor, tuple[int, int] | None]] = []
    for index, grid in enumerate(bundles.grids):
        places = own[grid.channels].nonzero()
        for axis in range(grid.channels.ndim) if len(places) else ():
            if axis in grid.fixed or grid.channels.shape[axis] == 1:
                continue
            slot = grid.channels.select(axis, int(places[0, axis]))
            gone = torch.zeros_like(own)
            gone[bundles.classes[slot]] = True
            staying = bundles.closure(~gone[bundles.classes])
            if not bool(staying.all()):
                found.append((staying, (index, axis)))
    return found


def _broken(plan: Anatomy, some: Sequence[Trial]) -> list[tuple[Trial, str]]:
    """Return the trials that break the forward pass, each with the reason."""
    if not some:
        return []
    staying = torch.stack([trial.staying for trial in some]).all(0)
    reason = plan.objection(plan.bundles.closure(staying))
    if not reason:
        return []
    if len(some) == 1:
        return [(some[0], reason)]
    half = len(some) // 2
    found = _broken(plan, some[:half]) + _broken(plan, some[half:])
    return found or [(trial, f"with others, {reason}") for trial in some]


def _without(plan: Anatomy, broken: Sequence[tuple[Trial, str]]) -> Anatomy:
    """Return the anatomy in which what broke cannot be removed any more."""
    kept, grids = plan.bundles.kept.clone(), list(plan.bundles.grids)
    barriers = list(plan.barriers)
    for trial, reason in broken:
        if trial.grid is None:
            kept[trial.channels] = True
            what = "its channels cannot be removed"
        else:
            index, axis = trial.grid
            grids[index] = attrs.evolve(grids[index], fixed=(*grids[index].fixed, axis))
            what = "its channels cannot be removed in this pattern"
        barriers.append(Barrier(trial.layer, f"{what}: {reason}"))
    bundles = attrs.evolve(plan.bundles, kept=kept, grids=tuple(grids))
    return attrs.evolve(plan, bundles=bundles, barriers=tuple(dict.fromkeys(barriers)))


def shapes_agree(network: nn.Module, inputs: Any, seen: Trace, staying: Tensor) -> str:
    """Return why a forward pass does not give the shapes that it should; "" if it does.

    Args:
        network: on the meta device.
        inputs: its inputs, there too.
        seen: the ancestor's forward pass.
        staying: the channels that the network has, a bool for each.
    """
    watcher = _Watcher(seen, staying)
    try:
        with plain_operations(), watcher:
            network.eval()(*inputs)
    except Exception as error:  # noqa: BLE001  a network may do anything
        return watcher.found or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return "" if watcher.index == len(seen.shapes) else "another number of operations ran"


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Compares the shape of everything that comes out with the prediction."""

    def __init__(self, seen: Trace, staying: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen, self.staying = seen, staying
        self.index, self.found = 0, ""
        self.sizes: dict[int, tuple[int | None, ...]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in UNCOUNTED:
            return out
        known = self.index < len(self.seen.shapes)
        expected = self.seen.shapes[self.index] if known else []
        if known and numbers_in(func, args) != self.seen.numbers[self.index]:
            self.found = f"a number in {func} depends on how many channels there are"
            raise RuntimeError(self.found)
        self.index += 1
        for value, (shape, signal) in zip(tensors_in(out), expected, strict=False):
            if signal is not None and tuple(value.shape) != (due := self._due(shape, signal)):
                self.found = f"{func} gave {tuple(value.shape)} where {due} was due"
                raise RuntimeError(self.found)
        return out

    def _due(self, shape: torch.Size, signal: Tensor) -> tuple[int, ...]:
        if id(signal) not in self.sizes:  # signals live as long as the trace
            self.sizes[id(signal)] = _left(signal, self.staying)
        left = self.sizes[id(signal)]
        return tuple(size if some is None else some for size, some in zip(shape, left, strict=True))


def _left(signal: Tensor, staying: Tensor) -> tuple[int | None, ...]:
    """Return how many slots of each axis have a channel that stays; None where it is constant."""
    flags = staying[signal]
    sizes: list[int | None] = []
    for axis, size in enumerate(signal.shape):
        others = [at for at in range(signal.ndim) if at != axis]
        some = flags.any(dim=others) if others else flags
        sizes.append(int(some.sum()) if size > 1 else None)
    return tuple(sizes)
