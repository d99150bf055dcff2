"""``compute_metrics`` as people have it for Trainer, as metrics over the data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.plugin import TaskError, over_data_set
from evoframe_transformers.libraries import needed

PADDING = -100
"""What Trainer puts where batches were padded to other lengths."""

Rows = list[npt.NDArray[Any]]
"""The entries of outputs or labels for each example."""


def metrics_of(
    compute: Callable[[Any], Mapping[str, Any]] | None,
    names: Any,
    *,
    preprocess: Callable[[Any, Any], Any] | None,
    ignored: Sequence[str],
) -> dict[str, Any]:
    """Return metrics for ``evoframe.task``; the loss is the last of them, the first if alone.

    Args:
        compute: what people give Trainer as ``compute_metrics``.
        names: those of its numbers that count, and which way is better.
        preprocess: makes less of outputs first, as ``preprocess_logits_for_metrics``.
        ignored: outputs that are no predictions.

    Raises:
        TaskError: one is there without the other, or a name will not do.
    """
    ways = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names or (), "max")
    if (compute is None) != (not ways):
        raise TaskError(
            "compute_metrics and metrics go together: which of the numbers that it returns count, "
            "the primary one first, as in metrics={'accuracy': 'max'}."
        )
    predicted = Predicted(preprocess, frozenset(ignored))
    found: dict[str, Any] = {
        name: (
            over_data_set(Computed(compute, name), of=predicted),
            *(way if isinstance(way, tuple) else (way,)),
        )
        for name, way in ways.items()
    }
    return found | {"loss": (_loss, "min")}


def _loss(outputs: Any, _: Any) -> Tensor:
    loss: Tensor = outputs["loss"] if isinstance(outputs, Mapping) else outputs[0]
    return loss


@attrs.frozen(eq=False)
class Predicted:
    """Takes from outputs and labels of a batch what Trainer would keep, example by example."""

    preprocess: Callable[[Any, Any], Any] | None
    ignored: frozenset[str]

    def __call__(self, outputs: Any, labels: Any) -> tuple[Any, Any, Tensor]:
        """Return predictions and labels in rows, and how many there are."""
        if isinstance(outputs, Mapping):
            kept = [
                one
                for name, one in outputs.items()
                if name != "loss" and name not in self.ignored and one is not None
            ]
        else:
            kept = list(outputs[1:])
        given: Any = kept[0] if len(kept) == 1 else tuple(kept)
        if self.preprocess is not None:
            given = self.preprocess(given, labels)
        first = labels[0] if isinstance(labels, tuple) else labels
        return _rows(given), _rows(labels), torch.arange(len(first))


@attrs.frozen(eq=False)
class Computed:
    """One number of what ``compute_metrics`` computes."""

    compute: Any
    entry: str

    def __call__(self, predictions: Any, labels: Any, _: Tensor) -> float:
        """Return the number of all predictions and labels.

        Raises:
            TaskError: there is none of that name.
        """
        kind = needed("transformers").EvalPrediction
        found = self.compute(kind(predictions=_whole(predictions), label_ids=_whole(labels)))
        if self.entry not in found:
            raise TaskError(
                f"compute_metrics returns {', '.join(map(repr, found)) or 'nothing'}, and no "
                f"{self.entry!r}, which is among the metrics."
            )
        return float(found[self.entry])


def _rows(value: Any) -> Any:
    """Return tensors as lists of their rows, in whatever holds them."""
    if isinstance(value, tuple | list):
        return tuple(map(_rows, value))
    if not isinstance(value, Tensor):
        return value
    one = value.detach().cpu()
    return list((one.float() if one.dtype == torch.bfloat16 else one).numpy())


def _whole(rows: Any) -> Any:
    """Return rows as one array, padded to the longest as Trainer does."""
    if isinstance(rows, tuple):
        return tuple(map(_whole, rows))
    shapes = {row.shape for row in rows}
    if len(shapes) == 1:
        return np.stack(rows)
    longest = tuple(np.max(np.array([row.shape for row in rows]), axis=0))
    found = np.full((len(rows), *longest), PADDING, dtype=rows[0].dtype)
    for index, row in enumerate(rows):
        place: Any = (index, *map(slice, row.shape))
        found[place] = row
    return found
