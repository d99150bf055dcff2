"""Keys: randomness that depends on its name and on nothing else."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel.key import Key, sealed, untouched

steps = st.one_of(st.text(max_size=4), st.integers(-(2**70), 2**70))
paths = st.lists(steps, max_size=4).map(tuple)


@given(st.integers(), paths, paths)
def test_different_paths_are_different_streams(seed, one, other) -> None:
    """1 is not "1", and ("ab", "c") is not ("a", "bc")."""
    same = [type(a) is type(b) and a == b for a, b in zip(one, other, strict=False)]
    equal = len(one) == len(other) and all(same)

    words = Key(seed, one).words(4).tolist()

    assert (words == Key(seed).at(*other).words(4).tolist()) == equal


@given(st.integers(0, 99), st.integers(0, 40), st.integers(0, 40))
def test_a_longer_draw_begins_like_a_shorter_one(seed, short, more) -> None:
    """How much is drawn does not change what is drawn first."""
    key = Key(seed)

    assert key.words(short).tolist() == key.words(short + more)[:short].tolist()


def test_the_stream_never_changes() -> None:
    """Runs of today must be repeatable with the evoframe of tomorrow."""
    key = Key(7).at("generation", 3, "slot", 1, "synapses", "conv1.weight")

    assert key.words(4).tolist() == GOLDEN_WORDS
    assert key.integer() == GOLDEN_INTEGER
    assert str(key) == "7/generation/3/slot/1/synapses/conv1.weight"


GOLDEN_WORDS = [3297534888, 566444599, 4111707887, 1385477834]
GOLDEN_INTEGER = 7962706411850926853


def test_words_are_uniform() -> None:
    """Each of the 32 bits is set in half of the words, within five standard errors."""
    words = Key(3).words(100_000)

    shares = [(words >> bit & 1).mean() for bit in range(32)]
    assert max(abs(np.array(shares) - 0.5)) < 5 * 0.5 / np.sqrt(100_000)
    assert sorted(Key(3).shuffled(1000)) == list(range(1000))


@pytest.mark.parametrize("context", [untouched, lambda: sealed(Key(1))])
def test_global_generators_are_put_back_even_after_an_error(context) -> None:
    """Code outside never notices what ran inside."""
    before = states()

    with pytest.raises(ZeroDivisionError), context():
        1 / sum(0 * value for value in draw_everywhere())

    assert before == states()


def test_a_sealed_block_draws_the_same_whatever_ran_before() -> None:
    """Foreign code that uses global randomness is part of the run all the same."""
    with sealed(Key(5)):
        first = draw_everywhere()
    draw_everywhere()
    with sealed(Key(5)):
        second = draw_everywhere()
    with sealed(Key(6)):
        other = draw_everywhere()

    assert first == second
    assert all(a != b for a, b in zip(first, other, strict=True))


def states() -> tuple[object, object, object]:
    numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
    return random.getstate(), numpy, torch.get_rng_state().tolist()


def draw_everywhere() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002
