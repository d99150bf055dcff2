"""Precision: weights that few bits hold exactly, as whole numbers times a step.

    w = code * step,    |code| <= 2^(bits - 1) - 1

Each index along the first axis of a weight has a step of its own: each output channel, of a
transposed convolution each input channel. The grid is symmetric, so zero stays zero and what is
absent stays absent.

A step is the smallest with which the largest weight is reached, among numbers with so few binary
digits that every code times every step is exact in float32 (and float64). So rounding twice is
rounding once, steps are found again in rounded weights, and a program that multiplies codes by
steps has the same weights, bit for bit.

How many bits each layer has is heritable, and carried as a note rather than in the genotype: masks
and weights say all that decides what a network computes, and digests and files of runs without
bits stay as they are. Weights prove by themselves that a note holds: see :func:`is_rounded`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from evoframe.kernel.notes import Notes

BITS = (8, 16)
"""How many bits the weights of a layer may have."""

KINDS = (torch.float32, torch.float64)
"""The types of weights on which grids of so many bits are exact."""

UNSAID = 16
"""How many a layer has that nobody has spoken of, for who changes them."""

NOTE = "bits by layer"
"""The note that says how many bits the weights of each layer have: a table as JSON."""

_DIGITS = {8: 17, 16: 1}
# float32 has 24 binary digits. Codes of 8 bits take 7 of them. Codes of 16 bits take 15, and of
# the 9 that are left only a single one lets the largest code keep its place among all codes.

_LEAST = 2.0**-126
# Products of codes and smaller steps would not be exact any more.


def rounded(values: Tensor, bits: int) -> Tensor:
    """Return weights, each as the nearest on the grid of its row."""
    codes, steps = coded(values, bits)
    # A negative zero would be another digest, and no code says it.
    return codes.mul_(steps).add_(0.0)


def coded(values: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Return the codes of weights, whole numbers as floats, and the step of each row.

    Args:
        values: of one of :data:`KINDS`.
        bits: one of :data:`BITS`.

    Returns:
        Codes in the shape of the weights, and steps that broadcast to it, one for each row.
    """
    values = values.detach()
    steps = _steps(values, 2 ** (bits - 1) - 1, _DIGITS[bits])
    return torch.round(values / steps), steps


def is_rounded(values: Tensor, bits: int) -> bool:
    """Tell whether weights are on the grid of so many bits."""
    return values.dtype in KINDS and torch.equal(rounded(values, bits), values.detach())


def _steps(values: Tensor, most: int, digits: int) -> Tensor:
    """Return the step of each row: its largest weight by ``most``, up to the next short number."""
    if not values.numel():
        return torch.ones_like(values)
    axes = tuple(range(1, values.ndim)) if values.ndim > 1 else (0,)
    # In float64, where the quotient of what lies on a grid already is exact.
    wanted = values.abs().amax(axes, keepdim=True).double() / most
    dropped = (1 << (53 - digits)) - 1  # a float64 has 53 digits; those that are dropped
    short = (wanted.view(torch.int64) + dropped) & ~dropped
    return short.view(torch.float64).clamp_min(_LEAST).to(values.dtype)


def bits_of(notes: Notes) -> dict[str, int]:
    """Return the bits of each layer that were noted; what is no such note says nothing."""
    try:
        said = json.loads(str(notes.get(NOTE, "{}")))
    except (TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {name: bits for name, bits in said.items() if type(bits) is int and bits in BITS}


def noted(notes: Notes, bits: Mapping[str, int]) -> Notes:
    """Return notes with the bits of each layer."""
    return notes | {NOTE: json.dumps(dict(bits), sort_keys=True)}
