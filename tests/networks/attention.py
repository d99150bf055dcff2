"""Attention, tokens and recurrence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from networks.registry import TOKENS, case


@case(TOKENS, share=0.97, num_heads={"attention": 4})
class MultiheadAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.attention = nn.Linear(6, 16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.wide, self.narrow, self.head = nn.Linear(16, 24), nn.Linear(24, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(x + self.narrow(F.gelu(self.wide(x))))


@case(TOKENS, share=0.72, num_heads={"layer.self_attn": 4})
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


class Attending(nn.Module):
    """A stem, torch's own attention, and a head; a subclass says what is attended to."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 4)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True, **options)

    def seen(self, x: Tensor) -> Tensor:
        """What attention gives; a subclass may write this."""
        return self.attention(x, x, x)[0]

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        return self.head(x + self.seen(x))


@case(TOKENS, share=0.89, num_heads={"attention": 2})
class AttentionWithFewWideHeads(Attending):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)


@case(TOKENS, share=0.9, num_heads={"attention": 4})
class WeightsThatNobodyReads(Attending):
    pass


@case(TOKENS, share=0.89, num_heads={"attention": 4})
class WeightsThatSomebodyReads(Attending):
    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        seen, weights = self.attention(x, x, x)
        return self.head(x + seen) * weights.mean(-1, keepdim=True)


@case(TOKENS, share=0.9, num_heads={"attention": 4})
class AttentionWithKeysOfItsOwn(Attending):
    def __init__(self) -> None:
        super().__init__(add_bias_kv=True, add_zero_attn=True, bias=False)

    def seen(self, x: Tensor) -> Tensor:
        hidden = torch.ones(5, 5, device=x.device).triu(1).bool()
        padding = torch.arange(5, device=x.device).expand(x.shape[0], 5) > 3
        return self.attention(
            x, x, x, padding, need_weights=False, attn_mask=hidden, is_causal=True
        )[0]


@case(TOKENS, share=0.89, num_heads={"attention": 4})
class AttentionWithMasksByHead(Attending):
    def seen(self, x: Tensor) -> Tensor:
        def places(size: int) -> Tensor:
            return torch.arange(size, device=x.device)

        near = places(4).view(4, 1, 1) >= (places(5) - places(5)[:, None]).abs()
        return self.attention(x, x, x, attn_mask=~near.repeat(len(x), 1, 1))[0]


@case(((2, 5, 6), (2, 3, 6)), share=0.95, num_heads={"attention": 4})
class AttentionOverAMemory(Attending):
    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.Linear(6, 16)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        x, memory = F.relu(self.stem(x)), F.relu(self.memory(memory))
        return self.head(x + self.attention(x, memory, memory)[0])


@case(((2, 5, 6), (2, 3, 6)), share=0.8, num_heads={"attention": 4})
class AttentionOverThreeWidths(Attending):
    def __init__(self) -> None:
        super().__init__(kdim=6, vdim=12)
        self.memory = nn.Linear(6, 12)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        return self.head(x + self.attention(x, memory, self.memory(memory))[0])


@case(((2, 5, 6), (2, 3, 6)), share=0.69, num_heads={"layer.self_attn": 4})
class DecoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.memory, self.head = nn.Linear(6, 16), nn.Linear(6, 16), nn.Linear(16, 4)
        self.layer = nn.TransformerDecoderLayer(16, 4, 24, batch_first=True)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        causal = nn.Transformer.generate_square_subsequent_mask(5, x.device, x.dtype)
        return self.head(self.layer(self.stem(x), self.memory(memory), tgt_mask=causal))


@case(((2, 5, 8), (2, 3, 8)), share=0.35)
class WholeTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Transformer(8, 2, 2, 1, 12, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        return self.head(self.whole(memory, x))


@case(TOKENS, share=0.75)
class EncoderOfSeveralLengths(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 4)
        layer = nn.TransformerEncoderLayer(16, 4, 24, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        padding = (torch.arange(5) >= torch.tensor([[4], [2]])).to(x.device)
        return self.head(self.encoder(self.stem(x), src_key_padding_mask=padding).mean(1))
