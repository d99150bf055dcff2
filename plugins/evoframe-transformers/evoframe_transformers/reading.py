"""Data as ``Trainer`` takes them: examples that are mappings, and a collator that makes batches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from evoframe.plugin import Batch, Key, TaskError, sealed

Collator = Callable[[list[Any]], Batch]
"""Makes a batch of a list of examples."""


class Examples(Dataset[Any]):
    """A data set of which every example has what the model takes, and labels.

    Examples of the training split have no place, the others have theirs, for :class:`Collating`.
    """

    def __init__(self, data: Any, columns: frozenset[str] | None, *, placed: bool) -> None:
        """Take a data set, the names of what is kept (None for all), and whether to tell places."""
        self.data, self.columns, self.placed = data, columns, placed

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[int | None, Any]:
        example = self.data[index]
        if self.columns is not None and isinstance(example, Mapping):
            example = {name: one for name, one in example.items() if name in self.columns}
        return (index if self.placed else None), example


@attrs.frozen(eq=False)
class Collating:
    """A collator; of what is measured it makes the same batch every time, whatever it draws.

    So it is with words that are masked at random: while learning others in every epoch.
    """

    collator: Collator

    def __call__(self, several: Sequence[tuple[int | None, Any]]) -> Batch:
        """Return the batch of examples with their places."""
        place, examples = several[0][0], [example for _, example in several]
        if place is None:
            return _plain(self.collator(examples))
        with sealed(Key(0).at("batch", place)):
            return _plain(self.collator(examples))


def _plain(batch: Any) -> Any:
    """Return a batch of a tokenizer as an ordinary mapping."""
    return dict(batch) if isinstance(batch, Mapping) else batch


def examples_of(data: Any, split: str, columns: frozenset[str] | None) -> Examples:
    """Return a split as examples.

    Raises:
        TaskError: it is no data set of a known length, or has no example.
    """
    if not (hasattr(data, "__getitem__") and hasattr(data, "__len__")) or isinstance(data, Mapping):
        raise TaskError(
            f"the {split} data are a {type(data).__name__}; wanted a data set with a length, whose "
            "examples are mappings, such as one of datasets, or a list of dicts."
        )
    if not len(data):
        raise TaskError(f"the {split} data have no example.")
    return Examples(data, columns, placed=split != "train")


def columns_of(model: nn.Module, labels: Sequence[str]) -> frozenset[str] | None:
    """Return the names of what a model takes, as Trainer keeps them; None if it takes anything."""
    known = inspect.signature(model.forward).parameters
    return frozenset(known) | {"label", "label_ids", *labels}


def shown(batch: Any, labels: Sequence[str]) -> dict[str, Tensor] | None:
    """Return example inputs out of a batch, one of them padded; None if none is.

    Models go another way where nothing is padded, so a survey should see both.
    """
    mask = batch.get("attention_mask") if isinstance(batch, Mapping) else None
    if not isinstance(mask, Tensor) or mask.ndim != 2:
        return None
    padded = (mask == 0).any(1).nonzero().flatten().tolist()
    if not padded:
        return None
    rows = torch.tensor([0 if padded[0] else min(1, len(mask) - 1), padded[0]]).unique()
    return {
        name: one[rows] if isinstance(one, Tensor) and len(one) == len(mask) else one
        for name, one in batch.items()
        if name not in labels
    }
