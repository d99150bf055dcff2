"""Quick reductions must agree with torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel.tensors import flags as quick


@st.composite
def masks(draw):
    """A mask of one to four axes, as it lies in memory or with its axes moved."""
    sizes = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    seed, share = draw(st.integers(0, 99)), draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    mask = torch.rand(sizes, generator=torch.Generator().manual_seed(seed)) < share
    return mask.permute(draw(st.permutations(range(mask.ndim)))) if draw(st.booleans()) else mask


@st.composite
def meetings(draw):
    """A mask, and flags that broadcast to it."""
    mask = draw(masks())
    other = torch.rand(mask.shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 9))))
    for axis in draw(st.sets(st.integers(0, mask.ndim - 1))):
        other = other.narrow(axis, 0, min(1, mask.shape[axis]))
    return mask, other < 0.5


@given(masks(), st.data())
def test_reductions_agree_with_torch(mask, data) -> None:
    axes = sorted(data.draw(st.sets(st.integers(0, mask.ndim - 1))))

    assert quick.how_many(mask) == int(mask.sum())
    assert quick.are_all(mask) == bool(mask.all())
    assert quick.are_any(mask) == bool(mask.any())
    expected = mask.any(dim=axes, keepdim=True) if axes else mask
    assert torch.equal(quick.any_over(mask, axes), expected)


@pytest.mark.parametrize("small", [0, 1 << 14])
@given(meetings(), st.data())
def test_conjunctions_agree_with_torch(small, meeting, data) -> None:
    """In one piece and in parts of a few rows."""
    mask, other = meeting
    axes = sorted(data.draw(st.sets(st.integers(0, mask.ndim - 1))))
    expected = (mask & other).any(dim=axes, keepdim=True) if axes else mask & other

    assert torch.equal(quick.both(mask, other), mask & other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "SMALL", small)
        patch.setattr(quick, "PART", 7)
        assert torch.equal(quick.any_of_both(mask, other, axes), expected)
