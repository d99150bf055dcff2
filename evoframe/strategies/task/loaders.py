"""A task from what a PyTorch user already has: a network, data loaders, a loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evoframe.errors import TaskError, listing
from evoframe.kernel.arguments import Arguments, Inputs
from evoframe.kernel.duplicate import duplicate
from evoframe.kernel.individual import Measurement, Metric
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.numbers import require_own_numbers
from evoframe.roles import Batch, Split, Task
from evoframe.roles.measuring import batches_in, means, require_names, totals
from evoframe.strategies.task.labels import Classes, classes_of, require_labels
from evoframe.strategies.task.loading import (
    CountedLoader,
    SeededLoader,
    examples_of,
    require_kinds_of_inputs,
    require_many_passes,
    sizes_of,
)

Measure = Callable[[Any, Any], Tensor]
"""Takes outputs and targets; returns a value for each example, or the mean of the batch."""

Count = Callable[[Any, Any], int]
"""Takes inputs and targets of a batch; returns how many examples it holds."""

SAY_EXAMPLES = (
    "Let it return a value for each example, or give evoframe.task "
    "examples=lambda inputs, targets: ..., how many there are."
)

Direction = Measure | tuple[Measure, str]


@attrs.frozen(eq=False)
class LoaderTask(Task):
    """A task made by :func:`task`; it lives in the Python session that made it."""

    name: ClassVar[str] = "loaders"

    network: nn.Module
    loaders: Mapping[str, DataLoader[Any] | None]
    loss: Measure
    functions: Mapping[str, Measure]
    directions: tuple[Metric, ...]
    inputs: Inputs
    parameters: tuple[str, ...] | None
    trained: bool
    count: Count | None = None
    classes: Classes | None = None

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
        if batch_size is not None and batch_size != loader.batch_size:
            raise TaskError(
                f"training.batch_size = {batch_size}, but the {split} loader makes batches of "
                f"{loader.batch_size}. Leave the option out, or build the loader with that size."
            )
        # Seeded for natural order too: what a data set draws for an example must repeat as well.
        key = shuffle if shuffle is not None else Key(0).at(split)
        known = batches_in(loader) is not None
        return (CountedLoader if known else SeededLoader)(loader, key, split, self.classes)

    def examples_in(self, batch: Batch) -> int | None:
        """What ``examples`` says, or the length of the targets if a loader makes such batches."""
        if self.count is not None:
            return int(self.count(*_inputs_and_targets(batch)))
        size = super().examples_in(batch)
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
            if due is not None and not total.per_example and total.count != due:
                raise TaskError(
                    f"metric {name!r} is the mean of a batch, and batches of the {split} loader "
                    f"have {total.count} targets for {due} examples, as if their first axis were "
                    f"another one. {SAY_EXAMPLES}"
                )
        return means(sums)

    def step(self, network: nn.Module, batch: Batch, *, label_smoothing: float = 0.0) -> Tensor:
        """Return the loss of a batch of (inputs, targets)."""
        inputs, targets = _inputs_and_targets(batch)
        outputs = network(*inputs)
        if not label_smoothing:
            return self.loss(outputs, targets)
        # Of any other function nobody knows whether it takes the argument, and what it means there.
        if self.loss is not nn.functional.cross_entropy:
            raise TaskError(
                "training.label_smoothing needs loss=torch.nn.functional.cross_entropy; with any "
                "other loss, smooth inside it and leave the option at 0."
            )
        return nn.functional.cross_entropy(outputs, targets, label_smoothing=label_smoothing)

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Return the values of the metric functions for a batch of (inputs, targets)."""
        inputs, targets = _inputs_and_targets(batch)
        outputs = network(*inputs)
        return {name: function(outputs, targets) for name, function in self.functions.items()}


def task(
    *,
    network: nn.Module,
    train: DataLoader[Any],
    validation: DataLoader[Any],
    loss: Measure,
    metrics: Mapping[str, Direction] | None = None,
    test: DataLoader[Any] | None = None,
    example_inputs: Inputs | None = None,
    evolvable: tuple[str, ...] | None = None,
    trained: bool = True,
    examples: Count | None = None,
) -> LoaderTask:
    """Return a task made from a network, loaders, a loss and metrics.

    Batches are ``(inputs, targets)``; inputs may be a tensor or a tuple of tensors.

    Args:
        network: the ancestor; copied, never changed.
        train: what offspring learn from.
        validation: what selection sees, in a fixed order.
        loss: takes outputs and targets, returns a scalar with its graph.
        metrics: by name, a function of outputs and targets that returns a value for each example
            (or the batch's mean); larger is better unless it is given as ``(function, "min")``.
            The first is the primary metric. Without any, the loss is, and smaller is better.
        test: what is only reported.
        example_inputs: inputs for one forward pass, a tuple, a mapping of keywords, or both as
            ``evoframe.Arguments``; the first training example if not given.
        evolvable: names of the parameters that may evolve; all weights of convolutions and
            linear layers but the last if not given.
        trained: whether the network is trained already; if not, the run trains it first.
        examples: takes inputs and targets of a batch and returns how many examples it holds, where
            that is not the length of the targets. Only metrics need it that are a batch's mean.

    Raises:
        TaskError: a loader keeps its workers or can be read once only, a direction or a name will
            not do, labels are out of range, inputs are no real tensors, or there is no example.
    """
    _require_kinds(
        network, train, validation, loss, metrics, test, example_inputs, evolvable, examples
    )
    loaders = {"train": train, "validation": validation, "test": test}
    for split, loader in loaders.items():
        if loader is not None and getattr(loader, "persistent_workers", False):
            raise TaskError(
                f"the {split} loader keeps its workers alive, and with them random state from one "
                "life to the next. Build it with persistent_workers=False."
            )
        if loader is not None:
            require_many_passes(loader, split)
    functions, directions = _metrics(metrics or {"loss": (loss, "min")})
    inputs = example_inputs or _first_example(train)
    classes = classes_of(network, inputs, loss)
    for split, loader in loaders.items():
        if loader is not None and classes is not None:
            require_labels(loader, split, classes)
    return LoaderTask(
        network=network,
        loaders=loaders,
        loss=loss,
        functions=functions,
        directions=directions,
        inputs=inputs,
        parameters=evolvable,
        trained=trained,
        count=examples,
        classes=classes,
    )


def _require_kinds(
    network: Any,
    train: Any,
    validation: Any,
    loss: Any,
    metrics: Any,
    test: Any,
    inputs: Any,
    names: Any,
    count: Any,
) -> None:
    wanted = (
        ("network", network, isinstance(network, nn.Module), "a torch.nn.Module"),
        ("train", train, isinstance(train, DataLoader), "a torch.utils.data.DataLoader"),
        ("validation", validation, isinstance(validation, DataLoader), "a DataLoader"),
        ("test", test, test is None or isinstance(test, DataLoader), "a DataLoader"),
        ("loss", loss, callable(loss), "a function of outputs and targets"),
        ("metrics", metrics, metrics is None or isinstance(metrics, Mapping), "a mapping"),
        (
            "example_inputs",
            inputs,
            inputs is None or isinstance(inputs, tuple | Mapping | Arguments),
            "a tuple, or a mapping of keywords",
        ),
        ("evolvable", names, names is None or isinstance(names, tuple | list), "a tuple of names"),
        ("examples", count, count is None or callable(count), "a function of inputs and targets"),
    )
    for name, value, fits, what in wanted:
        if not fits:
            found = type(value).__name__
            raise TaskError(f"evoframe.task({name}=...) was given a {found}; wanted {what}.")


def _metrics(given: Mapping[str, Direction]) -> tuple[dict[str, Measure], tuple[Metric, ...]]:
    functions, directions = {}, []
    require_names(list(given), "loaders")
    for name, entry in given.items():
        pair = entry if isinstance(entry, tuple) else (entry, "max")
        if len(pair) != 2 or not callable(pair[0]):
            raise TaskError(
                f"metric {name!r} is {entry!r}; wanted a function of outputs and targets, or "
                '(function, "min").'
            )
        function, direction = pair
        if direction not in ("max", "min"):
            raise TaskError(
                f"metric {name!r} has direction {direction!r}; wanted {listing(('max', 'min'))}."
            )
        functions[name] = function
        directions.append(Metric(name, maximise=direction == "max"))
    return functions, tuple(directions)


def _inputs_and_targets(batch: Batch) -> tuple[tuple[Any, ...], Any]:
    pair = isinstance(batch, tuple | list) and len(batch) == 2
    if not pair or isinstance(batch[0], Mapping):
        found = f"a {type(batch).__name__}" + (" with inputs in a mapping" if pair else "")
        raise TaskError(
            f"a batch is {found}, and not (inputs, targets). Write a Task of your own with step() "
            "and measure(): see docs/tutorial/own-network.md."
        )
    inputs, targets = batch
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), targets


def _first_example(loader: DataLoader[Any]) -> tuple[Tensor, ...]:
    with untouched():
        for batch in SeededLoader(loader, Key(0), "train"):
            inputs, _ = _inputs_and_targets(batch)
            require_kinds_of_inputs(inputs)
            return tuple(value[:1] for value in inputs)
    raise TaskError("the training loader is empty: not even one example to run the network on.")
