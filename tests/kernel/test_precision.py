"""Precision: grids of few bits on which every weight is exact."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel import precision
from evoframe.kernel.notes import Notes

SHAPES = [(1,), (7,), (3, 5), (4, 1), (2, 3, 4), (3, 2, 3, 3)]


@st.composite
def weights(draw) -> torch.Tensor:
    """Return weights of many sizes, from those that hardly can be told from zero to large ones."""
    shape = draw(st.sampled_from(SHAPES))
    seed, size = draw(st.integers(0, 10**6)), draw(st.integers(-130, 100))
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator) * 2.0**size
    absent = torch.rand(shape, generator=generator) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    return torch.where(absent, 0.0, values)


BITS = st.sampled_from(precision.BITS)


@given(weights(), BITS)
def test_rounded_weights_are_codes_times_steps_exactly(values: torch.Tensor, bits: int) -> None:
    """Whoever multiplies codes by steps has the weights bit for bit, in any precision above."""
    found = precision.rounded(values, bits)
    codes, steps = precision.coded(values, bits)

    assert int(codes.abs().max()) <= 2 ** (bits - 1) - 1
    assert torch.equal(codes, codes.round())
    assert torch.equal(found.double(), codes.double() * steps.double())


@given(weights(), BITS)
def test_rounding_twice_is_rounding_once(values: torch.Tensor, bits: int) -> None:
    """Steps are found again in what was rounded, so weights prove what they were rounded to."""
    found = precision.rounded(values, bits)
    _, steps = precision.coded(values, bits)
    codes, again = precision.coded(found, bits)

    assert torch.equal(codes * again, found)
    assert torch.equal(precision.rounded(found, bits).view(torch.int32), found.view(torch.int32))
    alive = found.flatten(1).any(1) if found.ndim > 1 else found.any()
    assert torch.equal(again[alive], steps[alive])
    assert precision.is_rounded(found, bits)


@given(weights(), BITS)
def test_the_error_is_half_a_step_at_most(values: torch.Tensor, bits: int) -> None:
    """And the step is that of a grid that reaches the row's largest weight, hardly a wider one."""
    found = precision.rounded(values, bits).double()
    steps = precision.coded(values, bits)[1].double()

    # A quotient is rounded to float32 before it is rounded to a code.
    assert bool(((found - values).abs() <= steps * (0.5 + 2.0**-17)).all())
    largest = values.abs().flatten(1).amax(1) if values.ndim > 1 else values.abs().amax()
    widest = {8: 1 + 2.0**-16, 16: 2.0}[bits]
    bound = (largest.double() / (2 ** (bits - 1) - 1) * widest).clamp(min=2.0**-126)
    assert bool((steps.flatten() <= bound).all())


@given(weights(), BITS)
def test_zero_stays_zero_and_signs_stay(values: torch.Tensor, bits: int) -> None:
    """What is absent stays absent, as the zero that has no sign."""
    found = precision.rounded(values, bits)

    assert not bool(found[values == 0].any())
    assert not bool(((found == 0) & torch.signbit(found)).any())
    assert bool((found * values >= 0).all())


@given(weights(), BITS, st.integers(0, 3))
def test_a_row_is_rounded_by_itself(values: torch.Tensor, bits: int, row: int) -> None:
    """Rows that leave a network change nothing for those that stay."""
    row %= len(values)
    if values.ndim > 1:
        alone = precision.rounded(values[row : row + 1], bits)
        assert torch.equal(alone, precision.rounded(values, bits)[row : row + 1])


def test_weights_of_more_bits_are_told_from_those_of_fewer() -> None:
    """A note of 8 bits is believed only where weights are on that grid."""
    values = torch.randn(5, 40, generator=torch.Generator().manual_seed(0))
    wide = precision.rounded(values, 16)

    assert not precision.is_rounded(values, 16)
    assert not precision.is_rounded(wide, 8)
    assert not precision.is_rounded(torch.zeros(2, 2).half(), 8)
    assert precision.is_rounded(wide.double(), 16)


def test_numbers_that_are_not_finite_stay_so() -> None:
    """A life that has diverged must not look sound."""
    for bad in (float("nan"), float("inf")):
        assert not bool(precision.rounded(torch.tensor([[1.0, bad]]), 8).isfinite().all())


@given(st.dictionaries(st.text(max_size=9), BITS))
def test_a_note_is_read_as_it_was_written(bits: dict[str, int]) -> None:
    """Whatever layers are called."""
    assert precision.bits_of(precision.noted(Notes(), bits)) == bits


@pytest.mark.parametrize("said", [3, "no", "[8]", '{"a": 7}', '{"a": "8"}', '{"a": true}', "{" * 9])
def test_what_is_no_such_note_says_nothing(said: object) -> None:
    """Somebody else's note of this name is no reason to fail."""
    assert precision.bits_of(Notes({precision.NOTE: said})) == {}
