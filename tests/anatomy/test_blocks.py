"""Whole blocks leave exactly: what is left computes, learns and comes home as it should."""

from __future__ import annotations

import copy
import pickle
import re
from functools import cache

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from anatomy.branching import BRANCHING, STAYING, Basic, Crossing, Images, Subtracted
from evoframe import anatomy
from evoframe.anatomy.plan.blocks import without
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle
from support.exactness import assert_exact
from support.surgery import drawn, parameters, shaken


def weights_of(network: nn.Module) -> list[str]:
    """The weights of all layers but the head."""
    return [n for n, p in network.named_parameters() if p.ndim > 1 and not n.startswith("head")]


def deep(network: nn.Module, inputs: tuple[torch.Tensor, ...], **options):
    """The anatomy of a network of which blocks may leave."""
    return anatomy.survey(network, inputs, weights_of(network), depth=True, **options)


@cache
def surveyed(name: str):
    make, shape, _ = BRANCHING[name]
    torch.manual_seed(0)
    network, inputs = still(shaken(make())), (torch.randn(shape).double(),)
    return network, inputs, deep(network, inputs)


def less(plan, genotype, blocks) -> Genotype:
    """The genotype without blocks, settled."""
    masks = without(dict(genotype.masks), blocks)
    return settle(Genotype(masks, genotype.state), plan.wiring)


def still(network: nn.Module) -> nn.Module:
    """The network with nothing left to chance."""
    for module in network.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return network


@pytest.mark.parametrize("name", BRANCHING)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_blocks_leave_exactly_with_any_channels(name, data) -> None:
    network, inputs, plan = surveyed(name)
    gone = data.draw(st.lists(st.sampled_from(plan.blocks), unique_by=lambda one: one.channel))
    seed, share = data.draw(st.integers(0, 99)), data.draw(st.sampled_from((1.0, 0.6)))
    genotype = less(plan, drawn(plan, seed, share, 1.0), gone)

    assert {one.name for one in gone} <= {one.name for one in plan.left(genotype)}
    assert_exact(network, plan, genotype, inputs)
    grown = plan.develop(genotype).network
    assert plan.costs(genotype)["parameters"] == parameters(grown)


@pytest.mark.parametrize("name", BRANCHING)
def test_every_block_of_a_network_can_leave(name) -> None:
    _, inputs, plan = surveyed(name)

    assert len(plan.blocks) == BRANCHING[name][2]
    assert not plan.block_barriers
    bare = plan.develop(less(plan, plan.genotype(), plan.blocks)).network
    idle = [one for n, one in bare.named_modules() if n in {m for b in plan.blocks for m in b.idle}]
    assert idle
    assert all(value.numel() == 0 for one in idle for value in one.parameters())
    again = pickle.loads(pickle.dumps(copy.deepcopy(bare))).eval()
    torch.testing.assert_close(again(*inputs), bare.eval()(*inputs), rtol=0, atol=0)
    bare.load_state_dict(again.state_dict())


def test_what_left_costs_nothing() -> None:
    """A network without blocks costs what one costs that never had them."""
    inputs = (torch.randn(2, 3, 8, 8),)
    whole, plain = Images(Basic(6, 6), Basic(6, 6)), Images()
    plan, due = deep(whole, inputs), deep(plain, inputs)

    costs = plan.costs(less(plan, plan.genotype(), plan.blocks))

    wanted = due.costs(due.genotype())
    assert {k: costs[k] for k in ("synapses", "parameters", "flops")} == {
        k: wanted[k] for k in ("synapses", "parameters", "flops")
    }


def test_what_left_is_no_layer_that_was_not_met() -> None:
    """Of a network whose code asks for values, whatever a layer could read elsewhere stays."""

    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Linear(6, 12), nn.Linear(12, 3)
            self.block = nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 12))

        def forward(self, x):
            x = self.stem(x).relu()
            x = x + self.block(x)
            return self.head(x if x.detach().abs().max() < 1e9 else -x)

    torch.manual_seed(0)
    inputs = (torch.randn(4, 6),)
    plan = deep(Asking().eval(), inputs)
    bare = plan.develop(less(plan, plan.genotype(), plan.blocks)).network
    assert not dict(bare.named_parameters())["block.0.weight"].numel()

    again = anatomy.survey(bare.eval(), inputs, ["stem.weight"])
    assert not [one for one in again.barriers if "not met" in one.reason]


def test_a_block_leaves_with_the_last_of_its_channels() -> None:
    _, _, plan = surveyed("basic")
    genotype = plan.genotype()
    first = plan.blocks[0]
    name = "blocks.0.conv1.weight"
    masks = dict(genotype.masks) | {name: torch.zeros_like(genotype.masks[name])}

    settled = settle(Genotype(masks, genotype.state), plan.wiring)

    assert [one.name for one in plan.left(settled)] == [first.name]
    assert not settled.masks["blocks.0.conv2.weight"].any()


def test_a_channel_of_the_way_around_leaves_all_blocks() -> None:
    network, inputs, plan = surveyed("pre-activated")
    bundle = plan.clusters("bundle").members["stem.weight"].flatten()[0]
    genotype = plan.genotype()
    members = plan.clusters("bundle").members
    masks = {name: mask & (members[name] != bundle) for name, mask in genotype.masks.items()}
    one = less(plan, settle(Genotype(masks, genotype.state), plan.wiring), plan.blocks[:1])

    assert_exact(network, plan, one, inputs)
    assert plan.develop(one).network.stem.out_channels == 5


@pytest.mark.parametrize("reason", STAYING)
def test_a_branch_that_cannot_be_zero_stays_with_its_reason(reason) -> None:
    plan = deep(STAYING[reason](), (torch.randn(2, 3, 8, 8),))

    assert not plan.blocks
    (barrier,) = plan.block_barriers
    assert re.search(reason, barrier.reason)
    assert barrier.line.startswith("branching.py")


def test_only_what_is_added_can_be_zero() -> None:
    """The operand that is subtracted may leave, the other one may not."""
    plan = deep(Subtracted(), (torch.randn(2, 3, 8, 8),))

    assert not plan.blocks


def test_of_blocks_that_share_a_layer_one_stays() -> None:
    network = shaken(Crossing())
    inputs = (torch.randn(2, 3, 8, 8).double(),)
    plan = deep(network, inputs)

    assert_exact(network, plan, less(plan, plan.genotype(), plan.blocks), inputs)
    assert len(plan.blocks) < 2 or not (plan.blocks[0].idle.keys() & plan.blocks[1].idle.keys())


def test_layers_that_are_to_keep_their_channels_keep_their_block() -> None:
    make, shape, _ = BRANCHING["basic"]

    plan = deep(make(), (torch.randn(shape),), keep=["blocks.1"])

    assert [one.name for one in plan.blocks] == ["blocks.0", "blocks.2"]


def test_a_module_that_somebody_watches_runs_on() -> None:
    network = Images(Basic(6, 6))
    network.blocks[0].bn2.register_forward_hook(lambda _module, _inputs, out: out + 1)

    plan = deep(network, (torch.randn(2, 3, 8, 8),))

    assert not plan.blocks
    assert "something else than zero" in plan.block_barriers[0].reason
