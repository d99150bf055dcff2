"""Packed masks say what the plain ones do."""

from __future__ import annotations

import torch
from hypothesis import given, strategies as st

from evoframe.kernel.bits import Absent

SHAPES = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=4)


@given(SHAPES, st.integers(0, 2**32))
def test_packing_loses_nothing_and_clears_what_is_absent(shapes, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    sizes = {str(at): torch.Size(shape) for at, shape in enumerate(shapes)}
    masks = {n: torch.rand(shape, generator=generator) < 0.5 for n, shape in sizes.items()}
    absent = Absent.of(masks, sizes)

    assert len(absent.packed) == -(-sum(mask.numel() for mask in masks.values()) // 8)
    back = absent.masks()
    assert back.keys() == masks.keys()
    assert all(torch.equal(back[name], mask) for name, mask in masks.items())

    values = {name: torch.full(shape, torch.nan) for name, shape in sizes.items()}
    absent.clear(values)
    for name, mask in masks.items():
        assert torch.equal(values[name].isnan(), mask)
        assert bool((values[name][~mask] == 0).all())


def test_masks_may_broadcast() -> None:
    absent = Absent.of({"a": torch.tensor([[True], [False]])}, {"a": torch.Size([2, 3])})
    assert absent.masks()["a"].tolist() == [[True] * 3, [False] * 3]
