"""Data loaders as tasks see them: seeded, counted, and looked at before anything is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    default_collate,
)

from evoframe.errors import TaskError
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.nested import tensors_within
from evoframe.roles import Batch
from evoframe.strategies.task.labels import Classes, require_range
from evoframe.strategies.task.reading import Reading


@attrs.frozen(eq=False)
class SeededLoader:
    """A data loader whose own generators are seeded for one pass and then put back."""

    loader: DataLoader[Any]
    key: Key
    split: str
    classes: Classes | None = None
    reading: Reading = attrs.field(factory=Reading)

    def __iter__(self) -> Iterator[Batch]:
        generators = _generators(self.loader)
        # They are the user's own, and may be in use elsewhere.
        states = [generator.get_state() for generator in generators]
        try:
            for generator in generators:
                generator.manual_seed(self.key.at("loader").integer())
            for batch in self.loader:
                if self.classes is not None:
                    require_range(self.reading.targets_of(batch), self.split, self.classes)
                yield batch
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)


@attrs.frozen(eq=False)
class CountedLoader(SeededLoader):
    """One that says beforehand how many batches a pass has; of a stream nobody knows."""

    def __len__(self) -> int:
        return len(self.loader)


# --- how many examples ----------------------------------------------------------------------------


def examples_of(loader: DataLoader[Any]) -> int | None:
    """How many examples one pass holds; None where batches are not made one example by one."""
    sampler = loader.batch_sampler
    if type(sampler) is not BatchSampler:
        return None
    try:
        count = len(sampler.sampler)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None
    return count // sampler.batch_size * sampler.batch_size if sampler.drop_last else count


def sizes_of(loader: DataLoader[Any]) -> set[int] | None:
    """How many examples its batches may hold: as many as asked for, or in the last what is left."""
    count, size = examples_of(loader), loader.batch_size
    if count is None or size is None:
        return None
    return {min(size, count), count % size} - {0}


# --- one by one -----------------------------------------------------------------------------------


def takes_singles(loader: DataLoader[Any]) -> bool:
    """Tell whether examples can be taken of its data set one by one, as it would batch them."""
    plain = loader.collate_fn is default_collate and not isinstance(loader.dataset, IterableDataset)
    return plain and type(loader.batch_sampler) is BatchSampler


def singles_of(loader: DataLoader[Any]) -> DataLoader[Any]:
    """Return a loader of the same examples, in the order of its sampler, in batches of one."""
    sampler = loader.sampler
    return DataLoader(loader.dataset, 1, sampler=sampler, generator=loader.generator)


# --- looking at them ------------------------------------------------------------------------------


def require_many_passes(loader: DataLoader[Any], split: str) -> None:
    """Refuse a stream that is at its end, or further on, when it is read again.

    Raises:
        TaskError: it does not begin as it did before.
    """
    if not isinstance(loader.dataset, IterableDataset):
        return
    heads = []
    for _ in range(2):
        with sealed(Key(0)):
            heads.append(next(iter(SeededLoader(loader, Key(0), split)), None))
    if not _are_equal(*heads):
        raise TaskError(
            f"the {split} loader does not begin anew when it is read again: its data set is a "
            "continuing stream, or uses its own generator. A run reads it many times, so "
            "let __iter__() begin at the beginning, and follow torch's global generator."
        )


def _are_equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_are_equal(one[n], other[n]) for n in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return type(one) is type(other)


def require_kinds_of_inputs(inputs: Arguments) -> None:
    """Refuse inputs that are no tensors, or complex.

    Raises:
        TaskError: what was found instead.
    """
    for value in (*inputs.args, *inputs.kwargs.values()):
        tensors = tensors_within(value)
        alone = isinstance(value, Tensor) and value.ndim == 0
        if alone or (not tensors and not isinstance(value, int | float | None)):
            found = "a tensor without axes" if alone else _named(value)
            raise TaskError(
                f"the training loader gives {found} as input of the network; wanted tensors, with "
                "one axis for examples. Turn text into numbers in the data set or collate_fn."
            )
        if any(one.is_complex() for one in tensors):
            raise TaskError(
                f"the training loader gives inputs of {tensors[0].dtype}; wanted real numbers. "
                "Give torch.view_as_real(inputs) and let the network put them together, or "
                "example_inputs= if it takes complex ones."
            )


def _named(value: Any) -> str:
    inner = f" of {type(value[0]).__name__}" if isinstance(value, tuple | list) and value else ""
    return f"a {type(value).__name__}{inner}"


def _generators(loader: DataLoader[Any]) -> list[torch.Generator]:
    holders: list[Any] = [loader, loader.sampler, loader.batch_sampler]
    while (inner := getattr(holders[-1], "sampler", None)) is not None:
        holders.append(inner)  # samplers wrap samplers
    found = [getattr(holder, "generator", None) for holder in holders]
    unique = {id(one): one for one in found if isinstance(one, torch.Generator)}
    return list(unique.values())
