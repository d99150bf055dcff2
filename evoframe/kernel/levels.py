"""Levels: the grids on which genes stand, the same on every device.

Levels come from one IEEE division and a rounding, or from the bits of a float, because the
exponential of one device is not that of another. A table made on the host says what each is worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel import fused
from evoframe.kernel.tensors.passes import largest, parts
from evoframe.kernel.tensors.rooms import room

Table = npt.NDArray[np.float64]
"""Natural logarithm of the survival probability of each level, at most 0; -inf means never."""

LEVELS = 65_536
"""How many levels the grids of this module have."""

_OCTAVES = 16
_STEPS = LEVELS // _OCTAVES
# A float32 has 23 bits of fraction: 12 are kept, 4,096 steps to an octave, and 11 are dropped.
_DROPPED_BITS = 23 - (_STEPS.bit_length() - 1)
# The bits of 2**-16, where the grid begins: exponents are stored with 127 added.
_FLOOR = (127 - _OCTAVES) << 23


def even_levels(scores: Tensor, scale: float, *, magnitudes: bool = False) -> Tensor:
    """Map scores in [0, scale] to evenly spaced levels, int32; larger scores get the last level.

    Args:
        scores: of each gene.
        scale: the score of the last level.
        magnitudes: take scores without their signs.
    """
    if scale > 0 and fused.kernels(scores) is not None:
        return fused.levelled(scores, scale, magnitudes=magnitudes)

    def level(some: Tensor) -> Tensor:
        return _share(some, scale, magnitudes=magnitudes).mul_(LEVELS - 1).round_()

    return _in_parts(scores, level)


def largest_magnitudes(
    strengths: Mapping[str, Tensor], eligible: Mapping[str, Tensor]
) -> dict[str, float]:
    """Return the largest magnitude among the eligible of each; 1 where there is none to ask."""
    found = {name: _largest(strengths[name], mask) for name, mask in eligible.items()}
    if not found:
        return {}
    # Together, because every number that is read makes the host wait for the device.
    largest = torch.stack([one.double() for one in found.values()]).tolist()
    values = (1.0 if one == -math.inf else one for one in largest)
    return dict(zip(found, values, strict=True))


def _largest(strengths: Tensor, eligible: Tensor) -> Tensor:
    if fused.kernels(strengths) is not None:
        return fused.largest(strengths, eligible).max()
    if strengths.device.type != "cpu":
        chosen = strengths[eligible]
        return chosen.abs().max() if chosen.numel() else chosen.new_full((), -math.inf)
    return largest(strengths.detach(), eligible)


def even_scores() -> Table:
    """Return the score of each level of :func:`even_levels`, (65536,), as a share of the scale."""
    return np.arange(LEVELS) / (LEVELS - 1)


def relative_levels(scores: Tensor, scale: float) -> Tensor:
    """Map scores in [0, scale] to levels, int32, that keep a relative precision of 1/4096.

    The level is the leading bits of the float32 quotient, 4,096 to an octave; scores below
    scale / 65,536 share level 0. For heavy-tailed scores, where even spacing would put most
    synapses on a few levels.
    """
    if scale > 0 and fused.kernels(scores) is not None:
        return fused.levelled(
            scores, scale, magnitudes=False, relative=True, floor=_FLOOR, dropped=_DROPPED_BITS
        )

    def level(some: Tensor) -> Tensor:
        # The bits of positive floats are in the order of their values, and count octaves and steps.
        bits = _share(some, scale).view(torch.int32) - _FLOOR
        return torch.clamp(bits >> _DROPPED_BITS, 0, LEVELS - 1)

    return _in_parts(scores, level)


def _in_parts(scores: Tensor, level: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the level of every score, int32; on the CPU a part at a time."""
    if scores.device.type != "cpu":
        return level(scores).to(torch.int32)
    found, row = room(scores.shape, torch.int32), scores.detach().reshape(-1)
    whole = found.reshape(-1)
    for part in parts(len(row)):
        whole[part] = level(row[part])
    return found


def _share(scores: Tensor, scale: float, *, magnitudes: bool = False) -> Tensor:
    if not scale > 0:
        return torch.zeros_like(scores, dtype=torch.float32)
    # The divisor is a tensor on the device: CUDA turns a Python number into a multiplication by
    # its reciprocal, which rounds differently from the division that the CPU does.
    divisor = torch.full((), scale, dtype=torch.float32, device=scores.device)
    share = scores.float() / divisor
    if magnitudes:
        share.abs_()
    # Without its sign, because the bits of a negative zero are those of a large number.
    return share.clamp_(0.0, 1.0).abs_().contiguous()


def ranked(levels: int = LEVELS) -> Table:
    """Return a table in which only the order of levels counts: each outlives all below it."""
    # exp(-64) is under 2**-92: whatever factor a budget finds, a
    # level is all alive before anything of the one below it shows.
    return 64.0 * (np.arange(levels, dtype=np.float64) - (levels - 1))
