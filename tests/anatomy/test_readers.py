"""Whatever swallows channels has read them: no call makes a channel vanish unseen."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evoframe import anatomy
from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.plan.growing import body_of
from evoframe.anatomy.trace.forward import plain_operations
from evoframe.anatomy.trace.tracer import MetaTracer
from evoframe.kernel.wiring import Derived
from networks import NETWORKS


class Witness(MetaTracer):
    """Asks after each call where the channels are that went into it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        entering = self._signals_in((args, kwargs or {}))
        out = super().__torch_dispatch__(func, types, args, kwargs)
        call = Call.of(func, args, kwargs, out)
        found = [self.signals[id(one)] for one in tensors_in(out) if id(one) in self.signals]
        for signal in entering:
            assert self.accounted(signal, found), f"{call.name} swallows channels"
        return out

    def accounted(self, signal, found) -> bool:
        """Whether any of these channels is read, or goes on, alone or as a part of another.

        Or will be read by who takes what a call gave that no rule knows.
        """
        known = torch.zeros(self.channels.count, dtype=torch.bool)
        later = [one for waiting in self.unread.waiting for one in waiting.signals]
        for some in (*found, *later, *self.channels.read, *self.synapses.sources.values()):
            known[some.reshape(-1)] = True
        for step in reversed(self.channels.steps):
            if isinstance(step, Derived):
                for part in step.parts:
                    known[part[known[step.channels]]] = True
        return bool(known[signal].any() if found else known[signal].all())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_call_that_swallows_channels_has_read_them(name: str) -> None:
    case = NETWORKS[name]
    network = case.make()
    inputs = tuple(one.to("meta") for one in case.example())
    witness = Witness(body_of(network.double()).eval(), (), approximate=False)

    try:
        with plain_operations(), witness:
            witness.network(*inputs)
    except (RuntimeError, NotImplementedError):  # it asks for values; so far all was well
        others = ("layer on the other path", "operation: sparse product")
        assert name.startswith(("values", "path")) or name in others

    assert witness.channels.count


class Held:
    """Holds something, as a cache of keys and values holds layers."""

    def __init__(self, what) -> None:
        self.what = what


class Caching(nn.Module):
    """Gives out a cache of caches of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Linear(6, 12), nn.Linear(12, 3)

    def forward(self, x):
        x = self.one(x).relu()
        return {"answer": self.head(x), "cache": Held(Held([Held(x)]))}


def test_what_lies_deep_in_an_output_is_given_out() -> None:
    plan = anatomy.survey(Caching().eval(), (torch.randn(4, 6),), ["one.weight"])
    assert not plan.removable.any()
