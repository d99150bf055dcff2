"""Fused: what passes over every synapse, in one kernel each, on devices that run kernels.

Optional, and never another result: where Triton is not installed, or a first draw on the device
is not what NumPy gives, ``kernels`` is None and the ways of torch and NumPy are gone, to the same
bits. Kernels are launched here and written in :mod:`evoframe.kernel.triton_kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from evoframe.kernel import device as devices
from evoframe.kernel.key import WORD_VALUES, Key

KINDS = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.bfloat16: "bfloat16",
    torch.float16: "float16",
}
"""Kinds of numbers that can be cleared, as Triton calls them."""

BLOCK = 2048
"""Entries of one program of most kernels."""

STREAM = 256
"""Blocks of the stream, of eight words each, in one program of a draw."""

SMALL = 1 << 18
"""Entries up to which torch's own kernels start sooner than ours are done."""

MOST = 1 << 31
"""Entries from which a count might not fit into 32 bits."""


def kernels(tensor: Tensor) -> ModuleType | None:
    """Return the kernels for tensors where this one is; None where they cannot run."""
    device = tensor.device
    if not devices.runs_kernels(device) or not 0 < tensor.numel() < MOST:
        return None
    return _proved(device)


class Limits(NamedTuple):
    """How many words let each level live, in numbers that are as wide as words.

    Attributes:
        words: uint32; one too few for levels that every word lets live.
        certain: uint8, 1 for those levels.
    """

    words: Tensor
    certain: Tensor

    @classmethod
    def of(cls, living: Tensor) -> Limits:
        """Return the limits of numbers of words, int64."""
        words = living.clamp(max=WORD_VALUES - 1).to(torch.uint32)
        return cls(words, _bytes(living == WORD_VALUES))


def drawn(levels: Tensor, eligible: Tensor, limits: Limits, key: Key, *, packed: bool) -> Tensor:
    """Return a flag for each gene, whether it lives; there must be kernels for their device.

    Args:
        levels: of each gene: int32, or in 8 or 16 bits without a sign.
        eligible: bool, shaped like the levels.
        limits: of the levels.
        key: of the draw.
        packed: a bit each in bytes, the first in the lowest; else a bool, shaped like the levels.
    """
    kernel, device, size = _of(levels).drawn, levels.device, levels.numel()
    out = torch.empty(-(-size // 8) if packed else size, dtype=torch.uint8, device=device)
    with devices.current(device):
        kernel[(-(-size // (8 * STREAM)),)](
            levels.contiguous(),
            _bytes(eligible),
            *limits,
            out,
            size,
            *_halves(key),
            PACKED=packed,
            BLOCKS=STREAM,
        )
    return out if packed else out.view(torch.bool).reshape(levels.shape)


def _halves(key: Key) -> tuple[int, int]:
    """Return the halves of a key as signed numbers, so that Triton takes all for one kind."""
    low, high = (half - (half >> 63 << 64) for half in key.halves())
    return low, high


class Clearing:
    """Tensors of one kind that are cleared again and again, by one launch."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        """Lay out the programs of tensors one after another; their bits come in the same order."""
        sizes = torch.tensor([one.numel() for one in tensors])
        programs = -(-sizes // BLOCK)
        firsts, starts = programs.cumsum(0) - programs, sizes.cumsum(0) - sizes
        device = tensors[0].device
        self.places = places_of(tensors)
        rows = torch.stack([torch.tensor([at for at, _ in self.places]), sizes, starts, firsts], 1)
        self._rows = rows.to(device)
        owners = torch.arange(len(sizes), dtype=torch.int32).repeat_interleave(programs)
        self._owners = owners.to(device)
        self._kind = KINDS[tensors[0].dtype]

    def __call__(self, tensors: Sequence[Tensor], packed: Tensor) -> None:
        """Set the values to zero whose bits are set.

        Args:
            tensors: those that it was made for, where they were.
            packed: uint8, eight bits each, the first in the lowest.
        """
        module = _of(packed)
        with devices.current(packed.device):
            module.cleared[(len(self._owners),)](
                self._rows, self._owners, packed, KIND=module.KINDS[self._kind], BLOCK=BLOCK
            )
        for one in tensors:
            torch.autograd.graph.increment_version(one)


def places_of(tensors: Sequence[Tensor]) -> tuple[tuple[int, torch.dtype], ...]:
    """Return the places of tensors in memory, and their kinds of numbers."""
    return tuple((one.data_ptr(), one.dtype) for one in tensors)


def can_clear(tensors: Sequence[Tensor]) -> bool:
    """Tell whether tensors may be cleared by one launch."""
    return len({one.dtype for one in tensors}) == 1 and all(
        one.dtype in KINDS and one.is_contiguous() and kernels(one) is not None for one in tensors
    )


def largest(strengths: Tensor, eligible: Tensor) -> Tensor:
    """Return the largest magnitude among the eligible of each block; -inf if there is none."""
    kernel, size = _of(strengths).largest, strengths.numel()
    out = strengths.detach().new_empty(-(-size // BLOCK))
    with devices.current(strengths.device):
        kernel[(len(out),)](
            strengths.detach().contiguous(), _bytes(eligible), out, size, BLOCK=BLOCK
        )
    return out


def levelled(
    scores: Tensor,
    scale: float,
    *,
    magnitudes: bool,
    relative: bool = False,
    floor: int = 0,
    dropped: int = 0,
) -> Tensor:
    """Return the levels of scores, int32; there must be kernels for their device.

    Args:
        scores: contiguous or not.
        scale: what they are divided by, above 0.
        magnitudes: without their signs; else what is below 0 counts as 0.
        relative: by the leading bits of the quotient, not evenly.
        floor: the bits at which relative levels begin.
        dropped: how many of the bits relative levels leave out.
    """
    kernel, size = _of(scores).levelled, scores.numel()
    out = torch.empty(scores.shape, dtype=torch.int32, device=scores.device)
    with devices.current(scores.device):
        kernel[(-(-size // BLOCK),)](
            scores.detach().contiguous(),
            scale,
            out,
            size,
            MAGNITUDES=magnitudes,
            RELATIVE=relative,
            FLOOR=floor,
            DROPPED=dropped,
            BLOCK=BLOCK,
            enable_fp_fusion=False,
        )
    return out


def counted(levels: Tensor, eligible: Tensor, count: int) -> Tensor:
    """Return the number of the eligible at each of so many levels, int32."""
    kernel, size = _of(levels).counted, levels.numel()
    out = torch.zeros(count, dtype=torch.int32, device=levels.device)
    with devices.current(levels.device):
        kernel[(-(-size // BLOCK),)](levels.contiguous(), _bytes(eligible), out, size, BLOCK=BLOCK)
    return out


def _bytes(flags: Tensor) -> Tensor:
    return flags.contiguous().view(torch.uint8)


def _of(tensor: Tensor) -> ModuleType:
    found = kernels(tensor)
    assert found is not None
    return found


@cache
def _module() -> ModuleType | None:
    try:
        from evoframe.kernel import triton_kernels  # Triton takes a second to import
    except ImportError:
        return None
    return triton_kernels


@cache
def _proved(device: torch.device) -> ModuleType | None:
    """Return the kernels if one runs on a device and draws what NumPy draws there."""
    if (found := _module()) is None:
        return None
    size, key = 8 * STREAM + 3, Key(0).at("kernels")
    try:
        out = torch.empty(size, dtype=torch.uint8, device=device)
        half = torch.full((1,), WORD_VALUES // 2, dtype=torch.int64, device=device)
        level = torch.zeros(size, dtype=torch.int32, device=device)
        with devices.current(device):
            found.drawn[(2,)](
                level,
                _bytes(level == 0),
                *Limits.of(half),
                out,
                size,
                *_halves(key),
                PACKED=False,
                BLOCKS=STREAM,
            )
        same = bool((out.cpu().numpy() == (key.words(size) < WORD_VALUES // 2)).all())
    except Exception:  # noqa: BLE001  no compiler, an old driver: whatever it is, there are others
        return None
    return found if same else None
