"""Histograms: how many genes are at each level, counted a part at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from evoframe.kernel.levels import Table
from evoframe.kernel.tensors.flags import how_many
from evoframe.kernel.tensors.passes import in_a_row, kept, parts, rows


def counted(levels: Tensor, eligible: Tensor, count: int) -> Table:
    """Return the number of the eligible at each of so many levels."""
    found = torch.zeros(count, dtype=torch.int64)
    row, present = levels.reshape(-1), eligible.reshape(-1)
    for part in parts(len(row)):
        # What is not eligible is counted at the first level, and taken from it again.
        some = present[part]
        found += torch.bincount(row[part] * some, minlength=count)
        found[0] -= len(some) - how_many(some)
    return found.numpy().astype(np.float64)


def added(levels: Tensor, eligible: Tensor, weights: Tensor, count: int) -> Table:
    """Return the sum of the weights of the eligible at each of so many levels."""
    found = np.zeros(count, dtype=np.float64)
    # Of whole rows that have one weight each it is enough to know how many are eligible.
    alike = weights.shape == (len(levels), *[1] * (levels.ndim - 1))
    for some in rows(levels.shape):
        level, present = levels[some], eligible[some]
        mine = weights[some] if weights.shape[0] == len(levels) else weights
        if alike:
            many = present.reshape(len(present), -1).sum(1).numpy()
            sums = np.repeat(in_a_row(mine.double()), many)
        else:
            sums = kept(mine.expand_as(level).double(), present).numpy()
        # One by one in their order, onto what was found, as in one pass.
        np.add.at(found, kept(level, present).numpy(), sums)
    return found
