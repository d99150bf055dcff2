"""The laws of DNA, pressure, draw and settling, over generated inheritances."""

from __future__ import annotations

import copy
import math

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from evoframe import anatomy
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.drawing.budgets import log_multiplier
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.genotype import Genotype, count, masked
from evoframe.kernel.key import Key
from evoframe.kernel.levels import even_levels, relative_levels
from evoframe.kernel.limits import Cap
from evoframe.kernel.settling import settle
from evoframe.strategies.encoding import Magnitude, Sensitivity, Synaptic, Uniform
from evoframe.strategies.environment import Retention
from evoframe.strategies.mutation import Noise, Regrowth
from support.contexts import keyed

ENCODINGS = [
    Synaptic(),
    Synaptic(temperature=0.05, normaliser="percentile", percentile=90.0),
    Synaptic(temperature=7.0, normaliser="deviation"),
    Uniform(),
    Magnitude(),
    Magnitude(scope="layer"),
    Sensitivity(),
]


class Gradients:
    """Evidence that needs no network."""

    def __init__(self, inheritance: Inheritance) -> None:
        self.inheritance = inheritance

    def mean_squared_gradient(self, *, batches: int) -> dict[str, torch.Tensor]:
        return {name: (1 + w).square() for name, w in self.inheritance.strengths.items()}


@st.composite
def inheritances(draw_from) -> Inheritance:
    generator = torch.Generator().manual_seed(draw_from(st.integers(0, 2**32)))
    share = draw_from(st.sampled_from([0.0, 0.3, 0.9, 1.0]))
    scale = draw_from(st.sampled_from([0.0, 1e-6, 0.05, 30.0]))
    shapes = draw_from(
        st.lists(st.sampled_from([(3, 4), (8, 2, 3, 3), (40, 30)]), min_size=1, max_size=3)
    )
    strengths = {
        f"layer{i}.weight": scale * torch.randn(shape, generator=generator)
        for i, shape in enumerate(shapes)
    }
    eligible = {
        name: torch.rand(w.shape, generator=generator) < share for name, w in strengths.items()
    }
    return Inheritance(eligible, masked(strengths, eligible), masked(strengths, eligible))


def encoded(encoding, inheritance: Inheritance) -> DNA:
    return encoding.encode(inheritance, Gradients(inheritance), None)


def expected(dna: DNA) -> float:
    return dna.expected_synapses()


keys = st.builds(Key, st.integers(0, 2**64), st.tuples(st.text(max_size=3), st.integers()))
shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.001, 0.999))


@given(inheritances(), st.sampled_from(ENCODINGS), shares, st.sampled_from(["network", "layer"]))
def test_a_calibrated_environment_meets_its_budget_in_expectation(
    inheritance, encoding, share, scope
) -> None:
    """The budget is the contract with the user: met on average, never exceeded by design."""
    dna = encoded(encoding, inheritance)
    pressed = Retention(retention=share, scope=scope).press(dna, inheritance, None)

    total = count(inheritance.eligible)
    assert expected(pressed) == pytest.approx(share * total, rel=1e-6, abs=1e-6)


@given(
    inheritances(),
    st.sampled_from(ENCODINGS),
    shares,
    st.sampled_from(["multiplicative", "calibrated", "hard-cap"]),
    keys,
)
def test_probabilities_stay_between_0_and_1_and_draws_within_the_eligible(
    inheritance, encoding, share, mode, key
) -> None:
    """What the parents did not have does not come back by itself, under any pressure."""
    dna = Noise(strength=0.1).mutate(encoded(encoding, inheritance), inheritance, keyed(key))
    dna = Retention(retention=share, mode=mode).press(dna, inheritance, None)
    masks = draw(dna, key)

    for name, eligible in inheritance.eligible.items():
        odds = dna.probabilities(name)
        assert bool(((odds >= 0) & (odds <= 1)).all())
        assert not bool(odds[~eligible].any())
        assert not bool((masks[name] & ~eligible).any())
    if mode == "hard-cap":
        assert count(masks) <= math.floor(share * count(inheritance.eligible))


@given(inheritances(), keys)
def test_only_regrowth_brings_synapses_back_and_budgets_ignore_it(inheritance, key) -> None:
    """Newcomers have to displace somebody: the budget is of what heredity offered."""
    dna = encoded(Magnitude(), inheritance)
    grown = Regrowth(rate=0.5).mutate(dna, inheritance, keyed(key))
    pressed = Retention(retention=0.5).press(grown, inheritance, None)

    for name, genes in dna.synapses.items():
        assert bool(grown.synapses[name].eligible[genes.eligible].all())
        assert torch.equal(
            grown.synapses[name].levels[genes.eligible], genes.levels[genes.eligible]
        )
    assert expected(pressed) <= 0.5 * count(inheritance.eligible) * (1 + 1e-6)
    assert Regrowth(rate=0.0).mutate(dna, inheritance, keyed(key)) is dna
    assert Noise(strength=0.0).mutate(dna, inheritance, keyed(key)) is dna


@given(inheritances(), st.sampled_from(ENCODINGS), keys)
def test_the_same_key_draws_the_same_whatever_the_order_and_the_company(
    inheritance, encoding, key
) -> None:
    """A draw belongs to its key: not to the order of layers, nor to what was drawn before."""
    dna = Retention().press(encoded(encoding, inheritance), inheritance, None)
    masks = draw(dna, key)
    torch.rand(3)
    backwards = draw(attrs.evolve(dna, synapses=dict(reversed(dna.synapses.items()))), key)

    for name, genes in dna.synapses.items():
        alone = draw(DNA({name: genes}), key)
        assert torch.equal(masks[name], backwards[name])
        assert torch.equal(masks[name], alone[name])


def test_frequencies_follow_probabilities() -> None:
    """The draw is a fair one: within five standard errors, level by level."""
    levels = torch.arange(5, dtype=torch.int32).repeat_interleave(20_000)
    table = np.log(np.array([0.0001, 0.1, 0.5, 0.9, 1.0]))
    genes = Genes(levels, table, torch.ones_like(levels, dtype=torch.bool))

    mask = draw(DNA({"w": genes}), Key(1))["w"].reshape(5, -1).double().mean(1)

    odds = torch.from_numpy(np.exp(table))
    assert bool(((mask - odds).abs() <= 5 * (odds * (1 - odds) / 20_000).sqrt()).all())


def test_the_law_of_the_paper_by_hand() -> None:
    """exp(|w|/z - 1): 1 for the strongest, 1/e for zero, e^-0.5 for half the strongest."""
    weights = torch.tensor([[2.0, -1.0, 0.0]])
    inheritance = Inheritance({"w": torch.ones(1, 3, dtype=torch.bool)}, {"w": weights}, {})

    odds = encoded(Synaptic(), inheritance).probabilities("w")
    cooler = encoded(Synaptic(temperature=0.5), inheritance).probabilities("w")

    hand = torch.tensor([[1.0, math.exp(-0.5), math.exp(-1.0)]], dtype=torch.float64)
    assert torch.allclose(hand, odds, rtol=1e-4)
    assert torch.allclose(hand**2, cooler, rtol=1e-4)


def test_clusters_are_drawn_before_their_synapses_and_share_the_budget() -> None:
    """Two levels of pressure meet one budget jointly, and a dead cluster has no synapses."""
    generator = torch.Generator().manual_seed(2)
    weights = torch.randn(60, 50, generator=generator)
    eligible = torch.ones(60, 50, dtype=torch.bool)
    inheritance = Inheritance({"w": eligible}, {"w": weights}, {})
    rows = Genes(
        even_levels(weights.abs().sum(1), float(weights.abs().sum(1).max())),
        encoded(Synaptic(), inheritance).synapses["w"].log_survival,
        torch.ones(60, dtype=torch.bool),
    )
    members = {"w": torch.arange(60).reshape(60, 1)}
    dna = attrs.evolve(encoded(Synaptic(), inheritance), clusters=Clusters(rows, members))

    pressed = Retention(retention=0.49).press(dna, inheritance, None)
    masks = draw(pressed, Key(5))

    assert pressed.clusters is not None
    assert float(pressed.clusters.genes.probabilities().sum()) == pytest.approx(0.7 * 60, rel=1e-6)
    assert expected(pressed) == pytest.approx(0.49 * 3000, rel=1e-6)
    born = masks["w"].any(1)
    assert 20 <= int(born.sum()) < 60


def test_a_cap_drops_the_least_probable() -> None:
    """Of what was drawn the likeliest stay."""
    levels = torch.arange(100, dtype=torch.int32)
    genes = Genes(levels, np.linspace(-0.01, 0.0, 100), torch.ones(100, dtype=torch.bool))
    drawn = draw(DNA({"w": genes}), Key(0))["w"]

    capped = draw(DNA({"w": genes}, caps=(Cap(("w",), 30),)), Key(0))["w"]

    assert drawn.nonzero().squeeze(1)[-30:].tolist() == capped.nonzero().squeeze(1).tolist()


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(-800, 0)), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_the_multiplier_solves_its_equation(levels, share) -> None:
    """Closed form against the equation itself, over hundreds of e-folds."""
    counts = np.array([n for n, _ in levels], dtype=float)
    table = np.array([p for _, p in levels])
    budget = share * counts.sum()

    factor = log_multiplier([counts], [table], budget)

    kept = counts * np.exp(np.minimum(table + factor, 0.0)) if factor > -np.inf else 0 * counts
    assert kept.sum() == pytest.approx(budget, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=50))
def test_grids_keep_order_and_precision(values) -> None:
    """Levels never turn two scores around, and stand for them within the promised precision."""
    scores = torch.tensor(values)
    scale = float(scores.max()) or 1.0
    for grid in (even_levels, relative_levels):
        levels = grid(scores, scale)
        order = scores.argsort(stable=True)
        assert bool((levels[order].diff() >= 0).all())
        assert 0 <= int(levels.min()) <= int(levels.max()) <= 65_535
    shares_of_scale = scores.double() / scale
    even = even_levels(scores, scale).double() / 65_535
    assert float((even - shares_of_scale).abs().max()) <= 0.51 / 65_535


@pytest.mark.gpu
@given(inheritances(), st.sampled_from(ENCODINGS), keys)
def test_dna_and_draw_are_the_same_on_cuda(inheritance, encoding, key) -> None:
    """Which device a run is on must not decide who lives."""
    there = Inheritance(
        *(
            {n: t.cuda() for n, t in part.items()}
            for part in attrs.astuple(inheritance, recurse=False)
        )
    )
    masks = []
    for one in (inheritance, there):
        dna = Retention(retention=0.4).press(encoded(encoding, one), one, None)
        masks.append(draw(Noise(strength=0.05).mutate(dna, one, keyed(key)), key))

    for name in inheritance.eligible:
        assert torch.equal(masks[0][name], masks[1][name].cpu())


# --- settling on surveyed networks ----------------------------------------------------------------


@st.composite
def networks(draw_from) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a small network whose activations keep f(0) = 0, and inputs for it."""
    torch.manual_seed(draw_from(st.integers(0, 1000)))
    nn, width = torch.nn, draw_from(st.integers(2, 6))
    if draw_from(st.booleans()):
        layers = [nn.Linear(3, width), nn.ReLU()]
        for _ in range(draw_from(st.integers(0, 2))):
            layers += [nn.Linear(width, width), nn.Tanh()]
        return nn.Sequential(*layers, nn.Linear(width, 2)).eval(), torch.randn(4, 3)
    norm = nn.BatchNorm2d(width)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    groups = draw_from(st.sampled_from([1, width]))
    network = nn.Sequential(
        nn.Conv2d(2, width, 3, padding=1),
        norm,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1, groups=groups),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(2 * width * 9, 5),
        nn.ReLU(),
        nn.Linear(5, 2),
    )
    return network.eval(), torch.randn(3, 2, 6, 6)


@given(networks(), st.integers(0, 10**6), st.floats(0.02, 0.9))
def test_settling_removes_only_what_does_no_work(case, seed, share) -> None:
    """Idempotent; only ever removes; and the output stays what it was."""
    network, inputs = case
    plan = anatomy.survey(network, (inputs[:1],), tuple(default_evolvable(network)))
    generator = torch.Generator().manual_seed(seed)
    whole = plan.genotype()
    masks = {n: torch.rand(m.shape, generator=generator) < share for n, m in whole.masks.items()}

    settled = settle(Genotype(masks, whole.state), plan.wiring)

    assert settled.digest() == settle(settled, plan.wiring).digest()
    assert all(not bool((settled.masks[n] & ~masks[n]).any()) for n in masks)
    again = plan.absorb(plan.develop(settled))
    assert again.digest() == settled.digest()
    with torch.no_grad():
        reference = without_dead_neurons(network, masks)(inputs)
        assert torch.allclose(reference, plan.develop(settled).network.eval()(inputs), atol=1e-5)


def default_evolvable(network: torch.nn.Module) -> list[str]:
    names = [n for n, p in network.named_parameters() if p.ndim > 1]
    return names[:-1]


def without_dead_neurons(network: torch.nn.Module, masks) -> torch.nn.Module:
    """Return the masked network with dead neurons zeroed, bias, normalisation and all.

    A neuron whose inputs all come from dead neurons is dead too, so this runs to a fixed point.
    """
    twin = copy.deepcopy(network)
    modules = list(twin)
    alive = None
    for index, module in enumerate(modules):
        name = f"{index}.weight"
        if name in masks:
            mask = masks[name].clone()
            if alive is not None and getattr(module, "groups", 1) == 1:
                mask &= per_input(alive, mask)
            elif alive is not None:
                per_group = alive.repeat_interleave(mask.shape[0] // len(alive))
                mask &= per_group.reshape(-1, *[1] * (mask.ndim - 1))
            module.weight.data *= mask
            alive = mask.flatten(1).any(1)
            module.bias.data *= alive
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data *= alive
            module.bias.data *= alive
    return twin


def per_input(alive: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    repeated = alive.repeat_interleave(mask.shape[1] // len(alive))
    return repeated.reshape(1, -1, *[1] * (mask.ndim - 2))
