"""Repair: layers that make do with the channels that stay."""

from __future__ import annotations

import attrs
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe import anatomy
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.strategies.nurture import Repair
from evoframe.strategies.task.making import task


def doubled(seed: int, *, twins: bool) -> nn.Sequential:
    """Return a network in which every second channel says the same as the one before it."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    if twins:
        with torch.no_grad():
            for layer in (network[0], network[2]):
                layer.weight[1::2] = 2 * layer.weight[::2]
                layer.bias[1::2] = 2 * layer.bias[::2]
    return network.eval()


def without(network: nn.Module, gone: range | list[int], seed: int):
    """Return the plan of a network, what is left without channels of two layers, and a context."""
    inputs, labels = torch.randn(128, 2, 8, 8), torch.randint(0, 3, (128,))
    data = (inputs, labels)
    own = task(network=network, train=data, validation=data, loss=F.cross_entropy)
    plan = anatomy.survey(network, (inputs[:1],), ("0.weight", "2.weight"))
    whole = plan.genotype()
    masks = {name: mask.clone() for name, mask in whole.masks.items()}
    for mask in masks.values():
        mask[[one for one in gone if one < len(mask)]] = False
    genotype = settle(Genotype(masks, whole.state), plan.wiring)
    cpu = torch.device("cpu")
    context = Context(whole, None, plan, own, cpu, 2, Key(seed))
    return plan, genotype, context, inputs


@settings(max_examples=8)
@given(st.integers(0, 99))
def test_channels_that_others_can_tell_leave_without_a_trace(seed: int) -> None:
    """Each has a twin that stays: nothing is lost, where plain surgery loses much."""
    network = doubled(seed, twins=True)
    plan, genotype, context, inputs = without(network, range(1, 8, 2), seed)
    phenotype = plan.develop(genotype)
    phenotype.network.eval()
    wanted, torn = network(inputs), phenotype.network(inputs)

    Repair(batches=4).before_epoch(phenotype, context, 0)

    scale = (torn - wanted).abs().mean()
    assert (phenotype.network(inputs) - wanted).abs().mean() < 0.1 * scale


@settings(max_examples=8)
@given(st.integers(0, 99))
def test_a_newborn_with_everything_keeps_its_bits(seed: int) -> None:
    """As do layers that are frozen, and every layer after the first epoch has begun."""
    network = doubled(seed, twins=False)
    plan, genotype, context, _ = without(network, [], seed)
    phenotype = plan.develop(genotype)
    before = plan.absorb(phenotype).digest()

    Repair().before_epoch(phenotype, context, 0)
    assert plan.absorb(phenotype).digest() == before

    plan, genotype, context, _ = without(network.requires_grad_(requires_grad=False), [1], seed)
    phenotype = plan.develop(genotype)
    before = plan.absorb(phenotype).digest()
    Repair().before_epoch(phenotype, context, 0)
    Repair().before_epoch(phenotype, context, 1)
    assert plan.absorb(phenotype).digest() == before


def test_the_parent_is_what_counts() -> None:
    """A parent that has lost channels itself is what its child is fitted to."""
    network = doubled(0, twins=False)
    plan, smaller, context, inputs = without(network, [0, 3], 0)
    parent = Parent(Individual("g1s0", 1, 0, (), Origin.OFFSPRING, "0"), smaller)
    phenotype = plan.develop(smaller)
    before = plan.absorb(phenotype).digest()

    born = Context(
        context.ancestor, None, plan, context.task, context.device, 3, Key(1), parents=(parent,)
    )
    Repair().before_epoch(phenotype, born, 0)
    assert plan.absorb(phenotype).digest() == before

    Repair().before_epoch(phenotype, context, 0)
    assert plan.absorb(phenotype).digest() != before
    assert phenotype.network(inputs).shape == (128, 3)


@settings(max_examples=8)
@given(st.integers(0, 99), st.lists(st.integers(0, 7), min_size=1, max_size=5, unique=True))
def test_channels_that_a_parent_has_not_are_not_mistaken_for_others(
    seed: int, gone: list[int]
) -> None:
    """They come back by mutation or from another parent: their layers stay as they were born."""
    network = doubled(seed, twins=False)
    plan, smaller, context, _ = without(network, gone, seed)
    parent = Parent(Individual("g1s0", 1, 0, (), Origin.OFFSPRING, "0"), smaller)
    others = [one for one in (0, 7) if one not in gone]
    for child in (context.ancestor, without(network, others, seed)[1]):
        phenotype = plan.develop(child)
        before = {name: one.clone() for name, one in phenotype.network.state_dict().items()}

        Repair().before_epoch(phenotype, attrs.evolve(context, parents=(parent,)), 0)

        for name in ("0.weight", "2.weight"):
            assert torch.equal(phenotype.network.state_dict()[name], before[name])


def test_layers_of_which_too_little_is_seen_are_named() -> None:
    """They stay as they are, which nobody would notice."""
    network = doubled(0, twins=False)
    data = (torch.randn(6, 2, 8, 8), torch.randint(0, 3, (6,)))

    smaller = evoframe.shrink(
        network, data=data, loss=F.cross_entropy, importance="magnitude", repair=1,
        layers={"2": {"share": 0.5}},
    )  # fmt: skip

    assert evoframe.shrunk(smaller).unrepaired == {"6": "6 of 90"}
    assert "not repaired: 6" in str(evoframe.shrunk(smaller))


def test_shrink_repairs_if_asked() -> None:
    """One cut of twins to half of the channels, by the only importance that needs no data."""
    network = doubled(1, twins=True)
    inputs, labels = torch.randn(256, 2, 8, 8), torch.randint(0, 3, (256,))

    def error(**options: int) -> float:
        smaller = evoframe.shrink(
            network, flops=0.5, data=(inputs, labels), loss=F.cross_entropy,
            importance="magnitude", scope="layer", **options,
        )  # fmt: skip
        return float((smaller(inputs) - network(inputs)).abs().mean().detach())

    assert error(repair=4) < 0.2 * error()
