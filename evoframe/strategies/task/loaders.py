"""A task around what a PyTorch user already has: a network, data loaders, a loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evoframe.errors import TaskError
from evoframe.kernel.individual import Measurement, Metric
from evoframe.kernel.key import Key
from evoframe.kernel.modules.arguments import Inputs
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.numbers import require_own_numbers
from evoframe.roles import Batch, Split, Task
from evoframe.roles.measuring import RunningSum, batches_in, means, totals
from evoframe.strategies.task.in_memory import OwnLoader
from evoframe.strategies.task.labels import Classes
from evoframe.strategies.task.loading import (
    CountedLoader,
    SeededLoader,
    examples_of,
    singles_of,
    sizes_of,
    takes_singles,
)
from evoframe.strategies.task.losses import Loss
from evoframe.strategies.task.metrics import Measure
from evoframe.strategies.task.noting import noted
from evoframe.strategies.task.reading import Reading, size_of

Count = Callable[[Any, Any], int]
"""Takes inputs and targets of a batch; returns how many examples it holds."""

SAY_EXAMPLES = (
    "Let it return a value for each example, or give evoframe.task "
    "examples=lambda inputs, targets: ..., how many there are."
)


@attrs.frozen(eq=False)
class LoaderTask(Task):
    """A task made by :func:`evoframe.task`; it lives in the Python session that made it."""

    name: ClassVar[str] = "loaders"

    network: nn.Module
    loaders: Mapping[str, DataLoader[Any] | None]
    loss: Loss
    functions: Mapping[str, Measure]
    directions: tuple[Metric, ...]
    inputs: Inputs
    parameters: tuple[str, ...] | None
    trained: bool
    count: Count | None = None
    classes: Classes | None = None
    taught: Inputs | None = None
    reading: Reading = attrs.field(factory=Reading)
    own: Mapping[str, OwnLoader] = attrs.field(factory=dict)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics in the order in which they were given."""
        return self.directions

    @property
    def is_trained(self) -> bool:
        """As it was said when the task was made."""
        return self.trained

    def ancestor(self, key: Key) -> nn.Module:
        """Return a copy of the network.

        Raises:
            TaskError: it cannot be copied as it is, see :mod:`evoframe.kernel.numbers`.
        """
        require_own_numbers(self.network)
        # A copy, because a run may train its ancestor and the network belongs to somebody.
        return duplicate(self.network)

    def example_inputs(self) -> Inputs:
        """Return one example."""
        return self.inputs

    def training_inputs(self) -> Inputs | None:
        """Return one example as training gives it, if that is another call of the network."""
        return self.taught

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return the parameters that were named, or the usual ones."""
        return self.parameters if self.parameters is not None else super().evolvable(network)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return the loader of a split, seeded by the key where it has a generator of its own."""
        loader = self.loaders[split]
        if loader is None:
            return ()
        if batch_size is not None and split in self.own:
            loader = self.own[split].of_size(batch_size)
        elif batch_size == 1 and takes_singles(loader):
            loader = singles_of(loader)
        elif batch_size is not None and batch_size != loader.batch_size:
            raise TaskError(_of_another_size(loader, split, batch_size))
        # Seeded for natural order too: what a data set draws for an example must repeat as well.
        key = shuffle if shuffle is not None else Key(0).at(split)
        known = batches_in(loader) is not None
        kind = CountedLoader if known else SeededLoader
        return kind(loader, key, split, self.classes, self.reading)

    def examples_in(self, batch: Batch) -> int | None:
        """What ``examples`` says, or the length of the targets if a loader makes such batches."""
        if self.count is not None:
            return size_of(self.reading, batch, self.count)
        size = size_of(self.reading, batch)
        possible = [sizes_of(one) for one in self.loaders.values() if one is not None]
        fits = any(one is None or size in one for one in possible)
        return size if fits or not size else None  # else the first axis of targets is another one

    def evaluate(
        self, network: nn.Module, split: Split, device: torch.device
    ) -> Mapping[str, Measurement]:
        """The mean of every metric over a split, after a look whether each example counts.

        Raises:
            TaskError: batches and their targets tell of different numbers of examples.
        """
        sums = totals(self, network, split, device)
        loader = self.loaders[split]
        due = None if loader is None or self.count is not None else examples_of(loader)
        for name, total in sums.items():
            mean = isinstance(total, RunningSum) and not total.per_example
            if due is not None and mean and total.count != due:
                raise TaskError(
                    f"metric {name!r} is the mean of a batch, and batches of the {split} loader "
                    f"have {total.count} targets for {due} examples, as if their first axis were "
                    f"another one. {SAY_EXAMPLES}"
                )
        return means(sums)

    def step(self, network: nn.Module, batch: Batch, *, label_smoothing: float = 0.0) -> Tensor:
        """Return the loss of a batch."""
        targets = self.reading.targets_of(batch)
        outputs = self.reading.outputs(network, batch)
        if not label_smoothing:
            with noted("loss", outputs, targets):
                return self.loss(outputs, targets)
        # Of any other function nobody knows whether it takes the argument, and what it means there.
        if self.loss is not nn.functional.cross_entropy:
            raise TaskError(
                "training.label_smoothing needs loss=torch.nn.functional.cross_entropy; with any "
                "other loss, smooth inside it and leave the option at 0."
            )
        return nn.functional.cross_entropy(outputs, targets, label_smoothing=label_smoothing)

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Any]:
        """Return the values of the metric functions for a batch."""
        targets = self.reading.targets_of(batch)
        outputs = self.reading.outputs(network, batch)
        found = {}
        for name, function in self.functions.items():
            with noted(f"the metric {name!r}", outputs, targets):
                found[name] = function(outputs, targets)
        return found


def _of_another_size(loader: DataLoader[Any], split: str, size: int) -> str:
    if size == 1:
        return (
            f"examples are asked for one by one, and the {split} loader only gives batches of its "
            "own. Hand evoframe.task the data set or tensors in memory, take an importance that "
            "needs no single examples, such as taylor or magnitude, or leave training.batch_size "
            "out."
        )
    return (
        f"training.batch_size = {size}, but the {split} loader makes batches of "
        f"{loader.batch_size}. Leave the option out, or build the loader with that size."
    )
