"""Networks as people hold them, further ones of each kind: shrunk exactly, or refused in words.

A class is a network with the ways of a case: ``EXPECT`` says "exact", "refused" or either, and
``NAMES`` the words of which a refusal must have one.
"""

from __future__ import annotations

import functools
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cases.judging import networks

KEPT = {"global": []}


class Plain(nn.Module):
    """Two hidden layers; subclasses change the way between them."""

    EXPECT = "exact"

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 16), nn.Linear(16, width), nn.Linear(width, 3)

    @classmethod
    def network(cls):
        return cls()

    @classmethod
    def inputs(cls):
        return (torch.randn(5, 6),)

    def between(self, x):
        return x

    def forward(self, x):
        return self.head(self.between(F.relu(self.b(F.relu(self.a(x))))))


# --- with whose parameters? -------------------------------------------------------------------


class LayerInAGlobal(Plain):
    EXPECT, NAMES = "refused", ("b.weight", "b.bias")

    def __init__(self) -> None:
        super().__init__()
        KEPT["global"] = [self.b]

    def forward(self, x):
        return self.head(F.relu(KEPT["global"][0](F.relu(self.a(x)))))


class LayerBehindAWeakReference(Plain):
    EXPECT, NAMES = "exact or refused", ("b.weight", "b.bias")

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "seen", weakref.ref(self.b))

    def forward(self, x):
        return self.head(F.relu(self.seen()(F.relu(self.a(x)))))


class HookThatAnswers(Plain):
    EXPECT, NAMES = "exact or refused", ("hook",)

    def __init__(self) -> None:
        super().__init__()
        original = self.b
        plain = original.forward
        self.b.register_forward_hook(lambda _layer, given, _out: plain(*given))


class WeightTakenOut(Plain):
    EXPECT, NAMES = "exact or refused", ("weight", "forward")

    @classmethod
    def network(cls):
        net = cls()
        weights = [layer.weight.detach().clone() for layer in (net.a, net.b, net.head)]

        def forward(x):
            return F.relu(F.relu(x @ weights[0].T) @ weights[1].T) @ weights[2].T

        net.forward = forward
        return net


class PartialOfTheMethod(Plain):
    EXPECT = "exact"

    @classmethod
    def network(cls):
        net = cls()
        net.b.forward = functools.partial(net.b.forward)
        return net


class MemberCompiledInPlace(Plain):
    EXPECT = "exact"

    @classmethod
    def network(cls):
        net = cls()
        net.b.compile(backend="eager")
        return net


class ReducesItself(Plain):
    EXPECT, NAMES = "exact or refused", ("__reduce", "copy")

    def __reduce_ex__(self, protocol):
        return type(self), ()


class BoundMethodInAList(Plain):
    EXPECT = "exact"

    def __init__(self) -> None:
        super().__init__()
        self.steps = [self.first, self.second]

    def first(self, x):
        return F.relu(self.a(x))

    def second(self, x):
        return F.relu(self.b(x))

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        return self.head(x)


# --- which path? --------------------------------------------------------------------------------


class AsksForMeta(Plain):
    def between(self, x):
        return x if x.is_meta else x * 0.5 + self.b.bias


class ZerosOnADevice(Plain):
    def between(self, x):
        return x + torch.zeros(x.shape[1], device=x.device)


class OtherActivationWhenNarrow(Plain):
    SHARE = 0  # the narrowest one is given all channels back

    def between(self, x):
        return torch.tanh(x) if x.shape[1] < 12 else x


class OtherLayerWhenVeryNarrow(Plain):
    SHARE = 0

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu(self.a(x))
        y = F.relu(self.b(x))
        return self.head(y) + (self.other(x) if y.shape[1] < 4 else 0)


# --- which numbers? -------------------------------------------------------------------------------


class FactorByKeyword(Plain):
    def between(self, x):
        return torch.add(x, x, alpha=x.shape[1])


class BoundFromTheWidth(Plain):
    def between(self, x):
        return x.clamp(max=x.shape[1] / 100)


class FilledWithTheWidth(Plain):
    def between(self, x):
        return x * torch.full((), 1.0 / x.shape[1])


class LengthOfTheInput(Plain):
    def between(self, x):
        return x

    def forward(self, x):
        y = F.relu(self.b(F.relu(self.a(x))))
        return self.head(y) + torch.arange(y.shape[1]).float().mean()


class LargestOfTheInput(Plain):
    def forward(self, x):
        y = F.relu(self.b(F.relu(self.a(x))))
        return self.head(y) + x.topk(min(6, y.shape[1] // 4), 1).values.sum(1, keepdim=True)


class NormOfTheWeights(Plain):
    SHARE = 0  # the weight has a row for each output and a column for each input

    def forward(self, x):
        y = F.relu(self.b(F.relu(self.a(x))))
        return self.head(y) / self.b.weight.std()


# --- in which mode? -------------------------------------------------------------------------------


class FeaturesWhileTraining(Plain):
    def forward(self, x):
        y = F.relu(self.a(x))
        out = self.head(F.relu(self.b(y)))
        return (out, y) if self.training else out


class CentresWhileTraining(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(3, 24))

    def forward(self, x):
        y = F.relu(self.b(F.relu(self.a(x))))
        out = self.head(y)
        return (out, torch.cdist(y, self.centres)) if self.training else out


class SkipsALayerWhileTraining(Plain):
    SHARE = 0  # in training the head reads one layer, in evaluation the other

    def __init__(self) -> None:
        super().__init__(16)

    def forward(self, x):
        y = F.relu(self.a(x))
        return self.head(y if self.training else F.relu(self.b(y)))


class NoiseWhileTraining(Plain):
    TRAINS = False  # two networks of other widths draw other noise, and are not compared

    def between(self, x):
        noise = torch.rand(x.shape) if self.training else 0.5
        return F.dropout(x, 0.3, self.training) * noise


class MeansWhileTraining(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(24))

    def between(self, x):
        if self.training:
            self.mean.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)
        return x - self.mean


HELD = {
    kind.__name__: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Plain) and kind is not Plain
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HELD)
def test_a_network_is_shrunk_exactly_or_refused_in_words(name: str) -> None:
    case = HELD[name]

    found = networks.judged(case)

    assert not networks.falls_short(case, found), (found.got, found.why)
