"""Metrics of saliency: against another implementation, by hand, and at their edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from evoframe.strategies.task import saliency_metrics as metrics

BETA = math.sqrt(0.3)

MAP = [[1.0, 0.5], [0.25, 0.0]]
MASK = [[1, 0], [1, 0]]


def judged(maps, masks) -> dict[str, torch.Tensor]:
    return metrics.columns(torch.tensor(np.array(maps)), torch.tensor(np.array(masks)))


@st.composite
def judgements(draw, *, count: int | None = None, objects: bool = False):
    """Maps with many equal values, as networks make them, and masks."""
    shape = (
        count or draw(st.integers(1, 4)),
        *draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
    )
    values = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1, width=32))
    maps, masks = draw(arrays(np.float32, shape, elements=values)), draw(arrays(bool, shape))
    if objects:
        masks[:, 0, 0] = True
    return maps.astype(np.float64), masks.astype(int)


@given(judgements(objects=True))
@settings(max_examples=40)
def test_the_curve_is_that_of_scikit_learn(given_maps) -> None:
    """Its curve has the values that occur as thresholds; ours all 256, the same in between."""
    precision_recall_curve = pytest.importorskip("sklearn.metrics").precision_recall_curve
    maps, masks = given_maps
    known = judged(maps, masks)
    for index, (one, mask) in enumerate(zip(maps, masks, strict=True)):
        values = np.rint(one * 255).astype(int)

        precision, recall, thresholds = precision_recall_curve(mask.ravel(), values.ravel())

        for value in range(256):
            at = np.searchsorted(thresholds, value)
            reached = at < len(thresholds)
            expected = (precision[at], recall[at]) if reached else (0.0, 0.0)
            found = (known["precision"][index, value], known["recall"][index, value])
            assert [float(x) for x in found] == pytest.approx(expected)


@given(judgements())
@settings(max_examples=40)
def test_measures_of_each_image_are_those_of_scikit_learn(given_maps) -> None:
    """Empty and full masks included: what has nothing to divide by is 0 in both."""
    sklearn = pytest.importorskip("sklearn.metrics")
    maps, masks = given_maps
    known = judged(maps, masks)
    each = metrics.of_each(known | {"loss": known["mae"]})

    for index, (one, mask) in enumerate(zip(maps, masks, strict=True)):

        def f(found, *, truth=mask):
            pair = truth.ravel(), found.ravel()
            return sklearn.fbeta_score(*pair, beta=BETA, zero_division=0)

        values = np.rint(one * 255)
        curve = [f(values >= value) for value in {*values.ravel().tolist(), 0, 255}]
        adaptive = f(one >= min(1, 2 * one.mean()))
        error = sklearn.mean_absolute_error(mask.ravel(), one.ravel())
        found = {name: float(column[index]) for name, column in each.items()}
        assert found["f-max"] == found["f-max-per-image"] == pytest.approx(max(curve))
        assert found["f-adaptive"] == found["f-adaptive-per-image"] == pytest.approx(adaptive)
        assert found["mae"] == pytest.approx(error)


def test_numbers_worked_out_by_hand() -> None:
    """In 8 bits the map is 255, 128, 64, 0; above 128 one pixel of two objects is found."""
    known = judged([MAP], [MASK])

    each = metrics.of_each(known | {"loss": known["mae"]})

    steps = [known["precision"][0, t].item() for t in (0, 1, 64, 65, 128, 129, 255)]
    assert steps == pytest.approx([1 / 2, 2 / 3, 2 / 3, 1 / 2, 1 / 2, 1, 1])
    steps = [known["recall"][0, t].item() for t in (0, 1, 64, 65, 128, 129, 255)]
    assert steps == pytest.approx([1, 1, 1, 1 / 2, 1 / 2, 1 / 2, 1 / 2])
    assert each["f-max"].item() == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))
    assert each["f-adaptive"].item() == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))  # at 2 * 0.4375
    assert each["mae"].item() == pytest.approx((0 + 0.5 + 0.75 + 0) / 4)


def test_precision_and_recall_are_averaged_before_f_is_computed() -> None:
    """One map finds all and too much, the other half and nothing wrong: the customs differ."""
    maps, masks = [[[1.0, 1.0]], [[1.0, 0.0]]], [[[1, 0]], [[1, 1]]]
    known = judged(maps, masks)

    together = metrics.of_all(known | {"loss": known["mae"]})

    def f(p, r):
        return 1.3 * p * r / (0.3 * p + r)

    assert together["f-max"].value == pytest.approx(f(0.75, 1))  # where everything is found
    assert together["f-max-per-image"].value == pytest.approx((f(0.5, 1) + f(1, 1)) / 2)
    assert together["f-adaptive"].value == pytest.approx(f(0.75, 0.75))
    assert together["mae"].value == pytest.approx(0.5)


EMPTY, FULL = np.zeros((1, 3, 3), int), np.ones((1, 3, 3), int)


@pytest.mark.parametrize(
    ("value", "mask", "expected"),
    [
        (0.0, EMPTY, {"f-max": 0, "f-adaptive": 0, "mae": 0}),
        (1.0, EMPTY, {"f-max": 0, "f-adaptive": 0, "mae": 1}),
        (1.0, FULL, {"f-max": 1, "f-adaptive": 1, "mae": 0}),
        (0.0, FULL, {"f-max": 1, "f-adaptive": 1, "mae": 1}),  # everything reaches 0
        (0.6, FULL, {"f-max": 1, "f-adaptive": 0, "mae": 0.4}),  # nothing reaches 2 * 0.6
    ],
)
def test_edges_have_numbers_too(value: float, mask, expected: dict[str, float]) -> None:
    """Masks without an object, or without a background, and maps that say the same everywhere."""
    known = judged(np.full((1, 3, 3), value), mask)

    each = metrics.of_each(known | {"loss": known["mae"]})

    assert {name: each[name].item() for name in expected} == pytest.approx(expected)


def test_a_map_that_is_no_number_has_no_measure() -> None:
    """A network that broke down must not be taken for one that finds nothing."""
    maps = np.full((2, 2, 2), 0.5)
    maps[1, 0, 0] = math.nan
    known = judged(maps, np.ones((2, 2, 2), int))

    together = metrics.of_all(known | {"loss": known["mae"]})

    assert all(math.isnan(one.value) for one in together.values())
    assert metrics.of_each(known | {"loss": known["mae"]})["f-max"][0] == 1


@given(judgements(count=5))
@settings(max_examples=20)
def test_errors_are_those_of_leaving_out_each_image(given_maps) -> None:
    """For a mean it is the usual standard error; for F the same idea, done the long way."""
    maps, masks = given_maps
    known = judged(maps, masks)
    known = known | {"loss": known["mae"]}

    together = metrics.of_all(known)

    usual = float(known["mae"].std()) / math.sqrt(5)
    assert together["mae"].error == pytest.approx(usual, abs=1e-12)
    for name, measured in together.items():
        without = []
        for left in range(5):
            others = [index for index in range(5) if index != left]
            fewer = judged(maps[others], masks[others])
            without.append(metrics.of_all(fewer | {"loss": fewer["mae"]})[name].value)
        spread = sum((one - np.mean(without)) ** 2 for one in without)
        assert measured.error == pytest.approx(math.sqrt(spread * 4 / 5), abs=1e-9)


def test_one_image_has_no_error() -> None:
    """There is nothing to compare it with, and a zero would be a lie."""
    known = judged([MAP], [MASK])

    together = metrics.of_all(known | {"loss": known["mae"]})

    assert {one.error for one in together.values()} == {None}
