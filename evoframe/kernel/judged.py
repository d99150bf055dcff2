"""Judged: what is on record of a litter, for people; no digest hangs on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

Judge = Literal["loss", "divergence", "difference", "metric"]
"""By what siblings are told apart, on training examples: the loss; the divergence of class scores
from those of the ancestor, or the mean square of what values differ by; the task's metric."""


@attrs.frozen
class Judged:
    """One look at a sibling.

    Attributes:
        sibling: its number.
        key: its own, as text.
        came_of: the number of the sibling that it is made of, if it is.
        score: the smaller, the better; NaN where it was not judged.
        judge: by what.
        examples: on how many training examples.
        epochs: of training that it had had by then.
        passes: what it took, in forward passes of the ancestor over one example.
        born: whether it was chosen in the end.
    """

    sibling: int
    key: str
    came_of: int | None
    score: float
    judge: str
    examples: int
    epochs: float
    passes: float
    born: bool = False


def passes(looks: Iterable[Judged]) -> float:
    """Return the sum of looks, in forward passes of the ancestor over one example."""
    return sum(one.passes for one in looks)
