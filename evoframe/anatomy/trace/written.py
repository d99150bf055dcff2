"""Written: what a write into a part of a tensor does to the channels of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.relatives import Relatives


class Writes(Protocol):
    """What is asked of the forward pass that is traced, and told to it."""

    channels: Channels
    entries: Entries
    relatives: Relatives
    signals: dict[int, Tensor]

    def stop(self, call: Call, reason: str) -> None:
        """Put on record that a call is a barrier."""


@attrs.frozen(eq=False)
class Written:
    """A write into a tensor that shares its memory with others.

    Attributes:
        call: the operation in place.
        family: all tensors that may share memory with what is written.
        before: the channels that stand in what is written, in a row; None if none do.
        at_rest: whether they hold nothing but zero, where they carry no channel.
        places: where among them the channels of each of the family stand, by ids.
    """

    call: Call
    family: list[Tensor]
    before: Tensor | None
    at_rest: bool
    places: Mapping[int, Tensor] = attrs.field(factory=dict)

    @classmethod
    def of(cls, tracer: Writes, call: Call) -> Written | None:
        """Return the work that is left after a write; None if there is none.

        Asked before anything is learned of the write itself.
        """
        target = call.args[0]
        family = tracer.relatives.of(target)
        if len(family) < 2:
            return None
        known = [one for value in family if (one := tracer.signals.get(id(value))) is not None]
        if not known:
            return cls(call, family, None, tracer.entries.even.value(target) == 0)
        flat = tracer.signals.get(id(target), torch.zeros(0)).reshape(-1)
        simple = len(known) == len(family) and all(len(varying(one)) < 2 for one in known)
        places = [_places(flat, one) for one in known] if simple else [None]
        if None not in places:
            found = {id(one): at for one, at in zip(family, places, strict=True) if at is not None}
            return cls(call, family, flat, at_rest=True, places=found)
        _spoil(tracer, call, family, known)
        return None

    def spread(self, tracer: Writes) -> None:
        """Let all views carry what stands in the tensor now: what was there, or what is written."""
        after = tracer.signals.get(id(self.call.args[0]))
        if after is None and self.before is None:
            return
        if after is not None and self.before is not None and after.numel() == len(self.before):
            now = tracer.channels.derive([self.before, after.reshape(-1)])
            for key, places in self.places.items():
                tracer.signals[key] = now[places].reshape(tracer.signals[key].shape)
            return
        found = {} if after is None else self._seen(tracer, after)
        if after is None or len(found) < len(self.family):
            known = [one for one in (after, self.before) if one is not None]
            _spoil(tracer, self.call, self.family, known)
            return
        now = after.reshape(-1)
        if not self.at_rest:
            now = tracer.channels.derive([now], fed=True)
        tracer.signals.update({key: now.reshape(shape) for key, shape in found.items()})

    def _seen(self, tracer: Writes, after: Tensor) -> dict[int, list[int]]:
        """Return the shape of the signal of each view that has all of the channels."""
        written, found = self.call.args[0], {}
        if len(varying(after)) > 1 or self.before is not None:
            return {}
        for value in self.family:
            shape = [1] * value.ndim
            if axes := varying(after):
                # Views of one memory step through the same axis alike.
                size, step = after.numel(), written.stride(axes[0])
                places = [
                    at
                    for at in range(value.ndim)
                    if value.shape[at] == size and value.stride(at) == step
                ]
                if len(places) != 1:
                    continue
                shape[places[0]] = size
            found[id(value)] = shape
        return found


def _places(flat: Tensor, signal: Tensor) -> Tensor | None:
    """Return the places at which the channels of a signal stand in a row; None if one does not.

    Views may show channels several times, as those of a batch that is folded into them.
    """
    met = signal.reshape(-1)[:, None] == flat
    return met.int().argmax(1) if len(flat) and bool(met.any(1).all()) else None


def _spoil(tracer: Writes, call: Call, family: list[Tensor], known: list[Tensor]) -> None:
    """Let all channels stay that are in what is written.

    A view shows a part of the tensor, and the rule of the call would speak of that part alone.
    """
    for signal in known:
        tracer.channels.pin(signal)
    for value in family:
        tracer.signals.pop(id(value), None)
    tracer.stop(call, "writes into a part of another tensor")
