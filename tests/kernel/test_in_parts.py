"""Levels, histograms and draws a part at a time are those of one pass over the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from evoframe.kernel.dna import Genes
from evoframe.kernel.drawing.synthesis import bernoulli, thresholds
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.levels import LEVELS, even_levels, largest_magnitudes, relative_levels
from evoframe.kernel.tensors import passes
from evoframe.kernel.tensors.digests import COLUMNS, checksum

SIZES = [0, 1, 2, 63, 64, 65, 127, 128, 129, 193]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    """Parts of 64 entries, so that few entries have many borders."""
    monkeypatch.setattr(passes, "PART", 64)


@st.composite
def genes(draw) -> Genes:
    """Of a row or a matrix; some levels certain, some impossible."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size, count = draw(st.sampled_from(SIZES)), 50
    table = np.log(rng.random(count))
    table[rng.random(count) < 0.2], table[rng.random(count) < 0.2] = 0.0, -np.inf
    shape = (size // 3, 3) if size % 3 == 0 else (size, 1)
    levels = torch.from_numpy(rng.integers(0, count, shape).astype(np.int32))
    share = draw(st.sampled_from([0.0, 0.6, 1.0]))
    return Genes(levels, table, torch.from_numpy(rng.random(shape) < share))


@settings(deadline=None)
@given(genes(), st.integers(0, 9))
def test_a_draw_is_one_comparison_a_word(one, seed) -> None:
    """Every gene takes its word of the stream, eligible or not."""
    key = Key(seed)
    words = key.words(one.levels.numel()).astype(np.int64)
    due = words < thresholds(one.log_survival)[one.levels.numpy().reshape(-1)]

    found = bernoulli(one, key).numpy()

    assert np.array_equal(found, due.reshape(found.shape) & one.eligible.numpy())


@pytest.mark.parametrize("word", [0, WORD_VALUES - 1])
def test_the_ends_of_the_words(monkeypatch, word) -> None:
    """What is certain lives by the largest word too, and what is impossible by none."""
    monkeypatch.setattr(
        Key,
        "words_in_parts",
        lambda _, count: (
            (part, np.full(part.stop - part.start, word, np.uint32)) for part in passes.parts(count)
        ),
    )
    table = np.array([0.0, -np.inf, np.log(0.5), np.log(1 - 2**-33)])
    levels = torch.arange(200, dtype=torch.int32) % 4
    lives = bernoulli(Genes(levels, table, levels != 9), Key(0))

    due = word < thresholds(table)

    assert torch.equal(lives, torch.from_numpy(due)[levels.long()])


@settings(deadline=None)
@given(genes(), st.integers(0, 2**32))
def test_a_histogram_is_counted_and_added_in_one_order(one, seed) -> None:
    """To the last bit, as budgets hang on it: floats are added as in one pass."""
    rng = np.random.default_rng(seed)
    chosen = one.levels.numpy()[one.eligible.numpy()]
    for width in (1, one.levels.shape[1]):
        weights = torch.from_numpy(rng.random((len(one.levels), width)))
        added = weights.expand(one.levels.shape).numpy()[one.eligible.numpy()]
        due = np.bincount(chosen, added, minlength=len(one.log_survival))
        assert one.histogram(weights).tolist() == due.tolist()
    assert one.histogram().tolist() == np.bincount(chosen, minlength=50).tolist()
    other = one.under(one.log_survival - 1)
    assert other.histogram().tolist() == one.histogram().tolist()
    expected = float(one.probabilities().sum())
    assert one.expected() == pytest.approx(expected)


@settings(deadline=None)
@given(
    st.sampled_from(SIZES),
    st.integers(0, 2**32),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    st.sampled_from([0.0, 1e-42, 0.3, 2.0, float("inf")]),
)
def test_levels_are_those_of_the_whole(size, seed, kind, scale) -> None:
    """Both grids and the largest magnitude, for signs, both zeros, and infinity."""
    scores = torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(kind)
    if size > 2:
        scores[0], scores[1], scores[2] = -0.0, float("inf"), float("nan")
    eligible = scores.isfinite() & (scores > -1)
    share = torch.zeros(size)
    if scale > 0:
        share = (scores.float() / torch.tensor(scale)).clamp(0, 1).abs()
    magnitudes = share if scale == 0 else (scores.float().abs() / torch.tensor(scale)).clamp(0, 1)
    bits = (share.view(torch.int32) - ((127 - 16) << 23)) >> 11

    for found, due in (
        (even_levels(scores, scale), torch.round(share * (LEVELS - 1))),
        (even_levels(scores, scale, magnitudes=True), torch.round(magnitudes * (LEVELS - 1))),
        (relative_levels(scores, scale), bits.clamp(0, LEVELS - 1)),
    ):
        assert torch.equal(found, due.to(torch.int32))
    some = scores[eligible].abs()
    largest = largest_magnitudes({"w": scores}, {"w": eligible})["w"]
    assert largest == (float(some.max()) if len(some) else 1.0)


def test_a_checksum_shows_what_people_do_to_a_tensor_by_mistake() -> None:
    """One entry, a sign, a scale, an order: of rows and of entries, in small tensors and large."""
    for rows in (3, 40, 8 * COLUMNS):
        tensor = torch.randn(rows, 64, generator=torch.Generator().manual_seed(0))
        changes = [
            lambda t: t[1, 1].add_(1e-7),
            lambda t: t[-1, -1].neg_(),
            lambda t: t.neg_(),
            lambda t: t.mul_(2),
            lambda t: t.copy_(t.flip(0)),
            lambda t: t.copy_(t.flip(1)),
            lambda t: t.copy_(t.sort(0).values),
            lambda t: t[:2].copy_(t[:2].flip(0)),
            lambda t: t.zero_(),
        ]
        found = {of(tensor)}
        for change in changes:
            other = tensor.clone()
            change(other)
            found.add(of(other))
        assert len(found) == 1 + len(changes)


def of(tensor: torch.Tensor) -> int:
    return checksum(tensor.reshape(-1).view(torch.uint8).numpy())
