"""Judging: every importance by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from evoframe.errors import TaskError
from evoframe.strategies.encoding.importances.activations import activation
from evoframe.strategies.encoding.importances.gradients import fisher, hessian_vector, taylor
from evoframe.strategies.encoding.importances.subject import Subject
from evoframe.strategies.encoding.importances.weights import batch_norm, geometric_median, magnitude
from evoframe.strategies.encoding.membership import Membership, Scores

Importance = Literal[
    "magnitude",
    "taylor",
    "fisher",
    "hessian-vector",
    "activation",
    "batch-norm",
    "geometric-median",
]
"""How the importance of a bundle is told."""

OF_GATES: tuple[Importance, ...] = ("taylor", "fisher", "hessian-vector")
"""Importances that ask of a block what they ask of a channel: by what it adds."""


def importance_of(kind: Importance, subject: Subject) -> Scores:
    """Return the importance of each bundle, at least 0; NaN where nothing tells.

    Raises:
        TaskError: the network has nothing by which this importance could be told.
    """
    scores = IMPORTANCES[kind](subject)
    if kind not in OF_GATES:
        scores = _of_insides(scores, subject.members)
    if np.isnan(scores).all():
        raise TaskError(
            f"encoding.importance = {kind!r} says nothing of any bundle of this network. "
            "Try 'magnitude', which needs nothing, or 'taylor', which needs data."
        )
    return scores


def _of_insides(scores: Scores, members: Membership) -> Scores:
    """Return scores in which each block has the mean of the bundles that are only in it."""
    found, first = scores.copy(), members.count - len(members.inside)
    for at, inside in enumerate(members.inside):
        own = scores[inside][~np.isnan(scores[inside])]
        found[first + at] = own.mean() if len(own) else np.nan
    return found


IMPORTANCES: dict[Importance, Callable[[Subject], Scores]] = {
    "magnitude": magnitude,
    "taylor": taylor,
    "fisher": fisher,
    "hessian-vector": hessian_vector,
    "activation": activation,
    "batch-norm": batch_norm,
    "geometric-median": geometric_median,
}
