"""Weights that are shared by layers, taken in parts, or computed from parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations

from networks.registry import IMAGE, ROW, Pooled, case, conv


@case(ROW, share=0.48)
class TiedLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight
        self.wide, self.head = nn.Linear(8, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.two(F.relu(self.one(F.relu(self.stem(x))))))
        return self.head(F.relu(self.wide(x)))


@case((("int", 2, 7),), share=0.69)
class EmbeddingTiedWithHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.wide = nn.Embedding(11, 8), nn.Linear(8, 16)
        self.narrow, self.head = nn.Linear(16, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.words(x)
        return self.head(x + self.narrow(F.gelu(self.wide(x))))


@case(IMAGE, share=0.43)
class ModuleUsedThreeTimes(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.same, self.out = conv(8, 8), conv(8, 10)

    def body(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = F.relu(self.same(x))
        return F.relu(self.out(x))


@case(IMAGE, share=0.44)
class WeightNorm(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = parametrizations.weight_norm(conv(8, 10)), conv(10, 10)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.three(F.relu(self.two(x))))


@case(IMAGE, share=0.44)
class SpectralNorm(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = parametrizations.spectral_norm(conv(8, 10)), conv(10, 10)

    def body(self, x: Tensor) -> Tensor:
        return F.relu(self.three(F.relu(self.two(x))))


@case(IMAGE, share=0.44)
class StandardisedWeights(Pooled):
    def __init__(self) -> None:
        super().__init__(8, 10)
        self.two, self.three = conv(8, 10), conv(10, 10)

    def body(self, x: Tensor) -> Tensor:
        w = self.two.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) / (w.std((1, 2, 3), keepdim=True) + 1e-5)
        return F.relu(self.three(F.relu(F.conv2d(x, w, self.two.bias, padding=1))))


@case(ROW, share=0.62)
class BareParameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Linear(6, 8), nn.Linear(10, 4)
        self.weight, self.bias = nn.Parameter(torch.zeros(8, 10)), nn.Parameter(torch.zeros(10))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(F.relu(self.one(x)) @ self.weight + self.bias))


@case(ROW, share=0.0)
class BilinearLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 8), nn.Linear(6, 8)
        self.both, self.head = nn.Bilinear(8, 8, 10), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.both(F.relu(self.one(x)), F.relu(self.two(x)))))


@case(ROW, share=0.93)
class SoftExperts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.gate, self.head = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(10, 4)
        self.experts = nn.ModuleList(nn.Linear(8, 10) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        every = torch.stack([expert(x) for expert in self.experts], 1)
        return self.head(F.relu(torch.einsum("ne,nec->nc", self.gate(x).softmax(1), every)))


@case(((3, 4),), share=0.0)
class SharedNormOfRows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(4, 6)
        self.norm, self.head = nn.BatchNorm1d(6), nn.Linear(12, 2)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        both = [F.relu(self.norm(layer(x))) for layer in (self.one, self.two)]
        return self.head(torch.cat(both, 1))


@case(ROW, share=0.9)
class RowsOfOneParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(6, 8), nn.Linear(6, 8)
        self.both, self.head = nn.Linear(8, 20), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        sides = F.relu(self.left(x)), torch.tanh(self.right(x))
        weights, biases = self.both.weight.chunk(2), self.both.bias.chunk(2)
        left, right = map(F.linear, sides, weights, biases)
        return self.head(F.relu(left) + right)


@case(ROW, share=0.0)
class RowsThatAreUsedTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(6, 8), nn.Linear(6, 8)
        self.both, self.head = nn.Linear(8, 20), nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        left, right = F.relu(self.left(x)), self.right(x)
        first, weight = F.linear(left, self.both.weight[:12]), self.both.weight
        second = F.linear(right, weight[10:18], self.both.bias[10:18])
        return self.head(F.relu(torch.cat([first, second], 1)))
