"""Turns: when each cluster, or synapse, comes to live as pressure eases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Turns = npt.NDArray[np.float64]
"""One number for each, the least comes first; inf if it never does."""


def places(turns: Turns) -> Turns:
    """Return the place of each turn as a share of all that come at all; inf for the others."""
    flat = turns.reshape(-1)
    found = np.full_like(flat, np.inf)
    coming = np.argsort(flat, kind="stable")[: int((flat < np.inf).sum())]
    found[coming] = (np.arange(len(coming)) + 0.5) / max(len(coming), 1)
    return found.reshape(turns.shape)
