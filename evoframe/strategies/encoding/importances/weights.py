"""Importances of weights alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from evoframe.strategies.encoding.importances.subject import Labels, Subject, quotient
from evoframe.strategies.encoding.membership import NOBODY, Scores, Side

NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
"""Kinds of norms by what their names hold."""


def magnitude(subject: Subject) -> Scores:
    """Return the sums of squared weights: of rows, columns and scales of norms."""
    squares = {name: value.detach().square() for name, value in subject.parameters.items()}
    scales = tuple(side for side in subject.members.of("owns") if _is_scale(side, NORMS))
    return subject.total(squares, (*subject.members.of("writes", "reads"), *scales))


def batch_norm(subject: Subject) -> Scores:
    """Return the mean sizes of the scales of batch norms."""
    sizes = {name: value.detach().abs() for name, value in subject.parameters.items()}
    scales = tuple(side for side in subject.members.of("owns") if _is_scale(side, NORMS[:1]))
    return _mean(subject.total(sizes, scales), scales, subject.members.count)


def geometric_median(subject: Subject) -> Scores:
    """Return the mean distances of rows to the others of their layers."""
    sides = subject.members.of("writes")
    total, seen = np.zeros(subject.members.count), np.zeros(subject.members.count)
    for side in sides:
        mine, distances = _distances(subject.parameters[side.entry], side)
        total[mine] += distances
        seen[mine] += 1
    return quotient(total, seen)


def _distances(weight: Tensor, side: Side) -> tuple[Labels, Scores]:
    """Return the clusters that write a layer, and the mean distance of each one's entries."""
    labels = side.labels.expand_as(weight).reshape(-1)
    own, sizes = torch.unique(labels[labels != NOBODY], return_counts=True)
    if len(torch.unique(sizes)) != 1:  # rows of several lengths have no distances
        return np.zeros(0, np.int64), np.zeros(0)
    # Sorted by cluster, in the order of the layer inside each: (clusters, entries).
    order = labels.argsort(stable=True)[int((labels == NOBODY).sum()) :]
    rows = weight.detach().reshape(-1)[order].reshape(len(own), -1).double()
    return own.cpu().numpy(), torch.cdist(rows, rows).mean(1).cpu().numpy()


def _is_scale(side: Side, kinds: tuple[str, ...]) -> bool:
    """Tell whether a side is the scale of a norm of some kinds."""
    module, _, leaf = side.kind.partition(".")
    return leaf == "weight" and any(kind in module for kind in kinds)


def _mean(totals: Scores, sides: tuple[Side, ...], count: int) -> Scores:
    return quotient(totals, sum((one.slots(count) for one in sides), np.zeros(count)))
