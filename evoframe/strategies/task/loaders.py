"""A task from what a PyTorch user already has: a network, data loaders, a loss and metrics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evoframe.errors import TaskError, listing
from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key, untouched
from evoframe.roles import Batch, Split, Task

Measure = Callable[[Any, Any], Tensor]
"""Takes outputs and targets; returns a value for each example, or the mean of the batch."""

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
    inputs: tuple[Tensor, ...]
    parameters: tuple[str, ...] | None
    trained: bool

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics in the order in which they were given."""
        return self.directions

    @property
    def is_trained(self) -> bool:
        """As it was said when the task was made."""
        return self.trained

    def ancestor(self, key: Key) -> nn.Module:
        """Return a copy of the network."""
        # A copy, because a run may train its ancestor and the network belongs to somebody.
        return copy.deepcopy(self.network)

    def example_inputs(self) -> tuple[Tensor, ...]:
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
        return SeededLoader(loader, shuffle if shuffle is not None else Key(0).at(split))

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


@attrs.frozen(eq=False)
class SeededLoader:
    """A data loader whose own generators are seeded for one pass and then put back."""

    loader: DataLoader[Any]
    key: Key

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        generators = _generators(self.loader)
        # They are the user's own, and may be in use elsewhere.
        states = [generator.get_state() for generator in generators]
        try:
            for generator in generators:
                generator.manual_seed(self.key.at("loader").integer())
            yield from self.loader
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)


def task(
    *,
    network: nn.Module,
    train: DataLoader[Any],
    validation: DataLoader[Any],
    loss: Measure,
    metrics: Mapping[str, Direction] | None = None,
    test: DataLoader[Any] | None = None,
    example_inputs: tuple[Tensor, ...] | None = None,
    evolvable: tuple[str, ...] | None = None,
    trained: bool = True,
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
        example_inputs: inputs for one forward pass; the first training example if not given.
        evolvable: names of the parameters that may evolve; all weights of convolutions and
            linear layers but the last if not given.
        trained: whether the network is trained already; if not, the run trains it first.

    Raises:
        TaskError: a loader keeps its workers, a direction is unknown, or there is no example.
    """
    _require_kinds(network, train, validation, loss, metrics, example_inputs, evolvable)
    loaders = {"train": train, "validation": validation, "test": test}
    for split, loader in loaders.items():
        if loader is not None and getattr(loader, "persistent_workers", False):
            raise TaskError(
                f"the {split} loader keeps its workers alive, and with them random state from one "
                "life to the next. Build it with persistent_workers=False."
            )
    functions, directions = _metrics(metrics or {"loss": (loss, "min")})
    return LoaderTask(
        network=network,
        loaders=loaders,
        loss=loss,
        functions=functions,
        directions=directions,
        inputs=example_inputs or _first_example(train),
        parameters=evolvable,
        trained=trained,
    )


def _require_kinds(
    network: Any, train: Any, validation: Any, loss: Any, metrics: Any, inputs: Any, names: Any
) -> None:
    wanted = (
        ("network", network, isinstance(network, nn.Module), "a torch.nn.Module"),
        ("train", train, isinstance(train, DataLoader), "a torch.utils.data.DataLoader"),
        ("validation", validation, isinstance(validation, DataLoader), "a DataLoader"),
        ("loss", loss, callable(loss), "a function of outputs and targets"),
        ("metrics", metrics, metrics is None or isinstance(metrics, Mapping), "a mapping"),
        ("example_inputs", inputs, inputs is None or isinstance(inputs, tuple), "a tuple"),
        ("evolvable", names, names is None or isinstance(names, tuple | list), "a tuple of names"),
    )
    for name, value, fits, what in wanted:
        if not fits:
            found = type(value).__name__
            raise TaskError(f"evoframe.task({name}=...) was given a {found}; wanted {what}.")


def _metrics(given: Mapping[str, Direction]) -> tuple[dict[str, Measure], tuple[Metric, ...]]:
    functions, directions = {}, []
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
        for batch in SeededLoader(loader, Key(0)):
            inputs, _ = _inputs_and_targets(batch)
            return tuple(value[:1] for value in inputs)
    raise TaskError("the training loader is empty: not even one example to run the network on.")


def _generators(loader: DataLoader[Any]) -> list[torch.Generator]:
    holders: list[Any] = [loader, loader.sampler, loader.batch_sampler]
    while (inner := getattr(holders[-1], "sampler", None)) is not None:
        holders.append(inner)  # samplers wrap samplers
    found = [getattr(holder, "generator", None) for holder in holders]
    unique = {id(one): one for one in found if isinstance(one, torch.Generator)}
    return list(unique.values())
