"""In memory: tensors and data sets as loaders, for those who have no loader yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from evoframe.errors import TaskError
from evoframe.kernel.modules.nested import mapped, tensors_within

SIZE = 64
"""How many examples a batch holds unless it is said."""

WANTED = (
    "wanted a torch.utils.data.DataLoader, a data set, or tensors in memory: (inputs, targets) or "
    "a mapping, with one axis for examples"
)


@attrs.frozen(eq=False)
class Rows(Dataset[Any]):
    """Tensors in memory, with the examples along their first axis."""

    data: Any
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return mapped(self.data, lambda one: one[index])

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """Return a whole batch at once."""
        index = torch.as_tensor(indices)
        return mapped(self.data, lambda one: one[index])


@attrs.frozen(eq=False)
class OwnLoader:
    """A loader that was made here, so that its batches may have any size."""

    dataset: Dataset[Any]
    shuffled: bool
    collate: Callable[[Any], Any] | None = None

    def of_size(self, size: int) -> DataLoader[Any]:
        """Return the loader with batches of a size."""
        return DataLoader(
            self.dataset,
            size,
            shuffle=self.shuffled,
            generator=torch.Generator(),
            collate_fn=_as_it_is if isinstance(self.dataset, Rows) else self.collate,
        )


def _as_it_is(batch: Any) -> Any:
    return batch


def own_loader(
    given: Any, split: str, collate: Callable[[Any], Any] | None = None
) -> OwnLoader | None:
    """Return the loader of data in memory; None for what is a loader already, or nothing.

    Args:
        given: a loader, a data set or tensors.
        split: which examples, for messages.
        collate: makes a batch of examples of a data set; as torch does it if not given.

    Raises:
        TaskError: it is neither, tensors differ in how many examples they hold, or there is none to
            learn from.
    """
    if given is None or isinstance(given, DataLoader):
        return None
    if isinstance(given, Dataset):
        shuffled = split == "train" and not isinstance(given, IterableDataset)
        return OwnLoader(given, shuffled=shuffled, collate=collate)
    if not isinstance(given, tuple | list | Mapping | Tensor):
        raise TaskError(f"evoframe.task({split}=...) was given a {type(given).__name__}; {WANTED}.")
    data = _of_tensors(given)
    sizes = {len(one) if one.ndim else 0 for one in tensors_within(data)}
    if len(sizes) != 1 or (split == "train" and sizes == {0}):
        told = f"hold {' and '.join(map(str, sorted(sizes)))} examples" if sizes else "are none"
        raise TaskError(f"the tensors of evoframe.task({split}=...) {told}; {WANTED}.")
    return OwnLoader(Rows(data, sizes.pop()), shuffled=split == "train")


def _of_tensors(value: Any) -> Any:
    """Return arrays of NumPy as tensors, in whatever holds them."""
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, Mapping):
        return {name: _of_tensors(one) for name, one in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(_of_tensors, value))
    return value
