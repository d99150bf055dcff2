"""Modules that count heads, groups and places in attributes of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import case, register

TOKENS = ((3, 5, 4),)
IMAGE = ((3, 2, 5, 5),)


class Heads(nn.Module):
    """Attention with its own number of heads, shared keys and a scale that it remembers."""

    def __init__(self, width: int, heads: int, kv_heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, 4
        self.inner, self.scale, self.fused = heads * 4, 0.5, fused
        self.q = nn.Linear(width, heads * 4)
        self.k, self.v = nn.Linear(width, kv_heads * 4), nn.Linear(width, kv_heads * 4)
        self.out = nn.Linear(heads * 4, width)

    def forward(self, x):
        n, t, _ = x.shape
        q = self.q(x).view(n, t, self.heads, self.size).transpose(1, 2)
        k = self.k(x).view(n, t, self.kv_heads, self.size).transpose(1, 2)
        v = self.v(x).view(n, t, self.kv_heads, self.size).transpose(1, 2)
        if self.kv_heads != self.heads:
            k = k.repeat_interleave(2, dim=1)
            v = v.repeat_interleave(2, dim=1)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = (q * self.scale @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(n, t, self.inner))


class Blocks(nn.Module):
    def __init__(self, heads: int, kv_heads: int, *, fused: bool) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 6)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(6), Heads(6, heads, kv_heads, fused=fused)) for _ in range(3)
        )
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x.mean(1))


for fused, way in ((False, "by hand"), (True, "fused")):
    for kv_heads, kind, share in ((4, "plain", 0.69), (2, "grouped queries", 0.45)):
        make = partial(Blocks, 4, kv_heads, fused=fused)
        register(f"counted heads: {kind}, {way}", make, TOKENS, share=share)


@case(TOKENS, share=0.95)
class HeadsFromOneLayer(nn.Module):
    """Queries, keys and values from one layer; they share the places inside heads."""

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.scale = (3, 4), 0.5
        self.stem, self.qkv = nn.Linear(4, 6), nn.Linear(6, 36)
        self.out, self.head = nn.Linear(12, 6), nn.Linear(6, 2)

    def forward(self, x):
        n, t, _ = x.shape
        x = F.relu(self.stem(x))
        q, k, v = self.qkv(x).reshape(n, t, 3, *self.shape).permute(2, 0, 3, 1, 4).unbind(0)
        y = (q * self.scale @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.head(self.out(y.transpose(1, 2).flatten(2)).mean(1))


class Groups(nn.Module):
    def __init__(self, norm: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.one, self.norm = nn.Conv2d(2, 12, 3, padding=1, bias=False), norm()
        self.two = nn.Conv2d(12, 24, 3, padding=1, groups=4, bias=False)
        self.three, self.head = nn.Conv2d(24, 8, 1, bias=False), nn.Linear(8, 2)

    def forward(self, x):
        x = self.three(F.relu(self.two(F.relu(self.norm(self.one(x))))))
        return self.head(F.relu(x).mean((2, 3)))


NORMS: dict[str, Callable[[], nn.Module]] = {
    "batch norm": partial(nn.BatchNorm2d, 12),
    "group norm": partial(nn.GroupNorm, 12, 12),
    "instance norm": partial(nn.InstanceNorm2d, 12),
}
for kind, norm in NORMS.items():
    register(f"counted groups: {kind}", partial(Groups, norm), IMAGE, share=0.96)
