"""Mating against the text of 1709.02043 and 1811.07966, by hand and by simulation."""

from __future__ import annotations

import math
from statistics import mean, median

import attrs
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from evoframe.anatomy import survey
from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, count, masked
from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.living import living_channels
from evoframe.kernel.settling import settle
from evoframe.strategies.encoding import Synaptic
from evoframe.strategies.environment import Retention
from evoframe.strategies.heredity import Asexual, Mating
from evoframe.strategies.task import Mnist

NAMES = ("0.weight", "2.weight")


def world(network: nn.Module, example: torch.Tensor, names: tuple[str, ...]) -> Context:
    plan = survey(network, (example,), names)
    return Context(plan.genotype(), None, plan, Mnist(), torch.device("cpu"), 1, Key(0))


def small() -> Context:
    """Two layers of one kernel a synapse: 2 -> 3 -> 2 channels."""
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1))
    return world(network, torch.zeros(1, 2, 2, 2), NAMES)


def parent(genotype: Genotype) -> Parent:
    return Parent(Individual("g1s0", 1, 0, (), Origin.OFFSPRING, "0"), genotype)


def first_layers(context: Context, *weights: list[float]) -> tuple[Parent, ...]:
    """Parents with these six weights in the first layer, zero meaning absent, and all behind."""
    parents = []
    for row in weights:
        values = torch.tensor(row).reshape(3, 2, 1, 1)
        masks = {**context.ancestor.masks, NAMES[0]: values != 0}
        genotype = Genotype(masks, masked({**context.ancestor.state, NAMES[0]: values}, masks))
        parents.append(parent(settle(genotype, context.anatomy.wiring)))
    return tuple(parents)


ONE = [0.4, -0.2, 0.0, 0.5, 0.1, 0.3]
TWO = [0.1, -0.8, 0.6, 0.0, 0.0, 0.7]
SIX = [[True, True], [False, False], [False, True]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.25, -0.5, 0, 0, 0, 0.5]),  # 0.5 w_A + 0.5 w_B where both have the synapse
        ({"shares": (3.0, 1.0)}, [0.325, -0.35, 0, 0, 0, 0.4]),
        ({"strength": "geometric"}, [0.2, -0.4, 0, 0, 0, math.sqrt(0.21)]),
        ({"strength": "product"}, [0.2 * 0.05, 0.1 * 0.4, 0, 0, 0, 0.15 * 0.35]),
        ({"within": "any"}, [0.25, -0.5, 0.3, 0.25, 0.05, 0.5]),  # literal eqs. 4 and 5
        ({"of": "synapse", "overlap": 0.0}, [0.25, -0.5, 0.6, 0.5, 0.1, 0.5]),
    ],
)
def test_strengths_are_those_of_the_equations(options, expected) -> None:
    """Eqs. 4 and 5 of 1709.02043, and eq. 2 of 1811.07966, with numbers computed by hand."""
    context = small()

    inheritance = Mating(**options).inherit(first_layers(context, ONE, TWO), context)

    strengths = inheritance.strengths[NAMES[0]].flatten()
    assert torch.allclose(strengths, torch.tensor(expected), atol=1e-7)
    assert torch.equal(strengths != 0, inheritance.eligible[NAMES[0]].flatten())


@pytest.mark.parametrize(("overlap", "least"), [(1.0, 5), (0.8, 4), (0.6, 3), (0.2, 1), (0.0, 1)])
def test_a_cluster_needs_as_many_holders_as_chi_says(overlap: float, least: int) -> None:
    """Eq. 3 of 1811.07966: m * chi <= |K_c| <= m, with five parents."""
    context = small()
    rows = [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0] for _ in range(5)]
    for one, row in enumerate(rows):
        row[0:2] = [1.0, 1.0] if one < 3 else [0.0, 0.0]  # filter 0: three of five hold it
        row[2:4] = [1.0, 1.0] if one < 4 else [0.0, 0.0]  # filter 1: four of five
    mating = Mating(parents=5, overlap=overlap)

    eligible = mating.inherit(first_layers(context, *rows), context).eligible[NAMES[0]]

    assert eligible.flatten(1).all(1).tolist() == [least <= 3, least <= 4, True]


def test_holders_of_a_cluster_must_agree_on_its_synapses() -> None:
    """A parent without the cluster has no say; one that has it without the synapse forbids it."""
    context = small()
    rows = ([0.0, 0.0, 1, 1, 1, 1], [1.0, 1.0, 1, 1, 1, 1], [1.0, 0.0, 1, 1, 1, 1])
    parents = first_layers(context, *rows)

    eligible = Mating(parents=3, overlap=0.6).inherit(parents, context).eligible[NAMES[0]]
    lenient = Mating(parents=3, overlap=0.6, within="any").inherit(parents, context)

    assert eligible.flatten(1)[0].tolist() == [True, False]
    assert lenient.eligible[NAMES[0]].flatten(1)[0].tolist() == [True, True]


def test_the_newborn_has_the_holders_mean_or_the_first_holders_weights() -> None:
    """Weights and biases come from those parents in which they are alive."""
    context = small()
    parents = first_layers(context, [0.0, 0.0, 0.4, 0.2, 0.1, 0.1], [0.6, 0.8, 0.2, 0.6, 0.1, 0.1])
    bias = [one.genotype.state["0.bias"] for one in parents]
    union = {"of": "synapse", "overlap": 0.0}

    average = Mating(**union).inherit(parents, context).state
    first = Mating(weights="first", **union).inherit(parents, context).state

    assert bias[0][0] == 0 != bias[1][0]
    assert torch.allclose(
        average["0.weight"].flatten(), torch.tensor([0.6, 0.8, 0.3, 0.4, 0.1, 0.1])
    )
    assert torch.allclose(average["0.bias"], torch.stack([bias[1][0], *bias[1][1:]]))
    assert torch.equal(first["0.weight"].flatten()[:4], torch.tensor([0.6, 0.8, 0.4, 0.2]))
    assert torch.equal(first["0.bias"], bias[1])


def test_without_tags_filters_meet_in_the_order_of_survival() -> None:
    """The k-th surviving filter meets the k-th, wherever in the ancestor they come from."""
    context = small()
    first = [0.1, 0.2, 0.0, 0.0, 0.5, 0.6]  # filters 0 and 2
    second = [0.0, 0.0, 0.3, 0.4, 0.7, 0.8]  # filters 1 and 2
    parents = first_layers(context, first, second)

    by_tag = Mating().inherit(parents, context)
    in_order = Mating(align="sequential").inherit(parents, context)

    tagged = torch.tensor([0, 0, 0, 0, 0.6, 0.7])
    ordered = torch.tensor([0.2, 0.3, 0, 0, 0.6, 0.7])
    assert torch.allclose(by_tag.strengths["0.weight"].flatten(), tagged)
    assert torch.allclose(in_order.strengths["0.weight"].flatten(), ordered)
    behind = [one.genotype.state["2.weight"].flatten(1) for one in parents]
    expected = torch.stack(
        [(behind[0][:, 0] + behind[1][:, 1]) / 2, (behind[0][:, 2] + behind[1][:, 2]) / 2], dim=1
    )
    assert torch.allclose(in_order.strengths["2.weight"].flatten(1)[:, [0, 2]], expected)


@given(st.integers(0, 2**32), st.sampled_from(["tag", "sequential"]), st.floats(0.3, 0.9))
def test_clones_have_the_offspring_that_one_parent_would(seed, align, share) -> None:
    """Identical parents mate to themselves, whatever is left of them and however they align."""
    context = small()
    masks = {
        name: torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed)) < share
        for name, mask in context.ancestor.masks.items()
    }
    clone = parent(settle(Genotype(masks, context.ancestor.state), context.anatomy.wiring))

    for strength in ("sum", "geometric"):
        mating = Mating(parents=3, align=align, strength=strength)
        inheritance = mating.inherit((clone,) * 3, attrs.evolve(context, key=Key(seed)))

        for name, mask in clone.genotype.masks.items():
            assert torch.equal(inheritance.eligible[name], mask)
            assert torch.equal(inheritance.strengths[name], clone.genotype.state[name])
        for name, value in clone.genotype.state.items():
            assert torch.equal(inheritance.state[name], value)


# --- what the rules do to a population ----------------------------------------------------------


@pytest.fixture(scope="module")
def gaussian() -> Context:
    """One layer of 143,136 Gaussian synapses, as many as the LeNet's."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(336, 426), nn.ReLU(), nn.Linear(426, 2))
    nn.init.normal_(network[0].weight)
    return world(network, torch.zeros(1, 336), ("0.weight",))


def offspring(heredity, parents: list[Genotype], context: Context, key: Key) -> Genotype:
    """Return what is drawn at 0.70 of what is eligible, or of the parents' size if that is less."""
    context = attrs.evolve(context, key=key)
    inheritance = heredity.inherit(tuple(map(parent, parents)), context)
    dna = Synaptic().encode(inheritance, Evidence(inheritance, context), context)
    share = mean(one.synapses for one in parents) / count(inheritance.eligible)
    masks = draw(Retention(retention=0.7 * min(share, 1)).press(dna, inheritance, context), key)
    return Genotype(masks, masked(context.ancestor.state, masks))


def simulated(heredity, population: int, context: Context, seed: int = 0) -> list[float]:
    """Return the mean efficiency of generations 1 to 8; mates come from the generation before."""
    everyone, rows = [context.ancestor] * population, [1.0]
    for generation in range(2, 9):
        children = []
        for place in range(population):
            key = Key(seed).at(generation, place)
            chosen = key.at("mates").shuffled(population)[: heredity.parents]
            children.append(offspring(heredity, [everyone[i] for i in chosen], context, key))
        everyone = children
        rows.append(context.ancestor.synapses / mean(one.synapses for one in everyone))
    return rows


ALONE = [1, 1.43, 2.04, 2.91, 4.2, 6.0, 8.5, 12]
PAIRS = [1, 1.43, 2.9, 5.8, 11.6, 23, 46, 92]


@pytest.mark.parametrize(
    ("heredity", "population", "row"),
    [
        (Asexual(), 2, ALONE),
        (Mating(of="synapse", overlap=0.0), 2, ALONE),  # the union gains nothing
        (Mating(within="any", overlap=0.0), 5, ALONE),
        (Mating(), 2, PAIRS),
        (Mating(strength="geometric"), 2, PAIRS),
    ],
)
def test_rules_shrink_as_they_were_simulated_to(heredity, population, row, gaussian) -> None:
    """Unions gain nothing over one parent; intersections double what a generation removes."""
    assert simulated(heredity, population, gaussian) == pytest.approx(row, rel=0.04)


def test_the_literal_product_forgets_strength(gaussian) -> None:
    """Products are so small beside the largest that siblings share what chance would: 0.49."""
    row = [1.0] + [1 / (0.7 * 0.49**earlier) for earlier in range(7)]

    found = simulated(Mating(strength="product"), 2, gaussian)

    assert found == pytest.approx(row, rel=0.05)
    assert found[-1] > simulated(Mating(), 2, gaussian)[-1]


@pytest.mark.parametrize(("population", "low", "high"), [(3, 231, 317), (5, 459, 688)])
def test_more_siblings_share_less(population, low, high, gaussian) -> None:
    """Three and five siblings end, in the middle of four seeds, where they were simulated to."""
    rows = [simulated(Mating(), population, gaussian, seed) for seed in range(4)]

    assert all(row[:3] == pytest.approx(PAIRS[:3], rel=0.04) for row in rows)
    assert low < median(row[-1] for row in rows) < high


def test_tags_survive_any_number_of_generations(gaussian) -> None:
    """Whatever mates with whatever, a synapse is never found where its forebears had none."""
    context, everyone = small(), []
    for seed in range(3):
        weights = torch.randn(6, generator=Key(seed).generator()).tolist()
        everyone += first_layers(context, weights)
    for generation in range(12):
        before = {name: torch.zeros_like(mask) for name, mask in context.ancestor.masks.items()}
        for one in everyone:
            before = {name: mask | one.genotype.masks[name] for name, mask in before.items()}
        mating = Mating(parents=3, overlap=0.6, within="any", weights="first")
        inheritance = mating.inherit(tuple(everyone), attrs.evolve(context, key=Key(generation)))
        masks = {
            name: mask & (torch.rand(mask.shape, generator=Key(generation).generator()) < 0.97)
            for name, mask in inheritance.eligible.items()
        }
        child = settle(Genotype(masks, inheritance.state), context.anatomy.wiring)
        home = context.anatomy.absorb(context.anatomy.develop(child))
        assert home.digest() == child.digest()
        assert all(not bool((mask & ~before[name]).any()) for name, mask in child.masks.items())
        living = living_channels(child.masks, context.anatomy.wiring)
        assert bool(
            (
                living[context.anatomy.wiring.targets["0.weight"]].flatten()
                == child.masks["0.weight"].flatten(1).any(1)
            ).all()
        )
        everyone = [everyone[1], everyone[2], parent(child)]


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (1.0,), (1.0, 0.0), ()])
def test_shares_must_be_one_for_each_parent(shares) -> None:
    """A wrong number of shares is told with what was found and wanted, before anything is run."""
    with pytest.raises(ConfigError, match="wanted 2 numbers above 0"):
        Mating(shares=shares).check(Mnist())


def test_rewinding_a_network_that_came_trained_is_refused(tmp_path) -> None:
    """Nobody knows its first weights."""
    with pytest.raises(TaskError, match="already trained"):
        Mating(weights="rewind").check(Mnist(weights=tmp_path / "weights.pt"))


@pytest.mark.gpu
@pytest.mark.parametrize("strength", ["sum", "geometric", "product"])
def test_every_device_mates_to_the_same_bits(strength: str) -> None:
    """Strengths are DNA, and DNA is the same everywhere."""
    context = small()
    parents = first_layers(context, ONE, TWO)
    cuda = torch.device("cuda")
    there = attrs.evolve(context, anatomy=context.anatomy.to(cuda), device=cuda)
    moved = tuple(attrs.evolve(one, genotype=one.genotype.to(cuda)) for one in parents)

    here = Mating(strength=strength).inherit(parents, context)
    away = Mating(strength=strength).inherit(moved, there)

    for name, value in here.strengths.items():
        assert torch.equal(value, away.strengths[name].cpu())
