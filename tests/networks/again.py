"""Layers and parameters that are used more than once: towers, pyramids, depth, steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, ROW, TOKENS, Pooled, case, conv


@case((*ROW, *ROW), share=0.94)
class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8), nn.PReLU(8)
        )
        self.head = nn.Linear(8, 2)

    def forward(self, one, other):
        return self.head((self.tower(one) - self.tower(other)).abs())


@case(IMAGE, share=0.9)
class WidenedTower(Pooled):
    """One branch of the towers reads what two layers give, side by side."""

    def __init__(self) -> None:
        super().__init__(8, 12)
        self.left, self.right, self.tower = conv(8, 4), conv(8, 4), conv(8, 6)

    def body(self, x: Tensor) -> Tensor:
        wide = torch.cat([F.relu(self.left(x)), torch.tanh(self.right(x))], 1)
        return torch.cat([F.relu(self.tower(x)), F.relu(self.tower(wide))], 1)


@case(IMAGE, share=0.98)
class SameBlockThreeTimes(Pooled):
    """Weights shared over depth, with statistics and biases."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.up, self.norm, self.down = conv(8, 24), nn.BatchNorm2d(24), conv(24, 8)

    def body(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = x + self.down(F.relu(self.norm(self.up(x))))
        return x


@case(IMAGE, share=0.45, heads=("head", "fine", "coarse"))
class PyramidWithTwoHeads(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.lower, self.shared = conv(8, 8, stride=2), conv(8, 12)
        self.fine, self.coarse = nn.Conv2d(12, 3, 1), nn.Conv2d(12, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        high = F.relu(self.stem(x))
        low = torch.sigmoid(self.lower(high))
        one, other = (F.relu(self.shared(level)) for level in (high, low))
        return self.fine(one), self.coarse(other), self.head(low.mean((2, 3)))


@case(IMAGE, share=0.96)
class OneNormForTwoLayers(Pooled):
    """Where the channel of one layer is dead, the norm's shift would make it live."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.one, self.two, self.norm = conv(8, 8, bias=False), conv(8, 8), nn.BatchNorm2d(8)

    def body(self, x: Tensor) -> Tensor:
        return self.norm(self.one(x)) * F.relu(self.norm(self.two(x)))


@case(IMAGE, share=0.9)
class DepthwiseAndGroupedTwice(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.deep, self.grouped = conv(8, 8, groups=8), conv(8, 8, groups=4)
        self.less, self.more = conv(8, 8, 1), conv(8, 8, 1)

    def body(self, x: Tensor) -> Tensor:
        x = F.relu(self.more(F.relu(self.deep(F.relu(self.deep(x))))))
        return F.relu(self.less(F.relu(self.grouped(F.relu(self.grouped(x))))))


@case(ROW, share=0.5, heads=("none",))
class TiedBothWays(nn.Module):
    """An encoder whose decoder has its weights, the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.code = nn.Linear(6, 16), nn.Linear(16, 10)
        self.back, self.last = nn.Parameter(torch.zeros(16)), nn.Parameter(torch.zeros(6))

    def forward(self, x):
        x = F.relu(self.code(F.relu(self.first(x))))
        x = F.relu(F.linear(x, self.code.weight.t(), self.back))
        return F.linear(x, self.first.weight.t(), self.last)


@case(ROW, share=0.95)
class OneBiasForTwoLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(6, 12), nn.Linear(12, 12), nn.Linear(12, 2)
        self.two.bias = self.one.bias

    def forward(self, x):
        return self.head(F.relu(self.two(F.relu(self.one(x)))))


@case(TOKENS, share=0.95)
class UnrolledCell(nn.Module):
    """Reads words one after the other; its state begins with the first of them."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.head = nn.Linear(6, 12), nn.Linear(12, 12), nn.Linear(12, 2)

    def forward(self, x):
        state = torch.tanh(self.into(x[:, 0]))
        for step in range(1, x.shape[1]):
            state = torch.tanh(self.into(x[:, step]) + self.again(state))
        return self.head(state)


@case(TOKENS, share=0.91)
class UnrolledGates(nn.Module):
    """A gated cell whose matrices read the word and the state side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.begin, self.gate, self.new = nn.Linear(6, 8), nn.Linear(14, 8), nn.Linear(14, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        state = torch.tanh(self.begin(x[:, 0]))
        for word in x.unbind(1):
            both = torch.cat([word, state], 1)
            gate = torch.sigmoid(self.gate(both))
            state = gate * state + (1 - gate) * torch.tanh(self.new(both))
        return self.head(state)


@case(IMAGE, share=0.93, heads=("head", "shared"))
class UsedTwiceAndNotEvolving(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 6)
        self.one, self.two, self.shared = conv(8, 10), conv(8, 10), conv(10, 6)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.shared(F.relu(self.one(x)))) + F.relu(self.shared(self.two(x).tanh()))


@case(TOKENS, share=0.95)
class CellFromZero(nn.Module):
    """A state that begins with zeros, as many as an attribute says."""

    def __init__(self) -> None:
        super().__init__()
        self.size, self.into, self.again = 12, nn.Linear(6, 12), nn.Linear(12, 12)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        state = x.new_zeros(len(x), self.size)
        for word in x.unbind(1):
            state = torch.tanh(self.into(word) + self.again(state))
        return self.head(state)


@case(TOKENS, share=0.0)
class GatedCellFromZero(nn.Module):
    """Its matrices read words and state side by side, where zeros are taken for an input."""

    def __init__(self) -> None:
        super().__init__()
        self.size, self.gate, self.new = 8, nn.Linear(14, 8), nn.Linear(14, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        state = torch.zeros(len(x), self.size, dtype=x.dtype, device=x.device)
        for word in x.unbind(1):
            gate = torch.sigmoid(self.gate(torch.cat([word, state], 1)))
            state = gate * state + (1 - gate) * torch.tanh(self.new(torch.cat([word, state], 1)))
        return self.head(state)


@case(TOKENS, share=0.0)
class CellFromWrittenZero(nn.Module):
    """How many zeros there are is written in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.head = nn.Linear(6, 12), nn.Linear(12, 12), nn.Linear(12, 2)

    def forward(self, x):
        state = x.new_zeros(len(x), 12)
        for word in x.unbind(1):
            state = torch.tanh(self.into(word) + self.again(state))
        return self.head(state)


@case(TOKENS, share=0.7)
class ZerosAsInput(nn.Module):
    """A layer reads nothing but zeros, and gives its bias."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.idle, self.head = nn.Linear(6, 12), nn.Linear(7, 12), nn.Linear(12, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.into(x)) + self.idle(x.new_zeros(2, 5, 7)))
