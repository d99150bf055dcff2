"""Passes a part at a time find what one pass over the whole does, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from evoframe.kernel.tensors import passes
from evoframe.kernel.tensors.passes import (
    cleared,
    filled,
    is_finite,
    is_masked,
    is_same,
    is_within,
    kept,
    largest,
    masked_copy,
    parts,
)

KINDS = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.complex128, torch.int8]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    """Parts of 64 entries, so that few entries have many borders."""
    monkeypatch.setattr(passes, "PART", 64)


@st.composite
def values_and_masks(draw):
    """Sizes around the borders of parts, none, one; both zeros, and what is no number."""
    size = draw(st.sampled_from([0, 1, 2, 63, 64, 65, 128, 129, 191, 192, 193]))
    kind = draw(st.sampled_from(KINDS))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    value = torch.randn(size, generator=generator)
    value[torch.rand(size, generator=generator) < 0.3] = -0.0
    value[torch.rand(size, generator=generator) < 0.1] = float("nan")
    value = (torch.nan_to_num(value) if kind == torch.int8 else value).to(kind)
    mask = torch.rand(size, generator=generator) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    columns = 1 if size % 3 else 3
    value, mask = value.reshape(-1, columns), mask.reshape(-1, columns)
    return (value.T, mask.T) if draw(st.booleans()) else (value, mask)


def bits(value: torch.Tensor) -> list[int]:
    return value.contiguous().reshape(-1).view(torch.uint8).tolist()


@settings(deadline=None)
@given(values_and_masks())
def test_what_is_absent_is_zero_and_the_rest_is_as_it_was(both) -> None:
    """Also -0.0 and NaN, which a product would leave; and what needs no copy gets none."""
    value, mask = both
    before = bits(value)
    due = torch.where(mask, value, torch.zeros((), dtype=value.dtype))

    found = masked_copy(value, mask)

    assert (bits(found), found.shape, found.dtype) == (bits(due), due.shape, due.dtype)
    assert bits(value) == before
    assert bits(cleared(value, mask)) == bits(due)
    assert (cleared(found, mask) is found) == (value.dtype != torch.complex128)
    assert not is_masked(value, mask) or bits(value) == bits(due)


@settings(deadline=None)
@given(values_and_masks())
def test_what_is_kept_in_a_row_comes_back_to_its_places(both) -> None:
    """The row is torch's own; a row of another length is refused."""
    value, mask = both

    row = kept(value, mask)

    assert bits(row) == bits(value[mask])
    if (kind := passes.BITS.get(value.element_size())) is None:
        return
    rest = iter(row.contiguous().view(kind).tolist())
    whole = torch.zeros(mask.shape, dtype=value.dtype)
    filled(whole, mask, lambda many: np.array([next(rest) for _ in range(many)]))
    assert bits(whole) == bits(masked_copy(value, mask))
    assert next(rest, None) is None


@settings(deadline=None)
@given(values_and_masks())
def test_the_largest_is_that_of_what_is_present(both) -> None:
    """Whatever is absent; nothing is larger than what is no number, and less than where none is."""
    value, mask = both
    if not value.is_floating_point():
        return
    due = value[mask].abs().max() if mask.any() else torch.tensor(-torch.inf)

    found = largest(value, mask)

    assert found.dtype == value.dtype
    assert torch.equal(found.double().nan_to_num(nan=-1.0), due.double().nan_to_num(nan=-1.0))


@settings(deadline=None)
@given(values_and_masks(), st.data())
def test_tensors_are_the_same_if_every_bit_is(both, data) -> None:
    """Both zeros are two, what is no number is itself, and where it lies counts."""
    value, mask = both
    other = value.clone()
    assert is_same(value, other) or value.element_size() not in passes.BITS
    if value.numel():
        place = data.draw(st.integers(0, value.numel() - 1))
        flat = other.view(torch.uint8) if other.is_contiguous() else other.T.view(torch.uint8)
        flat.reshape(-1)[place] ^= 1
        assert not is_same(value, other)
    assert not is_same(mask, value)


@settings(deadline=None)
@given(values_and_masks(), st.integers(0, 200), st.sampled_from([float("nan"), float("inf"), 1.0]))
def test_one_entry_is_seen_wherever_it_stands(both, place, odd) -> None:
    """A flag beyond others, and what is no finite number."""
    value, mask = both
    if not mask.numel():
        assert is_within(mask, mask)
        assert is_finite(value)
        return
    column = torch.zeros(mask.numel())
    column[place % mask.numel()] = odd
    fewer = mask & ~(column != 0).reshape(mask.shape)

    assert is_within(fewer, mask)
    assert is_within(mask, fewer) == torch.equal(mask, fewer)
    assert is_finite(column.to(torch.bfloat16)) == (odd == 1.0)


def test_parts_cover_a_row_once() -> None:
    """No entry twice, none left out."""
    for size in (0, 1, 63, 64, 65, 1000):
        assert [at for part in parts(size) for at in range(size)[part]] == list(range(size))
