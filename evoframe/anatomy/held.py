"""What barriers hold back: the parameters and FLOPs that could leave a network if one were not.

The forward pass is traced once more, and for each call that raised a barrier it is noted which
channels were kept because of it. The smallest network with these channels is then compared with
the smallest network without any barrier. Channels may stay for several reasons, so what two
barriers hold back may be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.anatomy import Anatomy
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.plan.copying import replica
from evoframe.anatomy.plan.plan import Plan
from evoframe.anatomy.proof.prove import IN_PATTERN
from evoframe.anatomy.trace.forward import opened, plain_operations
from evoframe.anatomy.trace.trace import Barrier
from evoframe.anatomy.trace.tracer import MetaTracer
from evoframe.anatomy.trace.values import answered


@attrs.frozen
class Held:
    """What one barrier holds back.

    Attributes:
        barrier: where channels are kept, and why.
        parameters: the share of all parameters that could leave without it, were it the only one;
            at the least, because what reads the channels behind it is not known to.
        flops: the same of the FLOPs of a forward pass; None where these are not known.
    """

    barrier: Barrier
    parameters: float
    flops: float | None

    @property
    def share(self) -> float:
        """The larger of the two."""
        return max(self.parameters, self.flops or 0.0)


def held_back(anatomy: Anatomy) -> tuple[Held, ...]:
    """Return the parameters and FLOPs that barriers hold back, the most first; costs a trace."""
    kept = _kept_by_barrier(anatomy)
    if kept is None:  # nothing is known of any channel
        return tuple(Held(one, 1.0, None) for one in anatomy.barriers)
    plan, others, blamed = kept.plan, kept.others, kept.blamed
    free = _sizes(plan, others, plan.bundles.grids)
    found = []
    for barrier in anatomy.barriers:
        channels = blamed.get(barrier, _of_layer(plan, barrier))
        if channels is None:  # all of them, or a reason that only the proof knows
            channels = torch.arange(len(others))
        flags, grids = others.clone(), plan.bundles.grids
        if IN_PATTERN in barrier.reason and (lines := _with_lines(plan, anatomy, channels)):
            grids = lines
        else:
            flags[channels] = True
        held = _sizes(plan, flags, grids)
        shares = [one - least for one, least in zip(held, free, strict=True)]
        found.append(Held(barrier, shares[0], shares[1] if len(shares) > 1 else None))
    return tuple(sorted(found, key=lambda one: -one.share))


def given_out(anatomy: Anatomy) -> tuple[str, ...]:
    """Return the layers whose channels, or such as are tied to them, the network gives out."""
    if (kept := _kept_by_barrier(anatomy)) is None:
        return ()
    flags = kept.plan.bundles.by_class(kept.outputs)
    ends = kept.plan.trace.targets
    return tuple(name for name in anatomy.evolvable if bool(flags[ends[name]].any()))


@attrs.frozen(eq=False)
class _Kept:
    """The channels that stay, by the reason for which they do.

    Attributes:
        plan: without proof.
        others: kept for no barrier, outputs among them; bool, one entry a channel.
        outputs: what the network gives out; as ``others``.
        blamed: the channels that each barrier keeps.
    """

    plan: Plan
    others: Tensor
    outputs: Tensor
    blamed: dict[Barrier, Tensor]


class _Witness(MetaTracer):  # type: ignore[no-untyped-call]
    """A tracer that notes which channels are kept by which call."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.blamed: dict[Barrier, list[Tensor]] = {}
        self.innocent: list[Tensor] = []
        self.told: set[int] = set()
        self.late: set[Barrier] = set()

    def _keep_for(self, signals: tuple[Tensor, ...], barrier: Barrier) -> None:
        """Keep channels for a call, which may be an earlier one than that which is seen."""
        kept = len(self.channels.kept)
        super()._keep_for(signals, barrier)
        self.blamed.setdefault(barrier, []).extend(self.channels.kept[kept:])
        self.late.add(barrier)
        self.told.update(range(kept, len(self.channels.kept)))

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kept, barriers = len(self.channels.kept), len(self.barriers)
        self.late.clear()
        out = super().__torch_dispatch__(func, types, args, kwargs)
        places = (at for at in range(kept, len(self.channels.kept)) if at not in self.told)
        new = [self.channels.kept[at] for at in places]
        others = [one for one in self.barriers[barriers:] if one not in self.late]
        for barrier in others:
            self.blamed.setdefault(barrier, []).extend(new)
        if not others:
            self.innocent += new
        return out


def _kept_by_barrier(anatomy: Anatomy) -> _Kept | None:
    """Return the channels that a plan keeps, by reason; None where nothing is known of any."""
    plan = anatomy.proved.plan
    if not plan.trace.knows_channels:
        return None
    first, twin = plan.trace.passes[0], replica(plan.body, {}).eval()
    asks = bool(first.answers)
    witness = _Witness(twin, tuple(plan.evolvable), approximate=False, asks=asks)
    before = 0
    try:
        with plain_operations(), witness, answered(first.answers, witness.asked):
            outputs = first.inputs.call(witness.network)
        before = len(witness.channels.kept)
        witness.keep_all(opened(outputs))
    except Exception:  # noqa: BLE001  a network may do anything, and this only tells of it
        return None
    calls, work = tuple(witness.calls), tuple(witness.work)
    seen = witness.trace((attrs.evolve(first, calls=calls, work=work),))
    last = witness.channels.kept[before:]
    outputs = witness.channels.flags(last)
    others = witness.channels.flags(witness.innocent) | outputs
    blamed = {barrier: torch.cat(found) for barrier, found in witness.blamed.items() if found}
    return _Kept(Plan.of(plan.body, plan.evolvable, seen), others, outputs, blamed)


def _of_layer(plan: Plan, barrier: Barrier) -> Tensor | None:
    """Return the outputs of the layer that a barrier of the proof names."""
    signal = plan.trace.targets.get(barrier.operation)
    return None if signal is None else signal.reshape(-1)


def _with_lines(plan: Plan, anatomy: Anatomy, channels: Tensor) -> tuple[Grid, ...]:
    """Return the grids of a plan, with lines fixed by the proof where they have these channels.

    None if the proved plan has other grids, as it may where it was made in another way.
    """
    proved, found = anatomy.bundles.grids, list(plan.bundles.grids)
    shapes = [[one.channels.shape for one in grids] for grids in (proved, found)]
    if shapes[0] != shapes[1]:
        return ()
    for index in plan.bundles.grids_with(channels):
        found[index] = attrs.evolve(found[index], fixed=proved[index].fixed)
    return tuple(found)


def _sizes(plan: Plan, kept: Tensor, grids: tuple[Grid, ...]) -> list[float]:
    """Return the smallest network's share of parameters and, where known, FLOPs."""
    bundles = attrs.evolve(plan.bundles, kept=kept, grids=grids)
    least, everything = bundles.staying(torch.zeros_like(kept)), torch.ones_like(kept)
    shares = [plan.parameters(least) / max(plan.parameters(everything), 1)]
    if whole := plan.flops(everything):
        shares.append(plan.flops(least) / whole)
    return shares
