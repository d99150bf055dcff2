"""Environments that say how much must go, or what a network may cost."""

from __future__ import annotations

import attrs
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from evoframe.anatomy import survey
from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import Genotype, count
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.strategies.encoding import Cluster, Magnitude, Synaptic
from evoframe.strategies.environment import Budget, Descent, Removal, Retention
from evoframe.strategies.task import Mnist


def world() -> tuple[Context, Inheritance]:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 24, 3), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.ReLU(), nn.Conv2d(32, 3, 1)
    )
    plan = survey(network, (torch.zeros(1, 2, 8, 8),), ("0.weight", "2.weight"))
    ancestor = plan.genotype()
    context = Context(ancestor, None, plan, Mnist(), torch.device("cpu"), 2, Key(0))
    return context, Inheritance(ancestor.masks, ancestor.strengths(), ancestor.state)


CONTEXT, INHERITANCE = world()


@given(
    st.floats(0, 1),
    st.sampled_from(["multiplicative", "calibrated", "hard-cap"]),
    st.sampled_from(["network", "layer"]),
    st.sampled_from([None, 0.2]),
)
def test_removal_is_retention_said_the_other_way_round(share, mode, scope, clusters) -> None:
    """R of 2018 is 1 - R of 2017, at both levels."""
    evidence = Evidence(INHERITANCE, CONTEXT)
    dna = Cluster(of="filter").encode(INHERITANCE, evidence, CONTEXT)
    kept = None if clusters is None else 1 - clusters

    one = Removal(share, mode, scope, clusters).press(dna, INHERITANCE, CONTEXT)
    two = Retention(1 - share, mode, scope, kept).press(dna, INHERITANCE, CONTEXT)

    for name, mask in draw(one, Key(3)).items():
        assert torch.equal(mask, draw(two, Key(3))[name])


def test_more_removal_leaves_less() -> None:
    """With R = 0.5, 0.6, 0.85, 0.9, 0.95 about 1 - R is left, as the papers' first steps show."""
    dna = Synaptic().encode(INHERITANCE, Evidence(INHERITANCE, CONTEXT), CONTEXT)
    total = sum(mask.numel() for mask in INHERITANCE.eligible.values())

    for share in (0.5, 0.6, 0.85, 0.9, 0.95):
        left = Removal(share).press(dna, INHERITANCE, CONTEXT).expected_synapses()
        assert left == pytest.approx((1 - share) * total, rel=1e-6)


def test_removal_refuses_what_retention_refuses() -> None:
    """A rank is no probability."""
    with pytest.raises(ConfigError, match="only ranks"):
        Removal(mode="hard-cap").check(Magnitude())


# --- descent ------------------------------------------------------------------------------------


def allowed(environment: Descent, generation: int) -> float:
    """Return the share of the ancestor's synapses that a generation may have."""
    context = attrs.evolve(CONTEXT, generation=generation)
    return environment.allowance(INHERITANCE, context) / CONTEXT.ancestor.synapses


def test_an_even_descent_keeps_the_same_part_in_every_generation() -> None:
    """With bend = 1 it is a retention that is told by where it ends."""
    descent = Descent(share=1 / 64, generations=6, bend=1.0)

    assert [allowed(descent, n) for n in (1, 2, 3, 7)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 64])


def test_a_bent_descent_is_steep_first_ends_where_it_should_and_stays_there() -> None:
    """Four times the generations go twice as deep with bend = 0.5; afterwards nothing must go."""
    descent = Descent(share=1 / 256, generations=16, bend=0.5)

    found = [allowed(descent, n) for n in (2, 5, 10, 17, 30)]
    assert found == pytest.approx([1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 256])


@given(st.floats(0.001, 1), st.floats(0.1, 1), st.integers(2, 12))
def test_offspring_are_expected_to_have_what_a_descent_allows(share, bend, generation) -> None:
    """What counts is the ancestor's size: smaller parents lose less, or nothing."""
    context = attrs.evolve(CONTEXT, generation=generation)
    small = Retention(retention=0.1)
    dna = Synaptic().encode(INHERITANCE, Evidence(INHERITANCE, CONTEXT), CONTEXT)
    eligible = draw(small.press(dna, INHERITANCE, CONTEXT), Key(1))
    inheritance = attrs.evolve(INHERITANCE, eligible=eligible)
    dna = Synaptic().encode(inheritance, Evidence(inheritance, context), context)
    descent = Descent(share=share, generations=10, bend=bend)

    left = descent.press(dna, inheritance, context).expected_synapses()

    wanted = share ** (min((generation - 1) / 10, 1) ** bend) * CONTEXT.ancestor.synapses
    assert left == pytest.approx(min(wanted, count(eligible)), rel=1e-6)


# --- budgets ------------------------------------------------------------------------------------


def spent(environment: Budget, encoding, keys: range = range(1)) -> list[dict[str, float]]:
    """Return the costs of some offspring, as shares of the inherited network's."""
    dna = encoding.encode(INHERITANCE, Evidence(INHERITANCE, CONTEXT), CONTEXT)
    pressed = environment.press(dna, INHERITANCE, CONTEXT)
    whole, shares = CONTEXT.anatomy.costs(CONTEXT.ancestor), []
    for key in keys:
        genotype = Genotype(draw(pressed, Key(key)), INHERITANCE.state)
        found = CONTEXT.anatomy.costs(settle(genotype, CONTEXT.anatomy.wiring))
        shares.append({name: value / whole[name] for name, value in found.items()})
    return shares


BUNDLES = Cluster(of="bundle", temperature=0.1, cluster_temperature=0.1)


@pytest.mark.parametrize(
    ("cost", "encoding"),
    [
        ("parameters", BUNDLES),
        ("flops", BUNDLES),
        ("bytes", Magnitude()),
        ("synapses", Magnitude()),
        ("activations", BUNDLES),
    ],
)
def test_offspring_cost_about_what_they_may(cost: str, encoding) -> None:
    """Half of each cost is met, whether whole bundles die or channels die by themselves."""
    shares = [one[cost] for one in spent(Budget(cost=cost, share=0.5), encoding, range(12))]

    assert 0.4 < sum(shares) / len(shares) < 0.6


def test_a_smaller_share_leaves_less_down_to_the_least() -> None:
    """Budgets are monotone, and nothing is asked for below the least."""
    shares = [spent(Budget(share=share), BUNDLES)[0]["parameters"] for share in (1, 0.7, 0.2)]
    (least,) = spent(Budget(share=0.2, least=0.7), BUNDLES)

    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert least["parameters"] == shares[1]


def test_latency_is_told_from_measured_rates() -> None:
    """With a rate for FLOPs alone it is a budget of FLOPs, of what the overhead leaves."""
    latency = Budget(cost="latency", share=0.5, seconds_per_flop=1e-9)

    assert spent(latency, BUNDLES) == spent(Budget(cost="flops", share=0.5), BUNDLES)
    half = 0.5 * 1e-9 * CONTEXT.anatomy.costs(CONTEXT.ancestor)["flops"]
    slower = Budget(cost="latency", share=0.6, seconds_per_flop=1e-9, overhead=half)
    assert spent(slower, BUNDLES) == spent(Budget(cost="flops", share=0.4), BUNDLES)


def test_latency_without_rates_is_refused_with_the_reason() -> None:
    """Nothing is measured inside a decision."""
    with pytest.raises(ConfigError, match="could then not be repeated"):
        Budget(cost="latency").check_ancestor(CONTEXT)
    with pytest.raises(ConfigError, match="have no effect on cost = 'flops'"):
        Budget(cost="flops", overhead=1.0).check(Synaptic())
