"""What kernels are tried on: shapes with ragged tails, levels of every width."""

from __future__ import annotations

import numpy as np
import torch

SHAPES = ((1,), (7,), (8,), (3, 3), (63, 65), (16, 8, 3, 3), (4097,), (2, 4099))
"""Below, at and above bytes, blocks of words, and programs."""

WIDTHS = {torch.uint8: 256, torch.uint16: 65_536, torch.int32: 65_536}
"""Kinds of levels, and how many of them there are."""


def a_draw(shape, dtype, count, seed):
    """Return levels, who is eligible, and for each level how many words let it live."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, count, size=shape)
    living = rng.integers(0, 2**32 + 1, size=count)
    living[rng.integers(0, count, size=count // 4)] = 2**32
    living[rng.integers(0, count, size=count // 4)] = 0
    kind = {torch.uint8: np.uint8, torch.uint16: np.uint16, torch.int32: np.int32}[dtype]
    eligible = torch.from_numpy(rng.random(shape) < 0.7)
    return torch.from_numpy(levels.astype(kind)), eligible, torch.from_numpy(living)


def some_strengths(shape, seed):
    """Return weights, both zeros, ties and halves among them, and who is eligible."""
    generator = torch.Generator().manual_seed(seed)
    strengths = torch.randn(shape, generator=generator)
    coarse = torch.round(strengths * 8) / 8
    strengths = torch.where(torch.rand(shape, generator=generator) < 0.3, coarse, strengths)
    share = 0.0 if seed == 1 else 0.7
    return strengths, torch.rand(shape, generator=generator) < share
