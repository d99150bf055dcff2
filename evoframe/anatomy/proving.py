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

from evoframe.anatomy.channels import sizes_left
from evoframe.anatomy.following import find_followers
from evoframe.anatomy.shortcuts import run
from evoframe.anatomy.tracing import (
    UNCOUNTED,
    Barrier,
    Trace,
    numbers_in,
    plain_operations,
    tensors_in,
)
from evoframe.anatomy.trials import Trial, classes_of, left_by, pattern, trials

if TYPE_CHECKING:
    from evoframe.anatomy.anatomy import Anatomy

PATIENCE = 4
"""After how many rounds a layer that still breaks keeps all of its channels."""

ROUNDS = 8
"""How often the proof is begun again with more channels kept, before all of them are."""


@attrs.frozen
class Objection:
    """Why a forward pass is not as it should be.

    Attributes:
        reason: in words.
        call: the index of the counted call at which it showed.
    """

    reason: str
    call: int


def prove(plan: Anatomy) -> Anatomy:
    """Return the anatomy with everything kept whose removal would break the forward pass.

    One removable set of each layer is taken away, all at once. Where that fails, the sets that
    are to blame are found; numbers in attributes that explain it follow from then on, and what
    nothing explains is kept.
    """
    for attempt in range(ROUNDS):
        broken = _broken(plan, trials(plan))
        if not broken:
            return plan
        followers, hopeless = find_followers(plan, broken)
        plan = attrs.evolve(plan, followers=(*plan.followers, *followers))
        plan = _without(plan, hopeless, entirely=attempt >= PATIENCE)
    everything = torch.ones_like(plan.bundles.kept)
    reason = Barrier("the whole network", "its channels could not be told apart by removing them")
    return attrs.evolve(
        plan,
        bundles=attrs.evolve(plan.bundles, kept=everything),
        barriers=(*plan.barriers, reason),
    )


def _broken(plan: Anatomy, some: Sequence[Trial]) -> list[tuple[Trial, str]]:
    """Return the trials that break the forward pass, each with the reason.

    What breaks in one module is taken to break in all modules of its class: keeping more than
    is needed is safe, and a network of many equal blocks is not searched block by block.
    """
    found: list[tuple[Trial, str]] = []
    left = list(some)
    while left and (objection := _tried(plan, left)):
        near = _suspects(plan, left, objection)
        culprits = _searched(plan, near) or _searched(plan, left)
        culprits = culprits or [(trial, objection.reason) for trial in left]
        like = {pattern(plan, trial): reason for trial, reason in culprits}
        found += [(one, like[same]) for one in left if (same := pattern(plan, one)) in like]
        left = [trial for trial in left if pattern(plan, trial) not in like]
    return found


def _tried(plan: Anatomy, some: Sequence[Trial]) -> Objection | None:
    return plan.examine(left_by(plan.bundles, some))


def _suspects(plan: Anatomy, some: Sequence[Trial], objection: Objection) -> list[Trial]:
    """Return the trials that remove channels which the failing call, or one before it, carries."""
    near = torch.zeros_like(plan.bundles.kept)
    near[near_to(plan.seen, objection)] = True
    return [trial for trial in some if bool(near[trial.gone].any())]


def near_to(seen: Trace, objection: Objection) -> Tensor:
    """Return the channels that the failing call carries, or else one shortly before it."""
    for index in range(objection.call, max(objection.call - 4, -1), -1):
        known = seen.shapes[index] if index < len(seen.shapes) else []
        signals = [signal.reshape(-1) for _, signal in known if signal is not None]
        if signals:
            return torch.cat(signals)
    return torch.zeros(0, dtype=torch.long)


def _searched(plan: Anatomy, some: Sequence[Trial]) -> list[tuple[Trial, str]]:
    """Return the trials to blame, found by halves; none if these together break nothing."""
    if not some or (objection := _tried(plan, some)) is None:
        return []
    if len(some) == 1:
        return [(some[0], objection.reason)]
    half = len(some) // 2
    found = _searched(plan, some[:half]) + _searched(plan, some[half:])
    return found or [(trial, f"with others, {objection.reason}") for trial in some]


def _without(plan: Anatomy, broken: Sequence[tuple[Trial, str]], *, entirely: bool) -> Anatomy:
    """Return the anatomy in which what broke cannot be removed any more.

    With ``entirely``, nothing else of those layers can be removed either.
    """
    kept, grids = plan.bundles.kept.clone(), list(plan.bundles.grids)
    barriers = list(plan.barriers)
    for trial, reason in broken:
        if entirely or trial.grid is None:
            kept[trial.channels] = True
            what = "its channels cannot be removed"
        else:
            for index, axes in _slots_of(plan, trial):
                grids[index] = attrs.evolve(grids[index], fixed=(*grids[index].fixed, *axes))
            what = "its channels cannot be removed in this pattern"
        barriers.append(Barrier(trial.layer, f"{what}: {reason}"))
    bundles = attrs.evolve(plan.bundles, kept=kept, grids=tuple(grids))
    return attrs.evolve(plan, bundles=bundles, barriers=tuple(dict.fromkeys(barriers)))


def shapes_agree(network: nn.Module, inputs: Any, seen: Trace, staying: Tensor) -> Objection | None:
    """Return why a forward pass does not give the shapes that it should; None if it does.

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
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Objection(watcher.found or said, watcher.index)
    if watcher.index == len(seen.shapes):
        return None
    return Objection("another number of operations ran", watcher.index)


def _slots_of(plan: Anatomy, trial: Trial) -> list[tuple[int, list[int]]]:
    """Return every grid that has the slot of a trial, with the axes along which it has it."""
    gone, found = torch.zeros_like(plan.bundles.kept), []
    gone[trial.gone] = True
    for index in plan.bundles.grids_with(trial.gone):
        channels = plan.bundles.grids[index].channels
        flags, axes = gone[channels], []
        for axis in range(channels.ndim):
            lost = flags.movedim(axis, 0).flatten(1).all(1).nonzero().flatten()
            slots = channels.index_select(axis, lost).unbind(axis)
            if any(classes_of(plan.bundles, slot.reshape(-1)) == trial.slot for slot in slots):
                axes.append(axis)
        found.append((index, axes))
    return found


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
        out = run(func, args, kwargs)
        if func.overloadpacket.__name__ in UNCOUNTED:
            return out
        known = self.index < len(self.seen.shapes)
        expected = self.seen.shapes[self.index] if known else []
        if known and numbers_in(func, args) != self.seen.numbers[self.index]:
            self.found = f"a number in {func} depends on how many channels there are"
            raise RuntimeError(self.found)
        for value, (shape, signal) in zip(tensors_in(out), expected, strict=False):
            if signal is not None and tuple(value.shape) != (due := self._due(shape, signal)):
                self.found = f"{func} gave {tuple(value.shape)} where {due} was due"
                raise RuntimeError(self.found)
        self.index += 1
        return out

    def _due(self, shape: torch.Size, signal: Tensor) -> tuple[int, ...]:
        if id(signal) not in self.sizes:  # signals live as long as the trace
            self.sizes[id(signal)] = sizes_left(signal, self.staying)
        left = self.sizes[id(signal)]
        return tuple(size if some is None else some for size, some in zip(shape, left, strict=True))
