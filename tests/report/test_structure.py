"""Cluster efficiency and architectural similarity, by hand and on a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, strategies as st

import evoframe
from evoframe.cli import main
from evoframe.report.structure import held, similarity

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


def test_a_cluster_is_held_while_any_of_its_synapses_is() -> None:
    """Two layers, three clusters each, by hand."""
    masks = {
        "one": torch.tensor([[True, False], [False, False], [False, True]]),
        "two": torch.tensor([[False, False, True]]),
    }
    members = {"one": torch.tensor([[0], [1], [2]]), "two": torch.tensor([[3, 4, 5]])}

    assert held(masks, members).tolist() == [True, False, True, False, False, True]


def test_similarity_is_the_mean_overlap_of_pairs() -> None:
    """1/3, 1/2 and 2/3 by hand; alone nobody is like anybody."""
    rows = [[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0]]
    clusters = [torch.tensor(row, dtype=torch.bool) for row in rows]

    assert similarity(clusters) == pytest.approx((1 / 3 + 2 / 3 + 2 / 3) / 3)
    assert similarity(clusters[:1]) is None


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=5))
def test_similarity_is_one_only_for_equals(rows) -> None:
    """It lies in 0..1 and does not depend on the order."""
    clusters = [torch.tensor([*row, True]) for row in rows]

    found = similarity(clusters)

    assert 0 < found <= 1
    assert (found == 1) == all(row == rows[0] for row in rows)
    assert found == pytest.approx(similarity(clusters[::-1]))


def test_show_tells_of_clusters(tmp_path) -> None:
    """The ancestors hold every kernel, twins of a generation overlap in part."""
    run = evoframe.evolve(
        BLOBS,
        out=tmp_path / "run",
        generations=2,
        population=2,
        options=["training.epochs=1", "environment.retention=0.2"],
    )

    result = CliRunner().invoke(main, ["show", str(run.path), "--clusters", "kernel"])

    lines = [line.split() for line in result.output.splitlines()]
    assert ["1", "1", "320", "1.00x", "320", "-"] in lines
    (second,) = [line for line in lines if line[:2] == ["2", "2"]]
    kernels = [one.synapses for one in run.individuals[1:]]
    assert float(second[3].rstrip("x")) == pytest.approx(320 * 2 / sum(kernels), abs=0.01)
    assert 0 < float(second[5].rstrip("%")) < 60
