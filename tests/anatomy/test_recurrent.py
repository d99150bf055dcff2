"""Recurrent layers: units leave exactly, first states count, and what grows is torch's own."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from evoframe import anatomy
from evoframe.anatomy.channels.calls import Call, tensors_in
from evoframe.anatomy.trace.even import Even
from evoframe.kernel.settling import settle
from evoframe.roles.task import Task
from networks import NETWORKS
from support.exactness import assert_exact, share_that_leaves
from support.surgery import shaken, smallest, thinned

STEPS = (torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0)).double(),)

LEARNING = (
    "long short term memory", "gated units", "units of tanh", "memory in both directions",
    "projected memory", "packed sequences", "cells with memory in a loop", "states handed on",
    "state from a layer", "learned first state", "shared memory",
)  # fmt: skip


def evolvable(network: nn.Module) -> tuple[str, ...]:
    given = SimpleNamespace(example_inputs=lambda: STEPS)
    return Task.evolvable(given, network)  # type: ignore[arg-type]


def survey(network: nn.Module, inputs: tuple[Tensor, ...] = STEPS) -> Any:
    return anatomy.survey(shaken(network), inputs, evolvable(network))


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNING)
def test_a_smaller_network_learns_as_its_masked_ancestor_does(name: str) -> None:
    torch.manual_seed(0)
    case = NETWORKS[name]
    network = case.make()

    assert share_that_leaves(network, case.example(), case.evolvable(network)) >= case.share


# --- what is delivered ----------------------------------------------------------------------------


class Last(nn.Module):
    """Layers of torch's own, and a head that reads what comes last."""

    def __init__(self, kind: type[nn.RNNBase], **more: Any) -> None:
        super().__init__()
        self.cells = kind(6, 10, batch_first=True, **more)
        outs = (self.cells.proj_size or 10) * (2 if self.cells.bidirectional else 1)
        self.wide, self.head = nn.Linear(outs, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor, *begins: Tensor) -> Tensor:
        return self.head(torch.relu(self.wide(self.cells(x, *begins)[0][:, -1])))


KINDS = [
    (nn.LSTM, {}),
    (nn.LSTM, {"num_layers": 2, "bidirectional": True, "bias": False}),
    (nn.LSTM, {"proj_size": 4}),
    (nn.GRU, {"num_layers": 2}),
    (nn.RNN, {"nonlinearity": "relu"}),
]


@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_what_grows_is_torchs_own_layer_of_a_smaller_size(kind, more) -> None:
    """One that is built with the sizes that it tells takes its state, and computes the same."""
    plan, sizes = survey(Last(kind, **more)), set()
    for genotype in (*thinned(plan), smallest(plan)):
        grown = plan.develop(genotype).network
        old, told = grown.cells, {"hidden_size": grown.cells.hidden_size}
        assert type(old) is kind
        told |= {"proj_size": old.proj_size} if old.proj_size else {}
        new = kind(old.input_size, batch_first=True, **(more | told)).double().eval()
        new.load_state_dict(old.state_dict(), strict=True)
        torch.testing.assert_close(new(*STEPS)[0], old(*STEPS)[0], rtol=0, atol=0)
        assert [id(one) for one in old._flat_weights] == [id(one) for one in old.parameters()]
        sizes.add(old.hidden_size)

    assert min(sizes) <= 2
    assert max(sizes) == 10
    assert len(sizes) > 3


@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_work_is_counted_by_a_formula_as_torch_counts_it_step_by_step(kind, more) -> None:
    plan = survey(Last(kind, **more))
    for genotype in (plan.genotype(), *thinned(plan)):
        grown = plan.develop(genotype).network.to("meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            grown(STEPS[0].to("meta"))
        assert plan.costs(genotype)["flops"] == counter.get_total_flops()


def test_weights_of_recurrent_layers_evolve_unless_they_are_computed() -> None:
    network = nn.Sequential(nn.LSTM(4, 6, 2, bidirectional=True, proj_size=3), nn.GRUCell(6, 5))
    weight_norm(network[1], "weight_hh")
    network.append(nn.Linear(5, 2))

    found = evolvable(network)

    assert len(found) == 13
    assert {"0.weight_hh_l1_reverse", "0.weight_hr_l0", "1.weight_ih"} <= set(found)
    assert not [name for name in found if "bias" in name or "original" in name]


# --- what layers begin with -----------------------------------------------------------------------


class Begins(Last):
    """A layer whose first state is made by somebody else."""

    def __init__(self, begins: str) -> None:
        super().__init__(nn.GRU)
        self.begins = begins

    def forward(self, x: Tensor) -> Tensor:
        shape = 1, len(x), self.cells.hidden_size
        state = torch.ones(shape).to(x) if self.begins == "ones" else torch.zeros(shape).to(x)
        if self.begins == "written":
            state[:, :, 0] = 1.0
        if self.begins == "written before a copy":
            state[0].fill_(2.0)
            state = state.clone()
        return super().forward(x, state)


@pytest.mark.parametrize("begins", ["ones", "written", "written before a copy"])
def test_units_stay_where_a_state_begins_with_other_numbers(begins: str) -> None:
    """A unit without synapses would not be zero, so none is taken for dead."""
    plan = survey(Begins(begins))

    assert plan.develop(smallest(plan)).network.cells.hidden_size == 10
    assert any("a state begins with numbers" in one.reason for one in plan.barriers)


def test_units_leave_where_a_state_is_made_of_zeros() -> None:
    plan = survey(Begins("zeros"))

    assert plan.develop(smallest(plan)).network.cells.hidden_size == 1
    assert plan.barriers == ()


def test_a_state_that_comes_from_outside_keeps_the_units_as_wide_as_it_is() -> None:
    state = torch.randn(1, 2, 10).double()

    plan = survey(Last(nn.GRU), (*STEPS, state))

    assert plan.develop(smallest(plan)).network.cells.hidden_size == 10
    assert any("a state begins with numbers" in one.reason for one in plan.barriers)


@pytest.mark.parametrize("name", ["learned first state", "learned first states of two layers"])
def test_first_states_that_are_learned_leave_with_units_that_nobody_reads(name: str) -> None:
    torch.manual_seed(0)
    network = shaken(NETWORKS[name].make())
    plan = anatomy.survey(network, STEPS, NETWORKS[name].evolvable(network))
    whole = plan.genotype()
    for entry, mask in whole.masks.items():
        if "weight_hh" in entry or "ih_l1" in entry or entry == "wide.weight":
            mask[:, ::2] = False
    genotype = settle(whole, plan.wiring)

    grown = plan.develop(genotype)

    assert grown.network.state.shape[-1] == grown.network.cells.hidden_size == 5
    assert_exact(network, plan, genotype, STEPS)


class Lengths(Last):
    """Sequences whose lengths are given as an input."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.head(torch.relu(self.wide(self.cells(packed)[1][0])))


def test_units_leave_where_lengths_are_an_input() -> None:
    share = share_that_leaves(Lengths(nn.GRU), (*STEPS, torch.tensor([3, 5])))

    assert share > 0.8


# --- tensors of one number -----------------------------------------------------------------------


class Following(TorchDispatchMode):
    """Follows tensors of one number through real operations."""

    def __init__(self) -> None:
        super().__init__()
        self.even, self.seen = Even(), []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.seen += tensors_in((args, out))
        self.even.carry(Call.of(func, args, kwargs, out))
        return out


MOVES = (
    lambda one, _: one[0:1],
    lambda one, _: one.expand(2, *one.shape[1:]) if len(one) == 1 else one.unbind(0)[0][None],
    lambda one, _: one.clone(),
    lambda one, other: torch.cat([one, other]),
    lambda one, other: torch.stack([one, other[: len(one)].expand_as(one)]).flatten(0, 1),
    lambda one, _: one.repeat(2, 1),
    lambda one, _: one.index_select(0, torch.tensor([0])),
    lambda one, _: one + 1,
    lambda one, _: torch.zeros_like(one),
    lambda one, _: torch.full_like(one, 0.5),
    lambda one, _: one.new_full(one.shape, 0),
    lambda one, other: one[0].copy_(other[0])[None],
    lambda one, _: one[:, 0:1].fill_(3.0).expand(-1, 2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(MOVES) - 1), *[st.integers(0, 9)] * 2), max_size=8))
def test_what_is_taken_for_one_number_everywhere_is_that(moves) -> None:
    with Following() as following:
        held = [torch.zeros(1, 2), torch.ones(1, 2), torch.zeros(2, 2)]
        for which, one, other in moves:
            value = held[one % len(held)]
            # Torch refuses to write into what is spread out.
            value = value if value.stride(0) else value.clone()
            held.append(MOVES[which](value, held[other % len(held)]))

    assert following.even.value(held[0]) == 0 or moves
    for value in following.seen:
        number = following.even.value(value)
        assert number is None or math.isnan(number) or bool((value == number).all())
