"""Networks in which zero stays zero: a dead neuron is silent without being settled."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import register


class Mixed(nn.Module):
    """A small network of one kind; all activations keep zero at zero, and nothing else at zero."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        groups = {"depthwise": width, "grouped": 2}.get(kind, 1)
        self.kind = kind
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        self.one = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        self.two = nn.Conv2d(2 * width if kind == "concat" else width, width, 1)
        self.norm, self.other = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.fc, self.head = nn.Linear(width * 4, 5), nn.Linear(5, 2)
        self.flat = nn.BatchNorm1d(width * 4)
        if kind == "tied":
            self.two = nn.Conv2d(width, width, 3, padding=1)
            self.two.weight = self.one.weight

    def forward(self, x):
        act = F.leaky_relu
        x = act(self.norm(self.stem(x)))
        y = self.other(self.one(x))
        match self.kind:
            case "residual":
                y = self.two(act(y)) + x
            case "in place":
                y = self.two(act(y))
                y += x
            case "reused":
                y = self.two(act(self.two(act(y))))
            case "shared norm":
                y = self.norm(self.two(act(y)))
            case "transposed":
                y = self.two(F.conv2d(act(y), self.two.weight.transpose(0, 1)))
            case "concat":
                y = self.two(torch.cat([act(y), x], 1))
            case _:
                y = self.two(act(y))
        y = F.max_pool2d(torch.tanh(y), 2).flatten(1)
        y = self.flat(y) if self.kind == "flat norm" else y
        return self.head(F.silu(self.fc(y)))


class Chain(nn.Module):
    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(32, width), nn.Linear(width, width)
        self.three, self.head = nn.Linear(width, width, bias=False), nn.Linear(width, 3)

    def forward(self, x):
        x = F.elu(self.two(F.leaky_relu(self.one(x.flatten(1)))))
        return self.head(F.hardswish(torch.tanh(self.three(x))))


SHARES = {
    "chain": 0.85, "plain": 0.86, "depthwise": 0.78, "grouped": 0.82, "residual": 0.86,
    "in place": 0.86, "reused": 0.86, "tied": 0.86, "shared norm": 0.86, "flat norm": 0.92,
    "transposed": 0.73, "concat": 0.87,
}  # fmt: skip
"""For each kind, the part of all parameters that can leave."""
KINDS = tuple(SHARES)


for kind, share in SHARES.items():
    make = partial(Chain if kind == "chain" else Mixed, kind, 6)
    register(f"zero stays zero: {kind}", make, ((3, 2, 4, 4),), share=share)
