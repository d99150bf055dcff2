"""Activations at which zero does not stay zero, and operations over several channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import IMAGE, Pooled, case, conv


@case(IMAGE, share=0.43)
class SigmoidFeatures(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = conv(8, 10), conv(10, 10)

    def body(self, x: Tensor) -> Tensor:
        return F.softplus(self.three(torch.sigmoid(self.two(x))))


@case(IMAGE, share=0.88)
class SoftmaxOverChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = conv(8, 10), conv(10, 10)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.three(self.two(x).softmax(1)))


@case(IMAGE, share=0.85)
class MaxOverChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 6)
        self.two, self.three = conv(8, 12), conv(6, 6)

    def body(self, x: Tensor) -> Tensor:
        y = self.two(x)
        return F.relu(self.three(y.view(x.shape[0], 6, 2, *y.shape[2:]).amax(2)))


@case(IMAGE, share=0.63)
class CumulativeSum(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x.cumsum(1)))


@case(IMAGE, share=0.63)
class SortedChannels(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(x.sort(1).values))


@case(IMAGE, share=0.63)
class UnitLength(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.two = conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.two(F.normalize(x, dim=1)))


@case(IMAGE, share=0.86)
class WhereEither(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.two, self.three = conv(8, 8), conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        a, b = self.one(x), self.two(x)
        return F.relu(self.three(torch.where(a > 0, a, b)))


@case(IMAGE, share=0.86)
class LargerOfTwo(Pooled):
    def __init__(self) -> None:
        super().__init__(8)
        self.one, self.two, self.three = conv(8, 8), conv(8, 8), conv(8, 8)

    def body(self, x: Tensor) -> Tensor:
        return self.three(torch.maximum(self.one(x), self.two(x)))


@case(IMAGE, share=0.0)
class GramMatrix(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(3, 8), nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x)).flatten(2)
        return self.head(torch.bmm(x, x.transpose(1, 2)).flatten(1))


@case(((5, 4),), share=0.91)
class GraphConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        near = torch.softmax(x @ x.t(), 1)
        x = torch.mm(near, F.relu(self.one(x)))
        return self.head(torch.mm(near, F.relu(self.two(x))))
