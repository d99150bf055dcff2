"""Replacements: they compute what torch's modules do, stand where something left, and nowhere else.

The networks of ``tests/networks`` hold smaller ones to their masked ancestors; here are the module
itself, under all of its options, and what surrounds it.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn

from evoframe.anatomy.replacements import HeadwiseAttention, replace, replaced, restore
from networks.attention import Attending, AttentionOverAMemory
from support.surgery import masked, shaken, smallest, surveyed, thinned

NEAR = 1e-9
MASKS = ("none", "hidden", "added", "by head", "causal")


@st.composite
def calls(draw: Any) -> tuple[nn.MultiheadAttention, list[Tensor], dict[str, Any]]:
    """Draw attention with its options, and the arguments of a call."""
    torch.manual_seed(draw(st.integers(0, 99)))
    width, heads, over = (
        8,
        draw(st.sampled_from([1, 2, 4])),
        draw(st.sampled_from(["self", "two", "three"])),
    )
    narrow = {} if over == "self" else draw(st.sampled_from([{}, {"kdim": 6, "vdim": 6}]))
    own = {name: draw(st.booleans()) for name in ("bias", "add_bias_kv", "add_zero_attn")}
    attention = nn.MultiheadAttention(
        width, heads, batch_first=draw(st.booleans()), **own, **narrow
    )
    batch, queries, keys = draw(st.sampled_from([0, 3])), 4, 4 if over == "self" else 5

    def tokens(count: int, size: int) -> Tensor:
        shape = (batch, count) if attention.batch_first else (count, batch)
        sizes = shape if batch else (count,)
        return torch.randn(*sizes, size, dtype=torch.double, requires_grad=True)

    query = tokens(queries, width)
    key = query if over == "self" else tokens(keys, attention.kdim)
    value = (
        key
        if over != "three" and attention.kdim == attention.vdim
        else tokens(keys, attention.vdim)
    )
    told = {name: draw(st.booleans()) for name in ("need_weights", "average_attn_weights")}
    told |= _masks(draw, batch, heads, queries, keys)
    return shaken(attention), [query, key, value], told


def _masks(draw: Any, batch: int, heads: int, queries: int, keys: int) -> dict[str, Any]:
    which = draw(st.sampled_from(MASKS))
    causal = torch.ones(queries, keys).triu(1).bool()
    masks = {
        "none": {},
        "hidden": {"attn_mask": causal},
        "causal": {"attn_mask": causal, "is_causal": True},
        "added": {"attn_mask": torch.randn(queries, keys).double()},
        "by head": {"attn_mask": torch.rand(max(batch, 1) * heads, queries, keys) > 1.0},
    }[which]
    if which != "added" and draw(st.booleans()):
        padding = (torch.arange(keys) >= keys - 1).expand(max(batch, 1), keys)
        masks = {**masks, "key_padding_mask": padding if batch else padding[0]}
    return masks


@given(call=calls(), training=st.booleans(), gradients=st.booleans())
@settings(max_examples=60)
def test_a_replacement_computes_what_it_stands_for(call: Any, *, training, gradients) -> None:
    """Outputs, weights of attention and gradients, by the same names, in both modes."""
    attention, tokens, told = call
    twin = replace(copy.deepcopy(attention))

    due, found = (
        _results(one.train(training), tokens, told, gradients) for one in (attention, twin)
    )

    assert replaced(twin) == {"": "HeadwiseAttention"}
    assert list(twin.state_dict()) == list(attention.state_dict())
    assert [one is None for one in found] == [one is None for one in due]
    for one, other in zip(found, due, strict=True):
        if one is not None:
            torch.testing.assert_close(one, other, rtol=NEAR, atol=NEAR)
    assert type(restore(twin)) is nn.MultiheadAttention


def _results(attention: nn.Module, tokens: list[Tensor], told: dict[str, Any], gradients) -> list:
    with torch.set_grad_enabled(gradients):
        out, weights = attention(*tokens, **told)
    if not gradients:
        return [out, weights]
    attention.zero_grad()
    slopes = torch.autograd.grad(
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum(), tokens
    )
    return [out.detach(), None if weights is None else weights.detach(), *slopes]


class TheirOwn(nn.MultiheadAttention):
    """A class of a person's own, whose code nobody knows."""


def test_only_torchs_own_attention_is_replaced() -> None:
    own, closed = nn.MultiheadAttention(8, 2), nn.MultiheadAttention(8, 2)
    closed.forward = closed.forward  # what stands in the place of a class's own
    network = nn.ModuleList([own, closed, TheirOwn(8, 2)])

    assert replaced(replace(network)) == {"0": "HeadwiseAttention"}


class WithoutTheirs(nn.MultiheadAttention):
    """A class of a person's own that has thrown torch's parameters away."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        del self.in_proj_weight
        self.mixing = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Another kind of attention altogether."""
        return self.mixing(x).softmax(1) * x


def test_attention_of_a_persons_own_is_left_to_its_code() -> None:
    torch.manual_seed(0)
    network = shaken(nn.Sequential(nn.Linear(6, 8), WithoutTheirs(8, 2), nn.Linear(8, 3)))
    inputs = (torch.randn(2, 5, 6).double(),)
    plan = surveyed(network, inputs, ["0.weight", "1.mixing.weight"])

    small = plan.develop(smallest(plan)).network

    assert type(small[1]) is WithoutTheirs
    torch.testing.assert_close(small(*inputs), masked(network, smallest(plan))(*inputs))


def test_a_replacement_stands_only_where_heads_have_left() -> None:
    """And what is replaced travels between processes."""
    torch.manual_seed(0)
    network, inputs = shaken(Attending()), (torch.randn(2, 5, 6).double(),)
    names = ["attention.in_proj_weight", "attention.out_proj.weight"]
    plan = surveyed(network, inputs, names)

    whole, small = plan.develop(plan.genotype()).network, plan.develop(smallest(plan)).network

    assert type(network.attention) is type(whole.attention) is nn.MultiheadAttention
    assert isinstance(small.attention, HeadwiseAttention)
    assert (small.attention.num_heads, small.attention.embed_dim) == (1, 16)
    again = pickle.loads(pickle.dumps(small))
    torch.testing.assert_close(again(*inputs), small(*inputs), rtol=0, atol=0)
    assert plan.blueprint(plan.genotype()).replacements == {}
    assert plan.blueprint(smallest(plan)).replacements == {"attention": "HeadwiseAttention"}


class WithoutTheStream(AttentionOverAMemory):
    """What is seen in the memory, and nothing of the queries' own."""

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Four numbers a query."""
        memory = self.memory(memory)
        return self.head(self.attention(self.stem(x), memory, memory)[0])


def test_columns_of_weights_that_do_not_evolve_leave_for_queries_and_keys_at_once() -> None:
    """Rows of one parameter read different tensors; a column lives while any of them does."""
    torch.manual_seed(0)
    network, inputs = (
        shaken(WithoutTheStream()),
        [torch.randn(2, n, 6).double() for n in (5, 3)],
    )
    plan = surveyed(network, tuple(inputs), ["stem.weight", "memory.weight", "head.weight"])
    sizes = set()
    for genotype in (*thinned(plan), smallest(plan)):
        small = plan.develop(genotype).network
        torch.testing.assert_close(small(*inputs), masked(network, genotype)(*inputs))
        sizes.add(small.attention.in_proj_weight.shape[1])
    assert min(sizes) == 1


class Padded(nn.Module):
    """An encoder that is told which tokens are padding: torch packs them for evaluation."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 24, dropout=0.0, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """Means over all tokens, padding included: it is zero where torch has packed."""
        return self.head(self.encoder(x, src_key_padding_mask=padding).mean(1))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_sequences_that_torch_packs_are_the_same_with_fewer_heads(monkeypatch) -> None:
    """With its fast path torch leaves zeros where padding is, and so must what is smaller."""
    torch.manual_seed(0)
    network = shaken(Padded())
    inputs = torch.randn(2, 5, 16).double(), torch.arange(5) >= torch.tensor([[4], [2]])
    names = [n for n, one in network.named_parameters() if one.ndim > 1 and "head" not in n]
    plan, packed = surveyed(network, inputs, names), []
    inside = HeadwiseAttention._of_nested
    monkeypatch.setattr(
        HeadwiseAttention, "_of_nested", lambda *given: packed.append(1) or inside(*given)
    )
    for genotype in (*thinned(plan), smallest(plan)):
        small, due = plan.develop(genotype).network.eval(), masked(network, genotype).eval()
        for gradients in (False, True):
            with torch.set_grad_enabled(gradients):
                torch.testing.assert_close(small(*inputs), due(*inputs), rtol=1e-8, atol=1e-8)
    assert packed
