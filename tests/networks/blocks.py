"""Blocks that keep their shape, so that they can be put together at random.

Each is registered alone, with biases and without; tests draw chains of them.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import register


class Block(nn.Module):
    """One of many ways in which channels meet; maps (N, C, H, W) to the same shape."""

    def __init__(self, kind: str, width: int, *, bias: bool) -> None:
        super().__init__()
        self.kind = kind
        wide = {"chunk": 2, "glu": 2, "pixels": 4, "widen": 3}.get(kind, 1) * width
        groups = {"depthwise": width, "grouped": 2}.get(kind, 1)
        self.one = nn.Conv2d(width, wide, 3, padding=1, groups=groups, bias=bias)
        self.norm = nn.BatchNorm2d(wide) if bias else nn.Identity()
        after = {"chunk": width, "glu": width, "pixels": width}.get(kind, wide)
        after += width if kind == "concat" else 0
        self.two = nn.Conv2d(after, width, 1, bias=bias)
        self.gate = nn.Conv2d(width, 1 if kind == "spatial" else width, 1, bias=bias)
        self.up = nn.ConvTranspose2d(width, width, 2, 2, bias=bias)

    def forward(self, x):
        y = self.norm(self.one(x))
        act = F.relu
        match self.kind:
            case "residual":
                return act(self.two(act(y)) + x)
            case "in place":
                y = self.two(act(y))
                y += x
                return F.relu_(y)
            case "concat":
                return act(self.two(torch.cat([x, act(y)], 1)))
            case "squeeze":
                return self.two(act(y)) * self.gate(y.mean((2, 3), keepdim=True))
            case "spatial":
                return act(self.two(act(y))) * torch.sigmoid(self.gate(x))
            case "sigmoid":
                return self.two(torch.sigmoid(y))
            case "chunk":
                left, right = act(y).chunk(2, 1)
                return self.two(left) + self.gate(right)
            case "glu":
                return self.two(F.glu(y, 1))
            case "pixels":
                return self.two(F.avg_pool2d(F.pixel_shuffle(act(y), 2), 2))
            case "shuffle":
                n, c, h, w = y.shape
                return self.two(act(y).view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))
            case "transposed":
                return self.two(F.max_pool2d(act(self.up(act(y))), 2))
            case "upsample":
                return self.two(F.avg_pool2d(F.interpolate(act(y), scale_factor=2), 2))
            case "reuse":
                return self.two(act(self.two(act(y))))
            case "flip":
                return self.two(act(y).flip(1))
            case "tokens":
                tokens = act(y).flatten(2).transpose(1, 2)
                weights = (tokens @ tokens.transpose(1, 2)).softmax(-1)
                return self.two((weights @ tokens).transpose(1, 2).reshape(y.shape))
            case "write":
                y = y.clone()
                y[:, 0] = x[:, 0]
                return self.two(act(y))
            case "by position":
                return self.two(torch.cat([act(y)[:, 1:], act(y)[:, :1]], 1))
            case "roll":
                return self.two(act(y).roll(1, 2))
            case "roll channels":
                return self.two(act(y).roll(1, 1))
            case "lookup":
                return self.two(act(y)[:, :, [3, 1, 0, 0]])
            case "where":
                return self.two(torch.where(torch.eye(4, dtype=torch.bool), act(y), act(y).abs()))
            case "unfold":
                columns = F.unfold(act(y), 3, padding=1)
                return self.two(F.fold(columns, (4, 4), 3, padding=1) / 9)
            case "pad":
                return act(F.pad(self.two(act(y))[:, :, ::2, ::2], (0, 2, 1, 1)) + x)
            case _:
                return self.two(act(y))


SHARES = {
    "plain": 0.68, "widen": 0.84, "residual": 0.68, "in place": 0.68, "concat": 0.69,
    "squeeze": 0.74, "spatial": 0.72, "sigmoid": 0.59, "chunk": 0.81, "glu": 0.77, "pixels": 0.7,
    "shuffle": 0.66, "transposed": 0.88, "upsample": 0.68, "reuse": 0.54, "flip": 0.68,
    "tokens": 0.68, "write": 0.1, "by position": 0.59, "depthwise": 0.49, "grouped": 0.59,
    "pad": 0.68, "roll": 0.68, "roll channels": 0.59, "lookup": 0.68, "where": 0.68,
    "unfold": 0.68,
}  # fmt: skip
"""For each kind, the part of all parameters that can leave."""
KINDS = tuple(SHARES)


class Network(nn.Module):
    """A stem, blocks, a hidden layer, and a head."""

    def __init__(self, kinds: list[str], width: int, *, bias: bool, flat: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, width, 3, padding=1, bias=bias)
        self.blocks = nn.ModuleList(Block(kind, width, bias=bias) for kind in kinds)
        self.hidden = nn.Linear(width * 16 if flat else width, 5, bias=bias)
        self.head = nn.Linear(5, 3)
        self.flat = flat

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        x = x.flatten(1) if self.flat else x.mean((2, 3))
        return self.head(F.relu(self.hidden(x)))


for kind, share in SHARES.items():
    for bias, words in ((True, "block"), (False, "block without bias")):
        make = partial(Network, [kind], 6, bias=bias, flat=False)
        register(f"{words}: {kind}", make, ((3, 2, 4, 4),), share=share)
