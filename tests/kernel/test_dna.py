"""Grids, tables and budgets: the arithmetic that says how likely each synapse is."""

from __future__ import annotations

import itertools
import math

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.drawing.budgets import log_multiplier, scaled
from evoframe.kernel.key import Key
from evoframe.kernel.levels import LEVELS, even_levels, even_scores, ranked, relative_levels
from evoframe.strategies.encoding import Magnitude, Sensitivity, Synaptic, Uniform
from evoframe.strategies.environment import Retention
from evoframe.strategies.mutation import Noise, Regrowth
from support.contexts import keyed

GRIDS = pytest.mark.parametrize("grid", [even_levels, relative_levels])
shares = st.floats(0, 1, width=32)
scales = st.sampled_from([1e-30, 1e-3, 0.7, 1.0, 3.0, 1e20])


def tensor(values: list[float], scale: float) -> torch.Tensor:
    """Return scores whose shares of a scale are about these values, the scale itself included."""
    return torch.tensor([*values, 1.0]) * scale


# --- grids --------------------------------------------------------------------------------------


@GRIDS
@given(st.lists(shares, min_size=1, max_size=40), scales)
def test_levels_are_monotone_and_on_the_grid(grid, values, scale) -> None:
    """A stronger synapse is never taken for a weaker one, and no level is outside its table."""
    scores = tensor(values, scale).sort().values

    levels = grid(scores, float(scores.max()))

    assert levels.dtype == torch.int32
    assert bool((levels.diff() >= 0).all())
    assert int(levels.min()) >= 0
    assert int(levels[-1]) == LEVELS - 1


@given(st.lists(shares, min_size=1, max_size=40), scales)
def test_relative_levels_keep_one_part_in_4096(values, scale) -> None:
    """Heavy-tailed scores differ by octaves: each keeps its precision down to scale / 65,536."""
    scores = tensor(values, scale)
    share = scores.double() / float(scores.max())

    levels = relative_levels(scores, float(scores.max())).long()

    # The smallest share of a level: 4,096 levels an octave, linear within it.
    octave, step = levels // 4096, levels % 4096
    lowest = torch.ldexp(1 + step.double() / 4096, octave - 16)
    rounding = 2.0**-22
    exact = share >= 2.0**-16
    assert bool((share[exact] >= (lowest * (1 - rounding))[exact]).all())
    assert bool((share[exact] <= (lowest * (1 + 1 / 4096 + rounding))[exact]).all())
    assert not bool(levels[share < 2.0**-16 * (1 - rounding)].any())


@given(st.lists(shares, min_size=1, max_size=40), scales)
def test_even_levels_are_off_by_half_a_step_at_most(values, scale) -> None:
    """The law of a synapse is evaluated at its level: the error must be known and small."""
    scores = tensor(values, scale)
    largest = float(scores.max())

    stands_for = torch.from_numpy(even_scores())[even_levels(scores, largest).long()]

    off = (stands_for - scores.double() / largest).abs().max()
    assert float(off) * (LEVELS - 1) <= 0.5 + 2.0**-7  # and the rounding of float32


@GRIDS
@given(st.integers(0, 2**32), scales, st.permutations(range(3)))
def test_levels_do_not_depend_on_the_layout_of_memory(grid, seed, scale, order) -> None:
    """Vectorised and scalar code paths must agree, or a transposed weight has another DNA."""
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.rand(5, 7, 9, generator=generator) ** 8

    levels = grid(scores, scale)

    assert torch.equal(grid(scores.permute(order), scale), levels.permute(order))
    assert torch.equal(grid(scores[::2, 1:, ::3], scale), levels[::2, 1:, ::3])
    assert torch.equal(grid(scores[:, :1].expand(5, 7, 9), scale), levels[:, :1].expand(5, 7, 9))
    assert grid(scores[0, 0, 0], scale) == levels[0, 0, 0]


@GRIDS
def test_scores_at_the_edge_have_the_level_of_the_edge(grid) -> None:
    """Zero is the lowest with either sign, more than the scale is the highest, no scale is zero."""
    scores = torch.tensor([0.0, -0.0, 1e-45, 2.0, math.inf])

    assert grid(scores, 1.0).tolist() == [0, 0, 0, LEVELS - 1, LEVELS - 1]
    for nothing in (0.0, -1.0, math.nan):
        assert not grid(scores, nothing).any()
    assert grid(torch.zeros(0, 3), 1.0).shape == (0, 3)


# --- budgets ------------------------------------------------------------------------------------

ODDS = st.one_of(
    st.floats(-60, 0),
    st.sampled_from([0.0, -1.0, -1.0, -math.inf, -1e6]),
    st.sampled_from(ranked().tolist()[:: LEVELS // 7]),
)
COUNTS = st.one_of(st.integers(0, 10**7).map(float), st.floats(1e-3, 1e3), st.just(0.0))
LEVELS_OF_TABLES = st.lists(
    st.lists(st.tuples(COUNTS, ODDS), min_size=1, max_size=12), min_size=1, max_size=3
)


def split(levels):
    counts = [np.array([count for count, _ in table]) for table in levels]
    return counts, [np.array([odds for _, odds in table]) for table in levels]


def kept(counts, tables, factor: float) -> float:
    pairs = zip(counts, tables, strict=True)
    return sum(float((count * np.exp(scaled(odds, factor))).sum()) for count, odds in pairs)


def bisected(counts, tables, budget: float) -> float:
    """Return what survives under the multiplier that two hundred halvings find."""
    low, high = -1e3, 1e8
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if kept(counts, tables, middle) > budget else (middle, high)
    return kept(counts, tables, low)


@given(LEVELS_OF_TABLES, st.floats(0.001, 0.999))
def test_the_multiplier_is_the_one_that_bisection_finds(levels, share) -> None:
    """Ties, impossible levels and ranks 64 e-folds apart: the closed form meets every budget."""
    counts, tables = split(levels)
    budget = share * kept(counts, tables, math.inf)

    survivors = kept(counts, tables, log_multiplier(counts, tables, budget))

    assert survivors == pytest.approx(budget, rel=1e-7)
    assert survivors == pytest.approx(bisected(counts, tables, budget), rel=1e-7)


@given(LEVELS_OF_TABLES, st.lists(st.floats(-0.1, 1.1), min_size=2, max_size=5))
def test_a_larger_budget_has_a_larger_multiplier(levels, spread) -> None:
    """More room must never cost anybody's life."""
    counts, tables = split(levels)
    total = kept(counts, tables, math.inf)

    factors = [log_multiplier(counts, tables, share * total) for share in sorted(spread)]

    for less, more in itertools.pairwise(factors):
        assert less <= more or less == pytest.approx(more, rel=1e-9)


@given(LEVELS_OF_TABLES)
def test_no_budget_kills_all_and_a_full_one_nobody_who_can_live(levels) -> None:
    """The ends of the range are exact: no rounding may kill the last or spare the first."""
    counts, tables = split(levels)
    total = kept(counts, tables, math.inf)

    for nothing in (0.0, -1.0):
        assert log_multiplier(counts, tables, nothing) == -math.inf
    for everything in (total * (1 + 1e-9), 2 * total + 1):
        assert log_multiplier(counts, tables, everything) == (math.inf if total else -math.inf)


def test_a_budget_that_rounds_to_everybody_spares_everybody() -> None:
    """One part in 2**53 short of all: the last level must not be lost to rounding."""
    generator = np.random.default_rng(0)
    for _ in range(500):
        counts, table = generator.uniform(0, 9, 6), generator.uniform(-9, 0, 6)
        budget = np.nextafter(counts.sum(), 0)
        factor = log_multiplier([counts], [table], budget)
        assert kept([counts], [table], factor) == pytest.approx(budget, rel=1e-12)


@given(st.lists(ODDS, min_size=1, max_size=20), st.floats(-1e7, 1e7) | st.just(math.inf))
def test_scaling_never_makes_the_impossible_possible(odds, factor) -> None:
    """Tables stay logarithms of probabilities, in the same order."""
    table = np.sort(np.array(odds))

    after = scaled(table, factor)

    assert bool((after <= 0).all())
    assert bool((after[1:] >= after[:-1]).all())
    assert np.array_equal(np.isneginf(after), np.isneginf(table))
    assert np.isneginf(scaled(table, -math.inf)).all()


@given(st.integers(0, 2**32))
def test_a_histogram_counts_what_is_eligible(seed) -> None:
    """Budgets are solved on histograms: what they leave out cannot be paid for."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 9, (6, 5), generator=generator, dtype=torch.int32)
    eligible = torch.rand(6, 5, generator=generator) < 0.6
    genes = Genes(levels, np.zeros(9), eligible)
    weights = torch.rand(6, 1, generator=generator, dtype=torch.float64)

    chosen = [eligible & (levels == level) for level in range(9)]
    assert genes.histogram().tolist() == [int(one.sum()) for one in chosen]
    sums = [float((weights * one).sum()) for one in chosen]
    assert genes.histogram(weights).tolist() == pytest.approx(sums)


# --- laws ---------------------------------------------------------------------------------------


def an_inheritance(weights: list[list[float]], eligible: list[list[bool]] | None = None):
    strengths = {f"layer{i}": torch.tensor([row]) for i, row in enumerate(weights)}
    masks = {
        name: torch.tensor([eligible[i]]) if eligible else torch.ones_like(value, dtype=torch.bool)
        for i, (name, value) in enumerate(strengths.items())
    }
    return Inheritance(masks, strengths, strengths)


def odds(encoding, inheritance) -> list[list[float]]:
    dna = encoding.encode(inheritance, None, None)
    return [dna.probabilities(name)[0].tolist() for name in dna.synapses]


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 4.0])
def test_the_synaptic_law_is_that_of_the_paper(temperature) -> None:
    """P(s) = exp((|w|/z - 1)/T) with z the layer's own maximum; at T = 1, P(0) = 1/e, P(z) = 1."""
    weights = [[0.0, -0.3, 1.7, -2.0], [0.0, 0.01, 0.02, -0.005]]

    by_layer = odds(Synaptic(temperature=temperature), an_inheritance(weights))

    for row, found in zip(weights, by_layer, strict=True):
        z = max(map(abs, row))
        logs = [(abs(weight) / z - 1) / temperature for weight in row]
        within = 0.51 / (LEVELS - 1) / temperature
        assert np.log(found) == pytest.approx(logs, rel=0, abs=within)
        assert found[0] == pytest.approx(math.exp(-1 / temperature), rel=1e-12)
        assert found[row.index(max(row, key=abs))] == 1.0


def test_a_normaliser_that_is_not_the_largest_makes_large_weights_certain() -> None:
    """Percentiles and deviations tame outliers; ineligible weights have no say in either."""
    row = [0.0, 1.0, -2.0, 3.0, 100.0]
    inheritance = an_inheritance([row], [[True, True, True, True, False]])

    [percentile] = odds(Synaptic(normaliser="percentile", percentile=67.0), inheritance)
    [deviation] = odds(Synaptic(normaliser="deviation", deviations=1.0), inheritance)

    hand = [math.exp(-1), math.exp(-0.5), 1, 1, 0]
    assert percentile == pytest.approx(hand, rel=1e-4, abs=0)
    z = math.sqrt((0 + 1 + 4 + 9) / 4)
    hand = [math.exp(-1), math.exp(1 / z - 1), 1, 1, 0]
    assert deviation == pytest.approx(hand, rel=1e-4, abs=0)


class Gradients:
    """Evidence that needs no network."""

    def __init__(self, inheritance) -> None:
        self.inheritance = inheritance

    def mean_squared_gradient(self, *, batches):
        return {name: (w - 0.1).square() for name, w in self.inheritance.strengths.items()}


ENCODINGS = [
    Synaptic(),
    Synaptic(temperature=0.01, normaliser="percentile", percentile=50.0),
    Synaptic(temperature=100.0, normaliser="deviation"),
    Uniform(),
    Magnitude(),
    Magnitude(scope="layer"),
    Sensitivity(batches=1),
    Sensitivity(batches=1, scope="layer"),
]
ENVIRONMENTS = [
    Retention(mode=mode, scope=scope)
    for mode in ("multiplicative", "calibrated", "hard-cap")
    for scope in ("network", "layer")
]


@st.composite
def inheritances(draw) -> Inheritance:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    eligible, strengths = {}, {}
    for layer in range(draw(st.integers(1, 3))):
        shape = draw(st.sampled_from([(1, 1), (4, 5), (6, 2, 3, 3)]))
        share = draw(st.sampled_from([0.0, 0.2, 1.0]))
        scale = draw(st.sampled_from([0.0, 1e-42, 0.1, 1e30]))
        eligible[f"{layer}"] = torch.rand(shape, generator=generator) < share
        strengths[f"{layer}"] = scale * torch.randn(shape, generator=generator)
    return Inheritance(eligible, strengths, strengths)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
@given(inheritances(), st.sampled_from(ENVIRONMENTS), st.floats(0, 1), st.booleans())
def test_every_pair_of_encoding_and_environment_gives_probabilities(
    encoding, inheritance, environment, share, clustered
) -> None:
    """In [0, 1], finite, and zero for what heredity did not offer, whatever meets whatever."""
    dna = encoding.encode(inheritance, Gradients(inheritance), None)
    assert list(dna.synapses) == list(inheritance.eligible)
    if clustered:
        genes = Genes(
            torch.tensor([0, 40_000], dtype=torch.int32), ranked() / 1e6, torch.ones(2) > 0
        )
        members = {n: torch.zeros([1] * m.ndim).long() for n, m in inheritance.eligible.items()}
        dna = attrs.evolve(dna, clusters=Clusters(genes, members))

    pressed = attrs.evolve(environment, retention=share).press(
        Noise(strength=0.3).mutate(dna, inheritance, keyed(Key(1))), inheritance, None
    )

    for name, eligible in inheritance.eligible.items():
        found = pressed.probabilities(name)
        assert found.shape == eligible.shape
        assert bool(((found >= 0) & (found <= 1)).all())
        assert not bool(found[~eligible].any())
        assert bool((pressed.synapses[name].log_survival <= 0).all())


def test_regrowth_offers_candidates_the_standing_that_is_asked_for() -> None:
    """A newcomer has no strength of its own: it enters at a quantile of its layer."""
    levels = torch.arange(100, dtype=torch.int32)
    eligible = levels < 50
    dna = DNA({"w": Genes(levels, ranked(100), eligible)})

    grown = [
        Regrowth(rate=1.0, standing=at).mutate(dna, None, keyed(Key(0))) for at in (0.0, 0.5, 1.0)
    ]

    for one, standing in zip(grown, (0, 24, 49), strict=True):
        assert bool(one.synapses["w"].eligible.all())
        assert one.synapses["w"].levels[50:].unique().tolist() == [standing]
        assert torch.equal(one.synapses["w"].levels[:50], levels[:50])
