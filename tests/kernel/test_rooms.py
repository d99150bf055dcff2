"""Memory is used again when a tensor is gone, and never before."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch

from evoframe.kernel.tensors import rooms
from evoframe.kernel.tensors.rooms import kept_bytes, room

KINDS = [torch.float32, torch.float64, torch.bfloat16, torch.complex128, torch.int8, torch.bool]


@pytest.fixture(autouse=True)
def small_rooms(monkeypatch) -> None:
    """Memory is kept of small tensors too, and of none from before."""
    monkeypatch.setattr(rooms, "LARGE", 0)
    monkeypatch.setattr(rooms, "_FREE", {})


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (5, 7)])
@pytest.mark.parametrize("kind", [*KINDS, torch.bool, torch.int32])
def test_room_is_like_memory_of_torch(shape, kind) -> None:
    """Of any shape and kind, at the beginning of a line of a cache; of zeros if asked."""
    made = room(shape, kind, zeros=True)

    assert (made.shape, made.dtype) == (torch.Size(shape), kind)
    assert not made.any()
    assert made.data_ptr() % 64 == 0 or not made.numel()


def test_no_two_tensors_ever_have_the_same_memory() -> None:
    """Whoever holds a tensor, a view of it, or an array of NumPy's that looks into it, keeps it."""
    chance, held = random.Random(0), {}
    for number in range(3000):
        if len(held) > 20 or (held and chance.random() < 0.4):
            mark, one = held.popitem() if chance.random() < 0.5 else (next(iter(held)), None)
            one = held.pop(mark) if one is None else one
            assert bool((np.asarray(one) == mark).all())
            continue
        made = room((chance.randint(1, 40), 3), torch.int32).fill_(number)
        ways = [
            lambda t: t,
            lambda t: t[::2],
            lambda t: t.numpy()[1:],
            lambda t: torch.from_numpy(t.numpy()),
            lambda t: t.view(torch.int16).view(torch.int32).T,
            copy.deepcopy,
            lambda t: t.detach(),
        ]
        held[number] = chance.choice(ways)(made)
        del made
    for mark, one in held.items():
        assert bool((np.asarray(one) == mark).all())


def test_what_is_kept_serves_smaller_tensors_down_to_a_half() -> None:
    """The least that is enough is taken, and a large one is not spent on a small tensor."""
    several = [room((size,), torch.float32) for size in (1000, 1200)]
    places = [one.data_ptr() for one in several]
    while several:
        several.pop(0)

    assert room((100,), torch.float32).data_ptr() not in places
    first, second = (room((size,), torch.float32).fill_(size) for size in (700, 701))
    assert [first.data_ptr(), second.data_ptr()] == places
    assert (first == 700).all()


def test_memory_is_used_again_and_not_more_of_it_kept_than_is_meant(monkeypatch) -> None:
    """The next tensor of about that size gets it; of too much the oldest goes first."""
    first = room((1000,), torch.float32)
    place = first.data_ptr()
    del first
    assert kept_bytes() >= 4000
    again = room((999,), torch.float32, zeros=True)
    assert again.data_ptr() == place
    assert not again.any()
    assert kept_bytes() == 0

    monkeypatch.setattr(rooms, "MOST", 10_000)
    several = [room((size,), torch.float32) for size in (1000, 1200, 600)]
    places = [one.data_ptr() for one in several]
    while several:
        several.pop(0)
    assert 0 < kept_bytes() <= 10_000
    assert room((600,), torch.float32).data_ptr() == places[2]
    assert kept_bytes() == sum(rooms._rounded(4 * size + 64) for size in (1200, 600))
