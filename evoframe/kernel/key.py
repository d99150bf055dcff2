"""Randomness as an argument: every draw comes from a key, and every key from a path.

``Key(7).at("generation", 3, "slot", 1, "synapses", "conv1.weight")`` names one stream of random
words for ever: the same on every machine and device, whatever was drawn before, and in any order.
The path is hashed with blake2b to the 128-bit key of NumPy's Philox4x64-10, whose raw stream is
stable across NumPy versions (the streams of ``Generator`` methods are not promised, so they are
not used).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import numpy as np
import numpy.typing as npt
import torch

from evoframe.kernel import device, wanted
from evoframe.kernel.tensors.passes import parts

Step = str | int

WORD_VALUES = 2**32
"""How many values one random word can take."""


def _whole(seed: int) -> int:
    # A NumPy integer, or what is no number, would be hashed as a text.
    return seed if type(seed) is int else wanted.whole("seed", seed)


@attrs.frozen
class Key:
    """The name of one stream of randomness: a seed and the path that leads to the draw.

    >>> evoframe.Key(7).at("generation", 3).words(2)
    array([2107776777, 2969436701], dtype=uint32)
    """

    seed: int = attrs.field(converter=_whole)
    path: tuple[Step, ...] = ()

    def at(self, *steps: Step) -> Key:
        """Return the key further down the path; streams of different paths are independent."""
        # A NumPy integer is no ``int``, and would be hashed as a text; so would all else.
        plain = (
            step if isinstance(step, str | int) else wanted.whole("a step of a key", step)
            for step in steps
        )
        return Key(self.seed, (*self.path, *plain))

    def words(self, count: int) -> npt.NDArray[np.uint32]:
        """Return the first ``count`` uniform 32-bit words of the stream."""
        # 64 bits at a time, read as two little-endian words on machines of either kind.
        raw = np.random.Philox(key=self._digest(16)).random_raw((count + 1) // 2)
        return np.asarray(raw, dtype="<u8").view("<u4")[:count]

    def words_in_parts(self, count: int) -> Iterator[tuple[slice, npt.NDArray[np.uint32]]]:
        """Yield the same a part at a time, each with its place in the whole."""
        stream = np.random.Philox(key=self._digest(16))
        for part in parts(count):  # an even number of words each, but for the last
            size = part.stop - part.start
            raw = stream.random_raw((size + 1) // 2)
            yield part, np.asarray(raw, dtype="<u8").view("<u4")[:size]

    def halves(self) -> tuple[int, int]:
        """Return the two 64-bit numbers of Philox's key, the lower one first."""
        whole = self._digest(16)
        return whole % 2**64, whole >> 64

    def shuffled(self, count: int) -> npt.NDArray[np.int64]:
        """Return 0 .. count - 1 in an order drawn from the stream."""
        # Equal words keep their order, so the permutation does not depend on NumPy's way to sort.
        return np.argsort(self.words(count), kind="stable")

    def share(self) -> float:
        """Return one number from 0 to below 1."""
        return int(self.words(1)[0]) / WORD_VALUES

    def integer(self) -> int:
        """Return one number in [0, 2**63), a seed for somebody else's generator."""
        return self._digest(8) >> 1

    def generator(self) -> torch.Generator:
        """Return a CPU generator of torch seeded from this key."""
        return torch.Generator().manual_seed(self.integer())

    def __str__(self) -> str:
        return "/".join(map(str, (self.seed, *self.path)))

    def _digest(self, size: int) -> int:
        # Each step carries its type and length, so no two paths share an encoding.
        state = hashlib.blake2b(digest_size=size, person=b"evoframe.key.v1")
        for step in (self.seed, *self.path):
            text = str(step).encode()
            state.update(b"%s%d:%s" % (b"i" if isinstance(step, int) else b"s", len(text), text))
        return int.from_bytes(state.digest(), "little")


@contextmanager
def untouched() -> Iterator[None]:
    """Run a block and put every global random generator back to where it was.

    Python's ``random``, NumPy's legacy global state and torch's generators, CPU and CUDA.
    """
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002  others use it
    cpu, accelerators = torch.get_rng_state(), device.rng_states()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        torch.set_rng_state(cpu)
        device.restore_rng_states(accelerators)


@contextmanager
def sealed(key: Key) -> Iterator[None]:
    """Run a block with every global random generator seeded from ``key``, then put them back.

    Foreign code inside draws the same numbers whatever ran before it, and code outside never
    notices that it ran.
    """
    with untouched():
        random.seed(key.at("python").integer())
        np.random.seed(key.at("numpy").integer() % WORD_VALUES)  # noqa: NPY002
        device.seed(key.at("torch").integer())
        yield
