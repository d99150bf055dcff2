"""A budget that is said once, as what the run ends with."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

import evoframe
from evoframe.config.aim import aimed
from evoframe.errors import ConfigError
from evoframe.testing import Specimen

TABLES = {"environment": [{"use": "budget", "cost": "until", "share": "until", "floor": 0.2}]}


@given(factor=st.floats(1.1, 500), generations=st.integers(1, 12))
def test_all_generations_together_go_as_far_as_the_run(factor: float, generations: int) -> None:
    (table,) = aimed(TABLES, ("bytes", factor), generations)["environment"]

    assert table["cost"] == "bytes"
    assert table["share"] ** max(1, generations - 1) == pytest.approx(1 / factor)
    assert table["floor"] == 0.2


def test_a_budget_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"to the target of run.until.*--until flops=4x"):
        aimed(TABLES, None, 3)


@pytest.mark.parametrize("generations", [2, 3])
def test_the_last_generation_and_no_earlier_one_is_there(generations: int, tmp_path) -> None:
    run = evoframe.evolve(
        Specimen("perceptron", 24), recipe="structured", until="flops=3x", generations=generations,
        options=["training.epochs=1", "ancestor.epochs=1"], out=tmp_path / "run",
    )  # fmt: skip
    flops = [one.fitness.costs["flops"] for one in run.individuals]

    assert len(flops) == generations
    assert flops[-1] <= flops[0] / 3 < flops[-2]
