"""Sizes for people: the smallest factor first, and no figure wider than it may be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from evoframe.kernel.sizes import did_shrink, factors, fewer_in_words, short, sizes_in_words

WHOLE = {"parameters": 143_978.0, "flops": 21.4e6, "synapses": 143_136.0, "bytes": 6e5}


def test_the_smallest_factor_comes_first() -> None:
    """Fifty times fewer synapses in tensors that are nearly as large are told last."""
    left = {"parameters": 130_000.0, "flops": 10.7e6, "synapses": 3_000.0}

    assert list(factors(left, WHOLE)) == ["parameters", "flops", "synapses"]
    assert fewer_in_words(left, WHOLE) == "1.1x fewer parameters, 2.0x FLOPs, 47.7x synapses"
    assert not did_shrink({"parameters": 140_000.0}, WHOLE)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({"parameters": 71_989.0, "synapses": 71_568.0}, "2.0x fewer parameters, 2.0x synapses"),
        ({"flops": 2.14e6, "synapses": 71_568.0}, "2.0x fewer synapses, 10.0x FLOPs"),
        ({"synapses": 0.0, "parameters": 143_978.0}, "1.0x fewer parameters, infx synapses"),
    ],
)
def test_what_is_not_known_is_not_told(left, words) -> None:
    """A network that does not run on the meta device has no FLOPs."""
    assert fewer_in_words(left, WHOLE) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (7, "7"), (999, "999"), (999.6, "1.00k"), (8_407, "8.41k"), (99_960, "100k"),
     (143_978, "144k"), (21.4e6, "21.4M"), (999_499, "999k"), (999_600, "1.00M"), (4.1e9, "4.10G")],
)  # fmt: skip
def test_counts_have_three_figures(value: float, words: str) -> None:
    """Enough for a table; exact counts stand in JSON."""
    assert short(value) == words


@given(st.integers(0, 10**15 - 10**12))
def test_a_short_count_is_near_the_count_and_five_wide(value: int) -> None:
    """Read back, it is within half of its last figure."""
    words = short(value)

    assert len(words) <= 5
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(words[-1], 1)
    assert math.isclose(float(words.rstrip("kMGT")) * scale, value, rel_tol=0.0051)


def test_sizes_are_told_in_words() -> None:
    """As the console tells of an ancestor."""
    assert sizes_in_words(WHOLE) == "144k parameters, 21.4M FLOPs, 143k synapses"
