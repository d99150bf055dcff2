"""Heads of attention: rotary positions in all usual writings, biases by head, norms of heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import TOKENS, case


def angles(positions: int, size: int) -> Tensor:
    """An angle for each position and each pair of dimensions."""
    return torch.outer(torch.arange(positions), 100.0 ** -(torch.arange(0, size, 2) / size))


class Heads(nn.Module):
    """Attention with linear layers of its own; a subclass says what is done to queries and keys."""

    def __init__(self, key_heads: int = 4) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 4)
        self.q, self.o = nn.Linear(16, 32), nn.Linear(32, 16)
        self.k, self.v = nn.Linear(16, 8 * key_heads), nn.Linear(16, 8 * key_heads)

    def turned(self, x: Tensor) -> Tensor:
        """Queries or keys, (batch, heads, positions, 8), with what hangs on positions."""
        return x

    def spread(self, x: Tensor) -> Tensor:
        """Keys or values for all heads of queries."""
        return x

    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """What attention gives."""
        return F.scaled_dot_product_attention(q, k, v)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        q, k, v = (
            layer(x).unflatten(-1, (-1, 8)).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        seen = self.seen(self.turned(q), self.spread(self.turned(k)), self.spread(v))
        return self.head(x + self.o(seen.transpose(1, 2).flatten(2)))


@case(TOKENS, share=0.96)
class WidthDividedByHeads(Heads):
    """Neither number explains a smaller width alone."""

    def __init__(self) -> None:
        super().__init__()
        self.width, self.heads = 32, 4

    def forward(self, x: Tensor) -> Tensor:
        x, size = self.stem(x), self.width // self.heads
        q, k, v = (
            layer(x).view(len(x), -1, self.heads, size).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        scores = (q / size**0.5) @ k.transpose(2, 3)
        seen = (scores.softmax(-1) @ v).transpose(1, 2).reshape(len(x), -1, self.heads * size)
        return self.head(x + self.o(seen))


@case(TOKENS, share=0.96)
class RotaryBySlices(Heads):
    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).repeat(1, 2).to(x)
        return x * by.cos() + torch.cat((-x[..., 4:], x[..., :4]), -1) * by.sin()


@case(TOKENS, share=0.96)
class RotaryByChunks(Heads):
    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).to(x)
        one, other = x.chunk(2, -1)
        return torch.cat((one * by.cos() - other * by.sin(), other * by.cos() + one * by.sin()), -1)


@case(TOKENS, share=0.96)
class RotaryByComplexNumbers(Heads):
    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).to(x)
        turns = torch.polar(torch.ones_like(by), by)
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
        return torch.view_as_real(pairs * turns).flatten(3).type_as(x)


@case(TOKENS, share=0.96)
class RotaryInPairs(Heads):
    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).repeat_interleave(2, -1).to(x)
        across = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
        return x * by.cos() + across * by.sin()


@case(TOKENS, share=0.96)
class RotaryInUnboundPairs(Heads):
    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).to(x)
        one, other = x.unflatten(-1, (-1, 2)).unbind(-1)
        both = one * by.cos() - other * by.sin(), one * by.sin() + other * by.cos()
        return torch.stack(both, -1).flatten(-2)


@case(TOKENS, share=0.96)
class RotaryForSomeDimensions(Heads):
    def turned(self, x: Tensor) -> Tensor:
        some, rest = x[..., :4], x[..., 4:]
        by = angles(x.shape[2], 4).repeat(1, 2).to(x)
        some = some * by.cos() + torch.cat((-some[..., 2:], some[..., :2]), -1) * by.sin()
        return torch.cat((some, rest), -1)


@case(TOKENS, share=0.94)
class RotaryInGroups(Heads):
    def __init__(self) -> None:
        super().__init__(key_heads=2)

    def turned(self, x: Tensor) -> Tensor:
        by = angles(x.shape[2], 8).repeat(1, 2).to(x)
        return x * by.cos() + torch.cat((-x[..., 4:], x[..., :4]), -1) * by.sin()

    def spread(self, x: Tensor) -> Tensor:
        n, heads, t, size = x.shape
        return x[:, :, None].expand(n, heads, 2, t, size).reshape(n, heads * 2, t, size)


@case(TOKENS, share=0.94)
class GroupsOfTheOperation(Heads):
    def __init__(self) -> None:
        super().__init__(key_heads=2)

    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


@case(TOKENS, share=0.96)
class ScaleOfItsOwn(Heads):
    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        padding = (torch.arange(5) < torch.tensor([[4], [2]])).to(q.device)
        return F.scaled_dot_product_attention(q, k, v, padding[:, None, None], scale=0.3)


@case(TOKENS, share=0.96)
class SlopesByHead(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slopes", 2.0 ** -torch.arange(1, 5).view(4, 1, 1))

    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        places = torch.arange(q.shape[2], device=q.device)
        bias = self.slopes * -(places - places[:, None]).abs()
        return (q @ k.transpose(-2, -1) / 8**0.5 + bias).softmax(-1) @ v


@case(TOKENS, share=0.96)
class BiasesOfBuckets(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.biases = nn.Embedding(9, 4)

    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        places = torch.arange(q.shape[2], device=q.device)
        bias = self.biases(places - places[:, None] + 4).permute(2, 0, 1).unsqueeze(0)
        return (q @ k.transpose(-2, -1) + bias).softmax(-1) @ v


@case(TOKENS, share=0.96)
class TableOfBiases(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(9, 4))
        places = torch.arange(5)
        self.register_buffer("index", places - places[:, None] + 4)

    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        bias = self.table[self.index.view(-1)].view(5, 5, -1).permute(2, 0, 1).contiguous()
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias.unsqueeze(0))


@case(TOKENS, share=0.95)
class NormsOfHeads(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def turned(self, x: Tensor) -> Tensor:
        return self.norm(x)


@case(TOKENS, share=0.96)
class MeanSquaresOfHeads(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))

    def turned(self, x: Tensor) -> Tensor:
        return self.scale * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


@case(TOKENS, share=0.96)
class AttentionWithoutScores(Heads):
    def seen(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return q.softmax(-1) @ (k.softmax(-2).transpose(-2, -1) @ v)


@case(TOKENS, share=0.89)
class FusedIntoChunks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 4)
        self.qkv, self.o = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        pieces = self.qkv(x).chunk(3, -1)
        q, k, v = (one.unflatten(-1, (-1, 8)).transpose(1, 2) for one in pieces)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head(x + self.o(seen))


@case(TOKENS, share=0.93)
class FusedByHeads(FusedIntoChunks):
    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        heads = self.qkv(x).unflatten(-1, (-1, 24)).transpose(1, 2)
        q, k, v = heads.split(8, -1)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head(x + self.o(seen))


@case(TOKENS, share=0.96)
class ScaledByHead(Heads):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        q, k, v = (
            layer(x).unflatten(-1, (-1, 8)).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        seen = self.seen(q, k, v) * self.gate(x).sigmoid().transpose(1, 2).unsqueeze(-1)
        return self.head(x + self.o(seen.transpose(1, 2).flatten(2)))
