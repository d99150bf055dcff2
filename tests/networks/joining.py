"""Channels that are joined: residual, dense, grouped and gated networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, Pooled, case, conv


@case(IMAGE, share=0.97)
class ResidualWithProjection(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 12)
        self.one, self.two, self.way = conv(8, 12), conv(12, 12), nn.Conv2d(8, 12, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(12) for _ in range(3))

    def body(self, x: Tensor) -> Tensor:
        y = self.norms[1](self.two(F.relu(self.norms[0](self.one(x)))))
        return F.relu(y + self.norms[2](self.way(x)))


@case(IMAGE, share=0.95)
class ResidualPaddedWithZeros(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 16)
        self.one, self.two = conv(8, 16), conv(16, 16)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(F.relu(self.one(x))) + F.pad(x, (0, 0, 0, 0, 4, 4)))


@case(IMAGE, share=0.94)
class DenseConcat(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 20)
        self.one, self.two = conv(8, 6), conv(14, 6)
        self.first, self.second = nn.BatchNorm2d(8), nn.BatchNorm2d(14)

    def body(self, x: Tensor) -> Tensor:
        x = torch.cat([x, self.one(F.relu(self.first(x)))], 1)
        return torch.cat([x, self.two(F.relu(self.second(x)))], 1)


@case(IMAGE, share=0.93)
class Grouped(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.one, self.two, self.norm = (
            conv(8, 16, groups=4),
            nn.Conv2d(16, 8, 1),
            nn.BatchNorm2d(8),
        )

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.two(F.relu(self.one(x)))) + x)


@case(IMAGE, share=0.94)
class Depthwise(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 8)
        self.wide, self.deep, self.narrow = (
            nn.Conv2d(8, 24, 1),
            conv(24, 24, groups=24),
            nn.Conv2d(24, 8, 1),
        )

    def body(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu6(self.deep(F.relu6(self.wide(x)))))


@case(IMAGE, share=0.89)
class DepthwiseMultiplier(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 16)
        self.deep = conv(8, 16, groups=8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.deep(x))


@case(IMAGE, share=0.94)
class SqueezeAndExcitation(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.less, self.more = conv(8, 8), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)

    def body(self, x: Tensor) -> Tensor:
        y = self.one(x)
        gate = torch.sigmoid(self.more(F.relu(self.less(y.mean((2, 3), keepdim=True)))))
        return x + y * gate


@case(IMAGE, share=0.81)
class GateOfOneChannel(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.gate = conv(8, 8), conv(2, 1)

    def body(self, x: Tensor) -> Tensor:
        y = F.relu(self.one(x))
        both = torch.cat([y.mean(1, keepdim=True), y.amax(1, keepdim=True)], 1)
        return y * torch.sigmoid(self.gate(both))


@case(IMAGE, share=0.96)
class ProductOfBranches(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.one, self.two = conv(8, 10), conv(8, 10)

    def body(self, x: Tensor) -> Tensor:
        return self.one(x) * torch.tanh(self.two(x))


@case(IMAGE, share=0.96)
class Highway(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.gate = conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        z = torch.sigmoid(self.gate(x))
        return z * F.relu(self.one(x)) + (1 - z) * x


@case(((2, 3, 6, 6),), share=0.94)
class Shortcut(nn.Module):
    """Two convolutions around which a shortcut goes, so that their channels are tied."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.one(x).relu()
        return self.head((x + self.two(x)).relu().mean((2, 3)))
