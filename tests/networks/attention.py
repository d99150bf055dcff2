"""Attention, tokens and recurrence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import TOKENS, case


@case(TOKENS, share=0.36, num_heads={"attention": 4})
class MultiheadAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.attention = nn.Linear(6, 16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.wide, self.narrow, self.head = nn.Linear(16, 24), nn.Linear(24, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(x + self.narrow(F.gelu(self.wide(x))))


@case(TOKENS, share=0.35, num_heads={"layer.self_attn": 4})
class EncoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 4)
        self.layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, norm_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.stem(x)))


@case(TOKENS, share=0.0, num_heads={"qkv": 4})
class FusedAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads, self.scale = 4, 0.5
        self.stem, self.qkv, self.out = nn.Linear(6, 16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        y = (q @ k.transpose(-2, -1) * self.scale).softmax(-1) @ v
        return self.head(x + self.out(y.transpose(1, 2).reshape(n, t, c)))


@case(TOKENS, share=0.89, num_heads={"q": 4, "k": 4, "v": 4})
class SeparateAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head, self.out = nn.Linear(6, 16), nn.Linear(16, 4), nn.Linear(16, 16)
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        q, k, v = (
            layer(x).unflatten(-1, (4, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(x + self.out(y.transpose(1, 2).flatten(2)))


@case(TOKENS, share=0.9, num_heads={"q": 4, "k": 2, "v": 2})
class GroupedQueryAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head, self.out = nn.Linear(6, 16), nn.Linear(16, 4), nn.Linear(16, 16)
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, t, _ = x.shape
        q = self.q(x).view(n, t, 4, -1).transpose(1, 2)
        k = self.k(x).view(n, t, 2, -1).transpose(1, 2).repeat_interleave(2, 1)
        v = self.v(x).view(n, t, 2, -1).transpose(1, 2).repeat_interleave(2, 1)
        y = (q @ k.transpose(2, 3) / 2).softmax(-1) @ v
        return self.head(x + self.out(y.transpose(1, 2).reshape(n, t, -1)))


@case(TOKENS, share=0.77)
class OneHeadInChunks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv, self.head = nn.Linear(6, 8), nn.Linear(8, 24), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(F.relu(self.stem(x))).chunk(3, -1)
        return self.head(
            torch.einsum("bij,bjc->bic", torch.einsum("bic,bjc->bij", q, k).softmax(-1), v)
        )


@case(TOKENS, share=0.51)
class ClassTokenAndPositions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.wide, self.narrow = nn.Linear(6, 8), nn.Linear(8, 12), nn.Linear(12, 8)
        self.token, self.places = (
            nn.Parameter(torch.zeros(1, 1, 8)),
            nn.Parameter(torch.zeros(1, 6, 8)),
        )
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), self.stem(x)], 1) + self.places
        return self.head((x + self.narrow(F.relu(self.wide(x))))[:, 0])


@case(TOKENS, share=0.0)
class TokenMixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.across, self.back = nn.Linear(6, 8), nn.Linear(5, 7), nn.Linear(7, 5)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.back(F.gelu(self.across(x.transpose(1, 2)))).transpose(1, 2)
        return self.head(x.mean(1))


@case(TOKENS, share=0.51)
class CellByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.into, self.again = nn.Linear(6, 8), nn.Linear(8, 8, bias=False)
        self.wide, self.head = nn.Linear(8, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], self.again.in_features)
        for step in x.unbind(1):
            h = torch.tanh(self.into(step) + self.again(h))
        return self.head(F.relu(self.wide(h)))


@case(TOKENS, share=0.95)
class LongShortTermMemory(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.cells = nn.Linear(6, 8), nn.LSTM(8, 10, batch_first=True)
        self.wide, self.head = nn.Linear(10, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.wide(self.cells(F.relu(self.stem(x)))[0][:, -1])))


@case(((3, 5, 4),), share=0.39)
class AttentionBehindNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv = nn.Linear(4, 8), nn.Linear(8, 24)
        self.out, self.mlp, self.back = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(16, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.stem(x)
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, -1).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, -1)
        x = x + self.out(y)
        return self.head((x + self.back(F.gelu(self.mlp(x)))).mean(1))
