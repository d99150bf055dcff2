"""The kernels in Triton's interpreter, on the CPU: the bits of torch's and NumPy's own ways.

A script, because Triton reads its setting once, when it is imported:

    TRITON_INTERPRET=1 python tests/kernel/interpreted.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from evoframe.kernel import device as devices, fused
from evoframe.kernel.bits import Absent
from evoframe.kernel.dna import Genes
from evoframe.kernel.drawing.synthesis import bernoulli
from evoframe.kernel.fused import Limits
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.levels import LEVELS, even_levels, largest_magnitudes, relative_levels

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.kernels import SHAPES, WIDTHS, a_draw, some_strengths


def with_and_without(compute):
    """Return what is computed by kernels, and what without; kernels must have had a part in it."""
    devices.runs_kernels = lambda _: True
    asked = fused._of
    calls = []
    fused._of = lambda tensor: calls.append(tensor) or asked(tensor)
    try:
        ours = compute()
    finally:
        devices.runs_kernels, fused._of = lambda _: False, asked
    assert calls
    return ours, compute()


def draws() -> None:
    """Words, thresholds and eligibility: every gene, over shapes, tails, widths and keys."""
    for number, shape in enumerate(SHAPES):
        for dtype, count in WIDTHS.items():
            levels, eligible, living = a_draw(shape, dtype, count, number)
            key = Key(number).at("synapses", str(shape))
            words = key.words(levels.numel()).astype(np.int64)
            reach = living.numpy()[levels.numpy().astype(np.int64).reshape(-1)]
            due = (words < reach) & eligible.numpy().reshape(-1)
            packed = fused.drawn(levels, eligible, Limits.of(living), key, packed=True)
            assert (packed.numpy() == np.packbits(due, bitorder="little")).all(), (shape, dtype)
            plain = fused.drawn(levels, eligible, Limits.of(living), key, packed=False)
            assert plain.dtype == torch.bool
            assert torch.equal(plain, torch.from_numpy(due).reshape(shape)), (shape, dtype)


def certain_and_impossible() -> None:
    """2**32 words let a level live, or none: where the word is the largest of all, too."""
    word, size = WORD_VALUES - 1, 4096
    levels = torch.arange(size, dtype=torch.int32) % 4
    living = torch.tensor([0, 1, word, WORD_VALUES])
    seen = fused.kernels(levels)
    words_of = seen.words_of
    try:
        for fixed in (0, word):
            seen.words_of = with_words(words_of, fixed)
            alive = fused.drawn(levels, levels >= 0, Limits.of(living), Key(0), packed=False)
            due = (fixed < living)[levels.long()]
            assert torch.equal(alive, due), fixed
    finally:
        seen.words_of = words_of


def with_words(words_of, fixed: int):
    """Return a stream of one word for ever."""
    return lambda blocks, low, high: (words_of(blocks, low, high) & 0) | fixed


def the_levels() -> None:
    """Both grids, for scores with and without signs; the largest magnitude; the histogram."""
    for number, shape in enumerate(SHAPES):
        strengths, eligible = some_strengths(shape, number)
        largest = with_and_without(
            lambda s=strengths, e=eligible: largest_magnitudes({"w": s}, {"w": e})["w"]
        )
        assert largest[0] == largest[1], shape
        for scale in (largest[0], 0.3, 1e-30):
            for grid in (
                lambda s=strengths, z=scale: even_levels(s, z, magnitudes=True),
                lambda s=strengths, z=scale: even_levels(s, z),
                lambda s=strengths, z=scale: relative_levels(s.abs(), z),
            ):
                one, other = with_and_without(grid)
                assert one.dtype == other.dtype == torch.int32
                assert torch.equal(one, other), (shape, scale)
        genes = Genes(one, np.zeros(LEVELS), eligible)
        assert (np.equal(*with_and_without(genes.histogram))).all(), shape


def whole_genes() -> None:
    """The draw as a run asks for it."""
    for number, shape in enumerate(SHAPES):
        levels, eligible, _ = a_draw(shape, torch.int32, 300, number)
        table = np.linspace(-40, 0, 300)
        table[:3] = -np.inf
        genes = Genes(levels, table, eligible)
        key = Key(number)
        assert torch.equal(*with_and_without(lambda g=genes, k=key: bernoulli(g, k)))


def masks_in_place() -> None:
    """Absent entries of several tensors in one buffer, so that bits begin anywhere in a byte."""
    fused.SMALL = 0
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        shapes = {str(number): torch.Size(shape) for number, shape in enumerate(SHAPES)}
        generator = torch.Generator().manual_seed(1)
        masks = {n: torch.rand(s, generator=generator) < 0.5 for n, s in shapes.items()}
        absent = Absent.of(masks, shapes)

        def filled(dtype=dtype, shapes=shapes, absent=absent):
            values = {n: torch.full(s, -3).to(dtype) for n, s in shapes.items()}
            versions = {n: value._version for n, value in values.items()}
            absent.clear(values)
            assert all(value._version > versions[n] for n, value in values.items())
            return torch.cat([value.reshape(-1) for value in values.values()])

        one, other = with_and_without(filled)
        assert torch.equal(one.view(torch.uint8), other.view(torch.uint8)), dtype


if __name__ == "__main__":
    torch.set_num_threads(1)
    devices.runs_kernels = lambda _: True
    for proof in (draws, certain_and_impossible):
        proof()
    devices.runs_kernels = lambda _: False
    for proof in (the_levels, whole_genes, masks_in_place):
        proof()
    print("same bits")
