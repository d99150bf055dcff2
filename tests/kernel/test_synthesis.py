"""Synthesis: the draw of an offspring, and what environments promise of it."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.drawing.synthesis import bernoulli, draw, thresholds
from evoframe.kernel.genotype import count
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.levels import even_levels, even_scores
from evoframe.kernel.limits import Cap
from evoframe.strategies.encoding import Synaptic
from evoframe.strategies.environment import Retention
from evoframe.strategies.mutation import Noise, Regrowth
from support.contexts import keyed

SHAPES = {"conv": (6, 4, 3, 3), "fc": (9, 12), "head": (5, 9)}
keys = st.builds(Key, st.integers(0, 2**64))
shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.01, 0.99))


def rows_of(eligible) -> dict[str, torch.Tensor]:
    """Return a clustering in which every output neuron of every layer is a cluster."""
    members, start = {}, 0
    for name, mask in eligible.items():
        rows = torch.arange(start, start + len(mask))
        members[name], start = rows.reshape(-1, *[1] * (mask.ndim - 1)), start + len(mask)
    return members


@attrs.frozen(eq=False)
class Case:
    """A parent's inheritance and its DNA, unpressed."""

    inheritance: Inheritance
    dna: DNA

    @property
    def offered(self) -> int:
        return count(self.inheritance.eligible)


def a_case(seed: int = 0, share: float = 0.7, *, clustered: bool = True) -> Case:
    generator = torch.Generator().manual_seed(seed)
    strengths = {n: torch.randn(shape, generator=generator) for n, shape in SHAPES.items()}
    eligible = {n: torch.rand(w.shape, generator=generator) < share for n, w in strengths.items()}
    inheritance = Inheritance(eligible, strengths, strengths)
    dna = Synaptic(temperature=0.3).encode(inheritance, None, None)
    if clustered:
        members = rows_of(eligible)
        sums = torch.cat([w.abs().flatten(1).mean(1) for w in strengths.values()])
        genes = Genes(
            even_levels(sums, float(sums.max())),
            (even_scores() - 1) / 0.5,
            torch.ones_like(sums) > 0,
        )
        dna = attrs.evolve(dna, clusters=Clusters(genes, members))
    return Case(inheritance, dna)


cases = st.builds(
    a_case, st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.7, 1.0]), clustered=st.booleans()
)
environments = st.builds(
    Retention,
    retention=shares,
    mode=st.sampled_from(["multiplicative", "calibrated", "hard-cap"]),
    scope=st.sampled_from(["network", "layer"]),
)


# --- whose draw it is ---------------------------------------------------------------------------


@given(cases, keys, st.permutations(list(SHAPES)))
def test_a_draw_belongs_to_its_key_and_its_name(case, key, order) -> None:
    """A layer that is added, removed or visited earlier must not change who lives elsewhere."""
    whole = draw(case.dna, key)

    shuffled = attrs.evolve(case.dna, synapses={name: case.dna.synapses[name] for name in order})
    torch.rand(5)
    again = draw(shuffled, key)

    for name, genes in case.dna.synapses.items():
        alone = draw(attrs.evolve(case.dna, synapses={name: genes}), key)
        assert torch.equal(whole[name], again[name])
        assert torch.equal(whole[name], alone[name])


def test_other_keys_draw_others_and_layers_do_not_copy_each_other() -> None:
    """Siblings differ, and equal layers are drawn independently."""
    genes = Genes(torch.zeros(64, 64).int(), np.log([0.5]), torch.ones(64, 64) > 0)
    dna = DNA({"a": genes, "b": genes})

    one, other = draw(dna, Key(1)), draw(dna, Key(2))

    pairs = [(one["a"], other["a"]), (one["a"], one["b"]), (other["a"], other["b"])]
    for left, right in pairs:
        assert float((left == right).double().mean()) == pytest.approx(0.5, abs=5 * 0.5 / 64)


# --- who can come to be -------------------------------------------------------------------------


@given(cases, environments, keys)
def test_nobody_is_born_whom_the_parents_did_not_offer(case, environment, key) -> None:
    """Nothing grows back by itself, under any pressure and however strong the noise."""
    dna = Noise(strength=0.5).mutate(case.dna, case.inheritance, keyed(key))

    masks = draw(environment.press(dna, case.inheritance, None), key)

    for name, eligible in case.inheritance.eligible.items():
        assert masks[name].dtype == torch.bool
        assert masks[name].shape == eligible.shape
        assert not bool((masks[name] & ~eligible).any())


@given(st.integers(0, 1000), environments, keys)
def test_the_absent_return_through_regrowth_alone(seed, environment, key) -> None:
    """And only those that were offered, so a rate is a rate."""
    case = a_case(seed, clustered=False)
    some = Regrowth(rate=0.5).mutate(case.dna, case.inheritance, keyed(key))
    everybody = Regrowth(rate=1.0, standing=1.0).mutate(case.dna, case.inheritance, keyed(key))

    masks = draw(environment.press(some, case.inheritance, None), key)
    certain = draw(everybody, key)

    for name, eligible in case.inheritance.eligible.items():
        assert not bool((masks[name] & ~some.synapses[name].eligible).any())
        assert bool(certain[name][~eligible].all())  # the standing of the strongest: P = 1 of z
        offered = some.synapses[name].eligible[~eligible].double()
        assert abs(float(offered.mean()) - 0.5) <= 5 * 0.5 / math.sqrt(len(offered))


@given(cases, keys)
def test_a_synapse_lives_only_if_its_cluster_and_its_own_draw_say_so(case, key) -> None:
    """Equation 2 of 1609.01360: both factors are drawn, once each, and multiplied."""
    masks = draw(case.dna, key)
    alone = draw(attrs.evolve(case.dna, clusters=None), key)

    clusters = case.dna.clusters
    born = None if clusters is None else bernoulli(clusters.genes, key.at("clusters"))
    for name, mask in masks.items():
        lives = True if born is None else born[clusters.members[name]]
        assert torch.equal(mask, alone[name] & lives)


def test_certain_synapses_always_live_and_impossible_ones_never() -> None:
    """P = 1 and P = 0 are exact: no word of 2**32 may say otherwise."""
    table = np.array([-np.inf, -1e300, math.log(2.0**-33), 0.0])

    assert thresholds(table).tolist() == [0, 0, 0, WORD_VALUES]
    genes = Genes(torch.tensor([0, 3]).repeat(50_000).int(), table, torch.ones(100_000) > 0)
    assert torch.equal(
        draw(DNA({"w": genes}), Key(0))["w"], torch.tensor([False, True]).repeat(50_000)
    )


# --- caps ---------------------------------------------------------------------------------------


@given(cases, keys, st.integers(0, 300), st.integers(0, 60))
def test_caps_hold_and_drop_the_least_probable(case, key, limit, layer_limit) -> None:
    """Of what was drawn the likeliest stay, and of equals those with the luckier draw."""
    caps = (Cap(("fc",), layer_limit), Cap(tuple(SHAPES), limit))
    coarse = {n: attrs.evolve(g, levels=g.levels >> 14 << 14) for n, g in case.dna.synapses.items()}
    dna = attrs.evolve(case.dna, synapses=coarse)
    drawn = draw(dna, key)

    first = draw(attrs.evolve(dna, caps=caps[:1]), key)
    capped = draw(attrs.evolve(dna, caps=caps), key)

    assert int(first["fc"].sum()) == min(layer_limit, int(drawn["fc"].sum()))
    assert torch.equal(first["conv"], drawn["conv"])
    assert count(capped) == min(limit, count(first))
    for before, after, names in ((drawn, first, ["fc"]), (first, capped, list(SHAPES))):
        assert not any(bool((after[name] & ~before[name]).any()) for name in names)
        stayed, gone = [], []
        for name in names:
            luck = -torch.from_numpy(
                key.at("synapses", name).words(after[name].numel()).astype(float)
            )
            rank = torch.stack((dna.probabilities(name).reshape(-1), luck), 1)
            stayed += rank[after[name].reshape(-1)].tolist()
            gone += rank[(before[name] & ~after[name]).reshape(-1)].tolist()
        assert not gone or not stayed or max(gone) <= min(stayed)


@given(cases, keys, shares, st.sampled_from(["network", "layer"]))
def test_a_hard_cap_is_never_exceeded_and_leaves_probabilities_alone(
    case, key, share, scope
) -> None:
    """Hard means in every draw, not on average; caps of several environments all hold."""
    press = Retention(retention=share, mode="hard-cap", scope=scope).press
    pressed = press(case.dna, case.inheritance, None)

    masks = draw(press(pressed, case.inheritance, None), key)

    groups = [[name] for name in SHAPES] if scope == "layer" else [list(SHAPES)]
    for names in groups:
        offered = count({name: case.inheritance.eligible[name] for name in names})
        assert count({name: masks[name] for name in names}) <= share * offered
    for name in SHAPES:
        assert torch.equal(pressed.probabilities(name), case.dna.probabilities(name))


# --- pressure -----------------------------------------------------------------------------------


@given(cases, shares, st.sampled_from(["network", "layer"]))
def test_a_calibrated_budget_is_met_jointly_by_clusters_and_synapses(case, share, scope) -> None:
    """C = C_c * C_s: whichever level presses first, the network (or layer) keeps its share."""
    pressed = Retention(retention=share, scope=scope).press(case.dna, case.inheritance, None)

    groups = [[name] for name in SHAPES] if scope == "layer" else [list(SHAPES)]
    for names in groups:
        budget = share * count({name: case.inheritance.eligible[name] for name in names})
        expected = sum(float(pressed.probabilities(name).sum()) for name in names)
        assert expected <= budget * (1 + 1e-6) + 1e-9
        reachable = scope == "network" or pressed.clusters is None
        if reachable:
            assert expected == pytest.approx(budget, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("part", [None, 0.6, 0.9])
def test_the_clusters_part_of_a_budget_can_be_named(part) -> None:
    """By default both levels share alike; clusters are weighed by the synapses they hold."""
    case = a_case()

    pressed = Retention(retention=0.36, clusters=part).press(case.dna, case.inheritance, None)

    sizes = torch.cat([mask.flatten(1).sum(1) for mask in case.inheritance.eligible.values()])
    expected = float((pressed.clusters.genes.probabilities() * sizes).sum())
    assert expected == pytest.approx((part or 0.6) * case.offered, rel=1e-6)
    assert pressed.expected_synapses() == pytest.approx(0.36 * case.offered, rel=1e-6)


@given(st.integers(0, 1000), st.sampled_from([0.3, 0.5, 0.7]))
def test_clusters_can_take_all_of_the_pressure(seed, share) -> None:
    """Then the budget of the synapses is all of them, give or take a rounding: all must live."""
    case = a_case(seed)

    environment = Retention(retention=share, clusters=share)

    pressed = environment.press(case.dna, case.inheritance, None)
    assert pressed.expected_synapses() == pytest.approx(share * case.offered, rel=1e-6)


@given(cases, shares, st.sampled_from([None, 0.5, 1.0]))
def test_multiplicative_pressure_is_c_times_p(case, share, part) -> None:
    """1606.04393's q = C * P, with C split between the levels if there are two."""
    environment = Retention(retention=share, mode="multiplicative", clusters=part)
    pressed = environment.press(case.dna, case.inheritance, None)

    split = part if part is not None else math.sqrt(share)
    clusters = case.dna.clusters
    for name, genes in case.dna.synapses.items():
        if clusters is None or not split:
            hand = share * case.dna.probabilities(name)
        else:
            own = (genes.probabilities() * share / split).clamp(max=1)
            hand = own * split * clusters.genes.probabilities()[clusters.members[name]]
        assert torch.allclose(pressed.probabilities(name), hand, rtol=1e-12, atol=0)


@given(st.integers(0, 1000), shares)
def test_a_budget_of_each_layer_is_a_share_of_its_own_synapses(seed, share) -> None:
    """No layer pays for another."""
    case = a_case(seed, clustered=False)

    pressed = Retention(retention=share, scope="layer").press(case.dna, case.inheritance, None)

    for name, eligible in case.inheritance.eligible.items():
        expected = float(pressed.probabilities(name).sum())
        assert expected == pytest.approx(share * int(eligible.sum()), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("mode", ["calibrated", "multiplicative"])
def test_frequencies_are_the_probabilities(mode) -> None:
    """Over many offspring each synapse, each cluster and the total come out as promised."""
    case = a_case(3)
    pressed = Retention(retention=0.4, mode=mode).press(case.dna, case.inheritance, None)
    lives = 2_000

    seen = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in SHAPES.items()}
    for place in range(lives):
        for name, mask in draw(pressed, Key(11).at("slot", place)).items():
            seen[name] += mask

    for name, times in seen.items():
        odds = pressed.probabilities(name)
        error = (odds * (1 - odds) / lives).sqrt()
        assert bool(((times / lives - odds).abs() <= 5 * error + 1e-9).all())
    mean = sum(float(times.sum()) for times in seen.values()) / lives
    assert mean == pytest.approx(pressed.expected_synapses(), rel=0.02)


@pytest.mark.gpu
@given(cases, environments, keys)
def test_cuda_computes_the_numbers_of_the_cpu(case, environment, key) -> None:
    """Which device a run is on must not decide who lives."""

    def everything(device: str):
        moved = Inheritance(
            *(
                {n: t.to(device) for n, t in part.items()}
                for part in attrs.astuple(case.inheritance, recurse=False)
            )
        )
        dna = Synaptic(temperature=0.3).encode(moved, None, None)
        if (clusters := case.dna.clusters) is not None:
            genes = clusters.genes
            there = Genes(genes.levels.to(device), genes.log_survival, genes.eligible.to(device))
            members = {n: t.to(device) for n, t in clusters.members.items()}
            dna = attrs.evolve(dna, clusters=Clusters(there, members))
        dna = Noise(strength=0.1).mutate(dna, moved, keyed(key))
        dna = Regrowth(rate=0.2).mutate(dna, moved, keyed(key))
        pressed = environment.press(dna, moved, None)
        odds = {name: pressed.probabilities(name).cpu() for name in pressed.synapses}
        return odds, {name: mask.cpu() for name, mask in draw(pressed, key).items()}

    (odds, masks), (odds_there, masks_there) = everything("cpu"), everything("cuda")
    for name in SHAPES:
        assert torch.equal(odds[name], odds_there[name])
        assert torch.equal(masks[name], masks_there[name])
