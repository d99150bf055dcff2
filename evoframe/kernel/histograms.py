"""Histograms: how many genes are at each level, counted a part at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from evoframe.kernel.levels import Table
from evoframe.kernel.passes import kept, parts, rows


def counted(levels: Tensor, eligible: Tensor, count: int) -> Table:
    """Return the number of the eligible at each of so many levels."""
    found = torch.zeros(count, dtype=torch.int64)
    row, present = levels.reshape(-1), eligible.reshape(-1)
    for part in parts(len(row)):
        found += torch.bincount(kept(row[part], present[part]), minlength=count)
    return found.numpy().astype(np.float64)


def added(levels: Tensor, eligible: Tensor, weights: Tensor, count: int) -> Table:
    """Return the sum of the weights of the eligible at each of so many levels."""
    numbers, found = np.arange(count), np.zeros(count, dtype=np.float64)
    for some in rows(levels.shape):
        level, present = levels[some], eligible[some]
        mine = weights[some] if weights.shape[0] == len(levels) else weights
        chosen = kept(level, present).numpy()
        sums = kept(mine.expand_as(level).double(), present).numpy()
        # What was found goes first, so that all is added in the order of one pass.
        found = np.bincount(
            np.concatenate([numbers, chosen]), np.concatenate([found, sums]), minlength=count
        ).astype(np.float64)
    return found
