"""Kernels for CUDA, written in Triton: what passes over every synapse, in one pass each.

Imported only where it is used (:mod:`evoframe.kernel.fused`), because Triton is no dependency.
Integers decide everything here but the division of a level, which is rounded as IEEE 754 says, so
the bits are those of the CPU. Every program writes what nobody else writes; only ``counted`` adds
where others add, and integers may be added in any order.
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.random import philox_impl

LAST_WORD = tl.constexpr(0xFFFFFFFF)
"""The largest of the 2**32 words."""

STEPS = tl.constexpr(65_535)
"""From the first level of an even grid to its last."""

KINDS = {name: getattr(tl, name) for name in ("float32", "float64", "bfloat16", "float16")}
"""Kinds of numbers by their names."""


@triton.jit
def words_of(blocks, low, high):
    """Return the 32-bit words of blocks of a stream of Philox4x64-10, (blocks, 8)."""
    none = blocks.to(tl.uint64) * 0
    # NumPy raises the counter before it draws, so its first block is number 1.
    count = blocks.to(tl.uint64) + 1
    one, two, three, four = philox_impl(
        count, none, none, none, none + low.to(tl.uint64), none + high.to(tl.uint64)
    )
    # ``join`` adds the axis that runs fastest: of four numbers first the pair, then which of the
    # pair, then the half of the number, the lower one before.
    whole = tl.join(tl.join(one, three), tl.join(two, four))
    halves = tl.join(whole & LAST_WORD, whole >> 32)
    return tl.reshape(halves, (blocks.shape[0], 8)).to(tl.uint32)


@triton.jit(do_not_specialize=["low", "high"])
def drawn(
    levels,
    eligible,
    table,
    certain,
    out,
    size,
    low,
    high,
    PACKED: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """Draw genes: a bit of ``out`` each, the first in the lowest, or a byte each.

    A gene lives if its word is below its level's number in ``table`` (uint32), or if ``certain``
    says that every word lets it live, which 32 bits cannot.
    """
    blocks = tl.program_id(0).to(tl.int64) * BLOCKS + tl.arange(0, BLOCKS)
    places = blocks[:, None] * 8 + tl.arange(0, 8)[None, :]
    inside = places < size
    words = words_of(blocks, low, high)
    level = tl.load(levels + places, mask=inside, other=0).to(tl.int32)
    may = tl.load(eligible + places, mask=inside, other=0).to(tl.int1)
    limit = tl.load(table + level, mask=inside, other=0)
    # One word in 2**32 has to look twice.
    close = inside & (words == LAST_WORD) & (limit == LAST_WORD)
    sure = tl.load(certain + level, mask=close, other=0).to(tl.int1)
    lives = may & ((words < limit) | sure)
    if PACKED:
        bits = lives.to(tl.int32) << tl.arange(0, 8)[None, :]
        tl.store(out + blocks, tl.sum(bits, 1).to(tl.uint8), mask=blocks * 8 < size)
    else:
        tl.store(out + places, lives.to(tl.uint8), mask=inside)


@triton.jit
def cleared(
    tensors,
    owners,
    packed,
    KIND: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Set values of several tensors to zero in place whose bit of ``packed`` is set.

    A row of ``tensors`` for each of them, int64: where it lies in memory, how many values it has,
    the bit of its first value, and its first program. ``owners`` has the row of each program.
    """
    program = tl.program_id(0)
    row = tensors + 4 * tl.load(owners + program).to(tl.int64)
    values = tl.load(row).to(tl.pointer_type(KIND))
    size, start, first = tl.load(row + 1), tl.load(row + 2), tl.load(row + 3)
    places = (program - first) * BLOCK + tl.arange(0, BLOCK)
    inside = places < size
    bits = places + start
    byte = tl.load(packed + (bits >> 3), mask=inside, other=0).to(tl.int32)
    absent = ((byte >> (bits & 7).to(tl.int32)) & 1).to(tl.int1)
    tl.store(values + places, tl.zeros((BLOCK,), KIND), mask=inside & absent)


@triton.jit
def largest(
    strengths,
    eligible,
    out,
    size,
    BLOCK: tl.constexpr,
):
    """Find the largest magnitude among the eligible of every block; -inf where there is none."""
    program = tl.program_id(0)
    places = program.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = places < size
    # Two loads that do not wait for one another.
    may = tl.load(eligible + places, mask=inside, other=0).to(tl.int1)
    found = tl.abs(tl.load(strengths + places, mask=inside, other=0.0))
    found = tl.where(inside & may, found, float("-inf"))
    tl.store(out + program, tl.max(found, 0))


@triton.jit
def levelled(
    scores,
    scale,
    out,
    size,
    MAGNITUDES: tl.constexpr,
    RELATIVE: tl.constexpr,
    FLOOR: tl.constexpr,
    DROPPED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Put scores on even or relative levels, see :mod:`evoframe.kernel.levels`.

    To be launched without the fusion of products and sums, which would round once less.
    """
    places = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = places < size
    score = tl.load(scores + places, mask=inside, other=0.0).to(tl.float32)
    if MAGNITUDES:
        score = tl.abs(score)
    share = tl.math.div_rn(score, tl.zeros_like(score) + scale)
    share = tl.abs(tl.minimum(tl.maximum(share, 0.0), 1.0))
    if RELATIVE:
        level = (share.to(tl.int32, bitcast=True) - FLOOR) >> DROPPED
        level = tl.minimum(tl.maximum(level, 0), STEPS)
    else:  # rounded half to even
        exact = share * (STEPS * 1.0)
        level = exact.to(tl.int32)
        rest = exact - level.to(tl.float32)
        level += ((rest > 0.5) | ((rest == 0.5) & ((level & 1) == 1))).to(tl.int32)
    tl.store(out + places, level.to(out.dtype.element_ty), mask=inside)


@triton.jit
def counted(
    levels,
    eligible,
    out,
    size,
    BLOCK: tl.constexpr,
):
    """Add the number of eligible genes of every level to ``out``, int32."""
    places = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = places < size
    may = tl.load(eligible + places, mask=inside, other=0).to(tl.int1)
    level = tl.load(levels + places, mask=inside, other=0).to(tl.int32)
    tl.atomic_add(out + level, 1, mask=inside & may, sem="relaxed")
