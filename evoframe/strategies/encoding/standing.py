"""Standing: where bundles stand beside each other by their importances, as levels of genes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.levels import LEVELS, even_levels, relative_levels
from evoframe.strategies.encoding.membership import Membership, Scores

Scope = Literal["network", "alike", "layer"]
"""With which others a bundle is compared: all, those of layers of its kinds, those of its own."""

Normalise = Literal["none", "mean", "max", "sum"]
"""What an importance is divided by: nothing, or that of the bundles of the same layers."""


def normalised(scores: Scores, how: Normalise, families: npt.NDArray[np.int64]) -> Scores:
    """Return scores divided by the mean, the largest or the sum of their families; NaN stays."""
    if how == "none":
        return scores
    found = scores.copy()
    for family in np.unique(families[~np.isnan(scores)]):
        mine = (families == family) & ~np.isnan(scores)
        own = scores[mine]
        by = {"mean": own.mean(), "max": own.max(), "sum": own.sum()}[how]
        found[mine] = own / by if by > 0 else 0.0
    return found


def positions(scores: Scores, groups: npt.NDArray[np.int64]) -> Scores:
    """Return the place of each score in its group as a share, (0, 1); equal ones share theirs.

    Whatever share of all bundles a budget leaves, it is then the same in every group.
    """
    found = np.full_like(scores, np.nan)
    for group in np.unique(groups[~np.isnan(scores)]):
        mine = (groups == group) & ~np.isnan(scores)
        _, places, sizes = np.unique(scores[mine], return_inverse=True, return_counts=True)
        found[mine] = ((np.cumsum(sizes) - sizes / 2) / sizes.sum())[places]
    return found


def standing(
    scores: Scores, members: Membership, free: npt.NDArray[np.bool_], how: Normalise, scope: Scope
) -> Scores:
    """Return scores that can be compared all over the network.

    Args:
        scores: the importances; NaN where nothing tells.
        members: says which layers a bundle is of.
        free: which bundles are there and may leave; the others are compared with nobody.
        how: what scores are divided by.
        scope: with whom they are compared.
    """
    known = np.where(free, scores, np.nan)
    families = members.families()
    known = normalised(known, how, families)
    if scope == "network":
        return known
    return positions(known, families if scope == "layer" else members.alike())


def levels_of(scores: Scores, *, ranks: bool) -> Tensor:
    """Return levels of scores of at least 0, int32; the last where there is none.

    Args:
        scores: of clusters; NaN for those that nothing speaks against.
        ranks: only their order counts, else their size as a share of the largest.
    """
    known = ~np.isnan(scores)
    largest = float(scores[known].max()) if known.any() else 0.0
    values = torch.from_numpy(np.where(known, scores, 0.0))
    levels = relative_levels(values, largest) if ranks else even_levels(values, largest)
    levels[torch.from_numpy(~known)] = LEVELS - 1
    return levels
