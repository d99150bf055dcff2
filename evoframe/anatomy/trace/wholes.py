"""Wholes: what is read of all slices together, so that it may not be computed of fewer of them.

The largest entry of a parameter, its first one, or how many ones stand in a tensor that is as wide
as a layer are no slices of channels, and would be other ones where slices have left. Only a sum
over slices that are zero stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Size, Tensor

from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.reduction import adds, reduced
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.even import DRAWN, FILLED, FULL
from evoframe.anatomy.trace.synapses import Synapses
from evoframe.anatomy.trace.trace import Barrier

COUNTS = frozenset(
    {
        "sum", "nansum", "mean", "nanmean", "prod", "var", "std", "var_mean", "std_mean",
        "linalg_vector_norm", "norm", "logsumexp", "count_nonzero", "cumsum", "cumprod",
        "logcumsumexp", "_softmax", "_safe_softmax", "_log_softmax", "mm", "bmm", "addmm",
        "baddbmm", "mv", "dot",
    }
)  # fmt: skip
"""Give other numbers where a tensor that holds one number everywhere has fewer places."""


class Wholes:
    """Grows with every call; tensors are known by their ids, so whoever asks keeps them alive."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._read: dict[tuple[str, int], Barrier] = {}

    def follow(self, call: Call, barrier: Callable[[Call, str], Barrier]) -> None:
        """Remember which axes of parameters a call without channels does not carry on."""
        if call.name in FILLED or call.name in DRAWN or call.name in FULL:
            return  # they take the sizes alone
        lost = {
            (name, axis)
            for value in tensors_in((call.args, call.kwargs))
            for name, axis in self._axes(value) - self._summed(call, value)
        }
        if lost:
            lost -= {one for value in tensors_in(call.out) for one in self._axes(value)}
        for one in lost - self._read.keys():
            self._read[one] = barrier(call, "reads slices of a parameter together")

    def sizes(self, call: Call) -> tuple[Size, ...]:
        """Return the shapes that a call must be given in smaller networks too; () for any."""
        given = tensors_in(call.args)
        if call.name not in COUNTS or not given or any(self._axes(one) for one in given):
            return ()
        if call.name in ("sum", "nansum") and self._entries.even.value(given[0]) == 0:
            return ()
        return tuple([one.shape for one in given])

    def finish(self, channels: Channels, synapses: Synapses) -> list[Barrier]:
        """Keep the channels of all slices that are read together; return the reasons."""
        reasons = []
        for (name, axis), barrier in self._read.items():
            held = [channels.held[name, axis].channels] if (name, axis) in channels.held else []
            ends = (end[name] for end in (synapses.sources, synapses.targets) if name in end)
            some = [*held, *(end for end in ends if axis in varying(end))]
            for one in some:
                channels.keep(one)
            if some:
                reasons.append(barrier)
        return reasons

    def _axes(self, value: Any) -> set[tuple[str, int]]:
        """Return the axes of parameters along which a tensor has their slices."""
        found: set[tuple[str, int]] = set()
        if (made := self._entries.made(value)) is not None:
            for name, axes in made.parts:
                found |= {(name, axis) for axis in axes if axis is not None}
        elif (rows := self._entries.rows(value)) is not None and value.numel() > 1:
            found |= {(rows.name, axis) for axis in rows.axes}
        return {(name, axis) for name, axis in found if self._entries.size(name, axis) > 1}

    def _summed(self, call: Call, value: Tensor) -> set[tuple[str, int]]:
        """Return the axes along which a call adds up slices that are zero where they may leave."""
        made = self._entries.made(value)
        if made is None or made.at_rest != 0 or not adds(call):
            return set()
        dims = reduced(call, value.ndim)
        return {
            (name, axis)
            for name, axes in made.parts
            for dim in dims
            if (axis := axes[dim]) is not None
        }
