"""Sums over clusters, of whole rows and columns or not, are those of one synapse after another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from evoframe.kernel.tensors import passes
from evoframe.kernel.tensors.tallies import tallied

SHAPES = [
    (1,),
    (7,),
    (0, 3),
    (5, 0),
    (1, 90),
    (90, 1),
    (9, 13),
    (6, 4, 3, 3),
    (1, 5, 2, 2),
    (40, 1, 3),
]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    """Parts of 64 entries, so that few entries have many borders."""
    monkeypatch.setattr(passes, "PART", 64)


@st.composite
def parameters(draw):
    """Clusters that are the same along any of the axes, some of nobody's, some of them empty."""
    shape, rng = draw(st.sampled_from(SHAPES)), np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = [1 if size and draw(st.booleans()) else size for size in shape]
    while draw(st.booleans()) and labels and labels[0] == 1:
        labels = labels[1:]
    count, share = draw(st.integers(1, 12)), draw(st.sampled_from([0.0, 0.4, 1.0]))
    clusters = torch.from_numpy(rng.integers(draw(st.sampled_from([-1, 0])), count, labels))
    eligible = torch.from_numpy(rng.random(shape) < share)
    levels = torch.from_numpy(rng.integers(0, 65_536, shape).astype(np.int32))
    return clusters, count, eligible, levels


@settings(deadline=None, max_examples=300)
@given(parameters())
def test_sums_are_those_of_one_synapse_after_another(one) -> None:
    """In integers, of counts and of numbers."""
    clusters, count, eligible, levels = one
    counts, sums = [0] * count, [0] * count
    for at, own in enumerate(clusters.expand(eligible.shape).reshape(-1).tolist()):
        if own >= 0 and eligible.reshape(-1)[at]:
            counts[own] += 1
            sums[own] += int(levels.reshape(-1)[at])

    assert tallied(clusters, count, eligible).tolist() == counts
    found = tallied(clusters, count, eligible, lambda some: levels[some] * eligible[some])
    assert found.tolist() == sums
