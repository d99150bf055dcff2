"""The page of a comparison: arms at equal sizes, their spread, cost, and what may be chance."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, strategies as st

from evoframe.kernel.individual import Metric
from evoframe.report.comparison import Curves
from evoframe.report.page import data, render
from evoframe.report.page.chance import corrected, fewest, p_value, verdict
from evoframe.report.page.compared import compared
from support.arms import two_arms
from support.pages import NASTY, Elements


def page(given: Curves, targets=(4.0,), command: str = "evoframe compare mine") -> str:
    from pathlib import Path

    return render.of_comparison(given, targets, Path("cmp"), command)


def test_arms_are_told_at_equal_sizes_with_their_spread() -> None:
    """Mean and standard deviation over seeds, of synapses, parameters and FLOPs."""
    given, text = two_arms(3), Elements(page(two_arms(3))).text

    for size in ("synapses", "parameters", "flops"):
        values = given.at("mine", 4.0, size)
        assert len(values) == 3
        words = f"{100 * statistics.fmean(values):.2f} ± {100 * statistics.stdev(values):.2f} %"
        assert words in text
    assert "accuracy on test at equal parameters" in text
    assert "a" * 32 in text
    assert "evoframe compare mine" in text


def test_sizes_that_an_arm_does_not_reach_have_a_dash() -> None:
    """Nothing is read off outside of what was measured."""
    given = two_arms(3)

    assert given.at("mine", 8.0, "parameters") == []
    (table,) = [one for one in compared(given, [8.0]).tables if "parameters" in one.caption]
    assert table.rows[0] == ("mine", "-")
    assert "FLOPs" not in {one.caption for one in compared(two_arms(2, flops=False), [4.0]).tables}


def test_three_seeds_show_nothing_and_twelve_do() -> None:
    """However large a difference is, few seeds cannot tell it from luck, and the page says so."""
    few, many = Elements(page(two_arms(3))).text, Elements(page(two_arms(12))).text

    assert "With 3 seeds no difference is significant" in few
    assert "cannot be told from chance: 6 seeds are needed at least" in few
    assert "beyond chance" in many
    assert "cannot be told" not in many
    assert "12 of 12" in many


def test_a_metric_of_which_less_is_better_has_its_sign_turned() -> None:
    given = two_arms(8)
    less = Curves(given.points, Metric("loss", maximise=False), "test", given.epochs,
                  given.ancestors)  # fmt: skip

    assert compared(given, [4.0]).chance.rows[0][2] == "8 of 8"
    assert compared(less, [4.0]).chance.rows[0][2] == "0 of 8"


def test_names_are_escaped_and_data_are_there() -> None:
    text = page(two_arms(3, metric=NASTY), command=f"evoframe compare '{NASTY}'")

    elements = Elements(text)
    assert [a.get("type") for tag, a in elements.found if tag == "script"] == ["application/json"]
    assert NASTY in elements.text
    assert len(data.read(text)["points"]["value"]) == 18


# --- chance -------------------------------------------------------------------------------------


def test_p_values_by_hand() -> None:
    """All of one sign: two ways of all; zero on average: every way."""
    assert p_value([0.1, 0.2, 0.3]) == pytest.approx(2 / 8)
    assert p_value([0.01] * 6) == pytest.approx(2 / 64)
    assert p_value([1.0, -1.0]) == 1.0
    assert p_value([3.0, 1.0, -1.0]) == pytest.approx(6 / 8)  # sums: 3, 5, 3 and 1, of either sign


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8))
def test_a_p_value_is_a_share_that_no_sign_and_no_unit_changes(differences) -> None:
    found = p_value(differences)

    assert 2 / 2 ** len(differences) <= found <= 1 or math.isclose(found, 1)
    assert found == p_value([-one for one in differences])


def test_luck_is_called_luck() -> None:
    """Of many comparisons of nothing with nothing, few are said to differ, and the share holds."""
    import random

    chance = random.Random(5)
    found = [p_value([chance.gauss(0, 1) for _ in range(7)]) for _ in range(400)]

    assert sum(p < 0.05 for p in found) / 400 < 0.08


def test_holm_by_hand() -> None:
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert corrected([0.6, 0.7]) == [1.0, 1.0]
    assert corrected([]) == []


def test_fewest_seeds_are_fewest() -> None:
    for comparisons in (1, 3, 25):
        seeds = fewest(comparisons)
        least = 2 / 2**seeds
        assert least * comparisons < 0.05 <= 2 * least * comparisons
    assert verdict(0.03, 0.3, 6) == "beyond chance by itself, not among all comparisons"
    assert verdict(0.3, 0.9, 9) == "not beyond chance"
