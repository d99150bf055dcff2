"""Metrics over a data set: what cannot be had as a mean over examples, with an error all the same.

The area under a curve, an F-measure, a mean average precision or a perplexity is a function of all
outputs and targets. What it keeps of each batch comes together in :mod:`evoframe.roles.gathering`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import torch

from evoframe.errors import TaskError
from evoframe.kernel.modules import nested

GROUPS = 16
"""How many groups of examples are left out in turn."""


@attrs.frozen(eq=False)
class OverDataSet:
    """A metric that is computed from all outputs and targets of a split at once.

    Attributes:
        metric: a function, or an object with ``update``, ``compute`` and ``reset``.
        of: takes outputs and targets of a batch; returns the arguments of the metric, as a tuple
            where there are several. None for outputs and targets themselves.
        entry: the entry of what the metric computes that counts, where that is a mapping.
        error: whether to tell a standard error, for which the metric is computed 16 times more.
    """

    metric: Any
    of: Callable[[Any, Any], Any] | None = None
    entry: str | int | None = None
    error: bool = True

    def __call__(self, outputs: Any, targets: Any) -> Kept:
        """Return the part of a batch that is kept; a task's ``measure`` returns it as it is."""
        kept = (outputs, targets) if self.of is None else self.of(outputs, targets)
        given = kept if type(kept) is tuple else (kept,)
        return Kept(self, nested.mapped(given, lambda one: one.detach().cpu()))

    @property
    def updates(self) -> bool:
        """Whether the metric is an object that is given one batch after another."""
        return is_updated(self.metric)


@attrs.frozen(eq=False)
class Kept:
    """What a metric over a data set keeps of a batch: the arguments that it is to be given."""

    of: OverDataSet
    given: tuple[Any, ...]


def over_data_set(
    metric: Any,
    *,
    of: Callable[[Any, Any], Any] | None = None,
    entry: str | int | None = None,
    error: bool = True,
) -> OverDataSet:
    """Return a metric that is computed from all outputs and targets of a split at once.

    Args:
        metric: a function of all outputs and targets, with the examples of all batches one after
            another, that returns a number; or an object with ``update``, ``compute`` and ``reset``,
            as torchmetrics has them, of which copies are used.
        of: takes outputs and targets of a batch and returns what the metric is to be given instead,
            as a tuple where that is more than one thing. What it returns is kept in memory for
            a whole split if the metric is a function, so let it be small.
        entry: where the metric gives a mapping, the name of the number that counts.
        error: tell a standard error, by computing the metric without each of 16 groups of examples
            (of batches, where the first axis of what it is given is not that of examples).

    Raises:
        TaskError: the metric is neither.

    >>> def balanced(outputs, targets):
    ...     right = (outputs.argmax(1) == targets).float()
    ...     return sum(float(right[targets == one].mean()) for one in (0, 1)) / 2
    >>> metrics = {"balanced accuracy": evoframe.over_data_set(balanced)}
    """
    if isinstance(metric, type) or not (callable(metric) or is_updated(metric)):
        found = f"the class {metric.__name__}" if isinstance(metric, type) else repr(metric)
        raise TaskError(
            f"over_data_set() was given {found}; wanted a function of all outputs and targets, or "
            "an object with update(), compute() and reset()."
        )
    return OverDataSet(metric, of, entry, error)


def is_updated(metric: Any) -> bool:
    """Tell whether something is an object that is given one batch after another."""
    names = ("update", "compute", "reset")
    own = not isinstance(metric, type)
    return own and all(callable(getattr(metric, name, None)) for name in names)


def number_of(found: Any, of: OverDataSet, name: str) -> float:
    """What a metric has computed as a number.

    Raises:
        TaskError: it is something else.
    """
    try:
        one = found if of.entry is None else found[of.entry]
        value = torch.as_tensor(one).double().reshape(())
    except (TypeError, ValueError, RuntimeError, KeyError, IndexError) as error:
        entries = f" with {', '.join(map(repr, found))}" if isinstance(found, dict) else ""
        raise TaskError(
            f"metric {name!r} over a data set gave a {type(found).__name__}{entries}; wanted a "
            "number. Try over_data_set(..., entry=NAME) for one of several."
        ) from error
    return float(value)
