"""Measuring: from what a task says of batches to means over a split, each example counted once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.individual import COSTS, Measurement
from evoframe.kernel.life import Batch, Split, Task
from evoframe.roles.gathering import Whole
from evoframe.roles.over_data_set import Kept

NAMED = "value for each example, (N,), or the mean of the batch, a number"


def totals(
    task: Task, network: nn.Module, split: Split, device: torch.device
) -> dict[str, RunningSum | Whole]:
    """What has come together of every metric over a split.

    Raises:
        TaskError: something that is measured is no number, or cannot be weighed.
    """
    found: dict[str, RunningSum | Whole] = {}
    for batch in task.batches(split):
        here, size = devices.move(batch, device), task.examples_in(batch)
        for name, values in checked(task.measure(network, here), size, task.name).items():
            found[name] = added(found.get(name), name, values, size)
    return found


def added(
    total: RunningSum | Whole | None, name: str, values: Tensor | Kept, size: int | None
) -> RunningSum | Whole:
    """What has come together of a metric, with one more batch; None if that is the first."""
    if isinstance(values, Kept):
        whole = total if isinstance(total, Whole) else Whole.begun(values.of, name)
        return whole.add(values, size)
    held = total if isinstance(total, RunningSum) else RunningSum()
    return held.add(values, size)


def means(totals: Mapping[str, RunningSum | Whole]) -> dict[str, Measurement]:
    """Every metric that was measured at all, as a mean or over the data set, with its error."""
    return {name: total.measurement() for name, total in totals.items() if total.count}


def checked(measured: Any, size: int | None, who: str) -> dict[str, Tensor | Kept]:
    """What a task measured of a batch, as real tensors: (N,), or () for the mean of the batch.

    What a metric over a data set keeps of the batch stays as it is.

    Args:
        measured: what ``measure()`` returned.
        size: examples in the batch; None if that cannot be told.
        who: the name of the task.

    Raises:
        TaskError: it is no mapping of numbers, or a mean over nobody knows how many examples.
    """
    if not isinstance(measured, Mapping):
        raise TaskError(
            f"measure() of task {who!r} gave {_short(measured)}; wanted each metric by its name."
        )
    return {
        name: values if isinstance(values, Kept) else _checked(name, values, size, who)
        for name, values in measured.items()
    }


def _checked(name: str, values: Any, size: int | None, who: str) -> Tensor:
    found = _tensor(values)
    if found is None:
        raise TaskError(f"metric {name!r} of task {who!r} is {_short(values)}; wanted a {NAMED}.")
    alone = tuple(found.shape) == (1,) and size is not None and size > 1
    if found.ndim > 1 or alone:
        batch = f"a batch of {size}" if alone else "a batch"
        raise TaskError(
            f"metric {name!r} of task {who!r} has shape {tuple(found.shape)} for {batch}; wanted "
            f"one {NAMED}."
        )
    if found.ndim == 0 and size is None:
        raise TaskError(
            f"metric {name!r} of task {who!r} is the mean of a batch, and the number of examples "
            "in the batch is unknown. Let it return a value for each example, or "
            "give their number: examples= of evoframe.task, or examples_in() of a "
            "task of your own."
        )
    return found


def _tensor(values: Any) -> Tensor | None:
    """Numbers as a real tensor; None for anything else."""
    if isinstance(values, str | bytes) or values is None:
        return None
    try:
        found = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    return None if found.is_complex() or found.is_meta else found.detach()


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"a {type(value).__name__}, {text if len(text) < 60 else text[:57] + '...'}"


def require_names(names: Sequence[Any], who: str) -> None:
    """Refuse names of metrics under which something else is known.

    Raises:
        TaskError: a name is no text, is given twice, or is that of a cost.
    """
    for name in names:
        if not isinstance(name, str):
            raise TaskError(f"a metric of task {who!r} is called {name!r}; wanted a text.")
        if name in COSTS:
            raise TaskError(
                f"a metric of task {who!r} is called {name!r}, which is the name of a cost. Call "
                f"it something else than {', '.join(COSTS)}."
            )
        if names.count(name) > 1:
            raise TaskError(f"task {who!r} has two metrics that are called {name!r}.")
        if f"test_{name}" in names:  # as `show --json` calls what was measured on the test split
            raise TaskError(
                f"task {who!r} has the metrics {name!r} and 'test_{name}', which is what {name!r} "
                "on the test split is called. Call one of them something else."
            )


def examples_in(batch: Batch) -> int | None:
    """How many examples a batch holds, None where that cannot be told.

    That is the length of the targets of a pair. Parts of other batches must agree, and a tensor
    alone says nothing: its first axis may be time.
    """
    if isinstance(batch, Mapping):
        return _agreed(batch.values()) if len(batch) > 1 else None
    if not isinstance(batch, tuple | list):
        return None
    if not batch:
        return 0
    if len(batch) == 2:
        return length_of(batch[1])
    return _agreed(batch) if len(batch) > 2 else None


def length_of(part: Any) -> int | None:
    """How many examples a part of a batch holds; None where that cannot be told."""
    if isinstance(part, Tensor | np.ndarray):
        return len(part) if part.ndim else None
    if isinstance(part, Mapping):
        return _agreed(part.values())
    if not isinstance(part, tuple | list):
        return None
    shaped = [isinstance(one, Tensor | np.ndarray) and one.ndim > 0 for one in part]
    return _agreed(part) if part and all(shaped) else len(part)


def _agreed(parts: Iterable[Any]) -> int | None:
    """The length that all parts have which have one."""
    found = {length_of(part) for part in parts} - {None}
    return found.pop() if len(found) == 1 else None


def batches_in(batches: Iterable[Batch]) -> int | None:
    """How many batches one pass holds; None for a stream, which is known only when it is over."""
    try:
        return len(batches)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):  # a data loader has a length, or only seems to
        return None


@attrs.frozen
class RunningSum:
    """Running sums of a metric: enough for its mean and the error of the mean."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    per_example: bool = True

    def add(self, values: Tensor, size: int | None) -> RunningSum:
        """The sums with those of one more batch; ``size`` counts where values are a mean."""
        values = values.double().cpu()
        if values.ndim == 0:
            assert size is not None
            more = float(values) * size if size else 0.0
            return RunningSum(self.count + size, self.total + more, 0.0, False)
        return RunningSum(
            self.count + len(values),
            self.total + float(values.sum()),
            self.squares + float(values.square().sum()),
            self.per_example,
        )

    def measurement(self) -> Measurement:
        """The mean, and its standard error where it can be told."""
        mean = self.total / self.count
        if not self.per_example or self.count < 2:
            return Measurement(mean)
        # Rounding may bring it below 0; count - 1 below makes the sample variance of it.
        variance = max(self.squares / self.count - mean**2, 0.0)
        return Measurement(mean, math.sqrt(variance / (self.count - 1)))
