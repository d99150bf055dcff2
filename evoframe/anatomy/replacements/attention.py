"""Headwise attention: ``nn.MultiheadAttention`` with any number of heads.

Torch's own module has one number for the width of what it is given and for that of all its heads
together, so it cannot be without a head. Here the width of the heads is what the weights say.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class HeadwiseAttention(nn.MultiheadAttention):
    """Attention over as many heads as its weights have rows for.

    Parameters, attributes, arguments and results are those of ``nn.MultiheadAttention``. It has no
    single fused operation for evaluation.
    """

    # The layers around it read this before they hand all
    # weights to a fused operation that knows one width only.
    _qkv_same_embed_dim = property(lambda _: False)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,  # noqa: FBT001, FBT002
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,  # noqa: FBT001, FBT002
        is_causal: bool = False,  # noqa: FBT001, FBT002
    ) -> tuple[Tensor, Tensor | None]:
        """Return the outputs of attention, and its weights if they are wanted."""
        if query.is_nested:
            return self._of_nested(query, key, value), None
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "is_causal is a hint of what attn_mask holds, so it needs attn_mask."
            )
        is_batched = query.dim() == 3
        q, k, v = self._in_heads(*self._projected(query, key, value), is_batched=is_batched)
        alone = is_causal and key_padding_mask is None and not need_weights
        mask = None if alone else self._mask(attn_mask, key_padding_mask, q)
        if mask is not None and (own := (self.bias_k is not None) + self.add_zero_attn):
            mask = F.pad(mask, (0, own))  # keys of the module's own are seen by all
        weights = None
        if need_weights:
            seen, weights = self._weighted(q, k, v, mask)
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            dropout = self.dropout if self.training else 0.0
            seen = F.scaled_dot_product_attention(q, k, v, mask, dropout, alone)
        out = F.linear(seen.transpose(1, 2).flatten(2), self.out_proj.weight, self.out_proj.bias)
        if not is_batched:
            return out.squeeze(0), None if weights is None else weights.squeeze(0)
        return out if self.batch_first else out.transpose(0, 1), weights

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """Return queries, keys and values of all heads, side by side."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if weight is not None and query is key and key is value:
            return list(F.linear(query, weight, bias).chunk(3, -1))
        weights = (
            (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            if weight is None
            else weight.chunk(3)
        )
        biases = (None, None, None) if bias is None else bias.chunk(3)
        return list(map(F.linear, (query, key, value), weights, biases))

    def _in_heads(self, *several: Tensor, is_batched: bool) -> list[Tensor]:
        """Return queries, keys and values as (batch, heads, positions, dimensions)."""
        if not is_batched:
            several = tuple(one.unsqueeze(0) for one in several)
        elif not self.batch_first:
            several = tuple(one.transpose(0, 1) for one in several)
        q, k, v = several
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (
                torch.cat([one, more.expand(len(one), -1, -1)], 1)
                for one, more in ((k, self.bias_k), (v, self.bias_v))
            )
        q, k, v = (self._in_rows(one).transpose(1, 2) for one in (q, k, v))
        if self.add_zero_attn:
            k, v = F.pad(k, (0, 0, 0, 1)), F.pad(v, (0, 0, 0, 1))
        return [q, k, v]

    def _in_rows(self, several: Tensor) -> Tensor:
        """Return dimensions as (heads, dimensions of each); there are as many heads as fit."""
        return several.reshape(*several.shape[:-1], -1, self.head_dim)

    def _mask(self, attn_mask: Tensor | None, padding: Tensor | None, q: Tensor) -> Tensor | None:
        """Return the numbers that are added to scores (batch, heads, queries, keys), if any."""
        wanted = None
        if attn_mask is not None:
            wanted = _added(attn_mask, q.dtype)
            # Torch takes one mask for all, or one for each head of each example.
            if wanted.dim() == 3 and wanted.shape[0] > 1:
                wanted = wanted.reshape(len(q), -1, *wanted.shape[1:])
        if padding is not None:
            ignored = _added(padding, q.dtype).reshape(len(q), 1, 1, -1)
            wanted = ignored if wanted is None else wanted + ignored
        return wanted

    def _weighted(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs of all heads, and the weights of attention."""
        scores = q * math.sqrt(1.0 / self.head_dim) @ k.transpose(-2, -1)
        if mask is not None:
            scores = scores + mask
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)
        return weights @ v, weights

    def _of_nested(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return the same of sequences of several lengths, by padding them.

        Raises:
            AssertionError: they are not three times the same, which torch does not take either.
        """
        if query is not key or key is not value:
            raise AssertionError("nested tensors are taken as query, key and value alike only")
        padded = query.to_padded_tensor(0.0)
        lengths = [len(one) for one in query.unbind()]
        ends = torch.tensor(lengths, device=padded.device).unsqueeze(1)
        ignored = torch.arange(padded.shape[1], device=padded.device) >= ends
        out, _ = self(padded, padded, padded, key_padding_mask=ignored, need_weights=False)
        return torch.nested.as_nested_tensor(
            [one[:length] for one, length in zip(out, lengths, strict=True)]
        )


def fit(attention: nn.Module) -> None:
    """Set sizes in the attributes of attention to what its parameters say, in place.

    Nothing is done to any other module, and to a class of people's own.
    """
    if type(attention) not in (nn.MultiheadAttention, HeadwiseAttention):
        return
    assert isinstance(attention, nn.MultiheadAttention)
    packed = attention.in_proj_weight
    if packed is None:
        q, k, v = attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight
    else:
        q, k, v = packed[: packed.shape[0] // 3], packed, packed
    if attention.head_dim:  # a proof tries numbers with which it does not run, and is told so then
        attention.num_heads = q.shape[0] // attention.head_dim
    attention.embed_dim, attention.kdim, attention.vdim = q.shape[1], k.shape[1], v.shape[1]


def is_whole(attention: nn.MultiheadAttention) -> bool:
    """Tell whether torch's own module could do the same: it has one width, inside and outside."""
    inside, outside = attention.num_heads * attention.head_dim, len(attention.out_proj.weight)
    return bool(attention.embed_dim == inside == outside)


def _added(mask: Tensor, kind: torch.dtype) -> Tensor:
    """Return a mask as numbers to add to scores: zero, or minus infinity where it says so."""
    if mask.is_floating_point():
        return mask
    return torch.zeros_like(mask, dtype=kind).masked_fill_(mask, -math.inf)
