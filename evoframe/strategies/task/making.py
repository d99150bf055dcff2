"""A task from what a PyTorch user already has: a network, data, a loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.utils.data import DataLoader, Dataset

from evoframe.errors import TaskError
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.strategies.task.example import first_example, require_taken, taught_example
from evoframe.strategies.task.in_memory import SIZE, WANTED, OwnLoader, own_loader
from evoframe.strategies.task.labels import classes_of, require_labels
from evoframe.strategies.task.loaders import Count, LoaderTask
from evoframe.strategies.task.loading import (
    SeededLoader,
    require_kinds_of_inputs,
    require_many_passes,
)
from evoframe.strategies.task.losses import Loss, loss_of
from evoframe.strategies.task.metrics import metrics_of
from evoframe.strategies.task.reading import (
    Entry,
    Forward,
    Reading,
    Targets,
    is_pair,
    size_of,
)

GIVEN = (tuple, Mapping, Arguments, type(None))
"""What example inputs may be."""

NAMED = '{"accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float()}'

Data = DataLoader[Any] | Dataset[Any] | tuple[Any, ...] | Mapping[str, Any]
"""A loader, a data set, or tensors in memory with one axis for examples."""


def task(
    *,
    network: nn.Module,
    train: Data,
    validation: Data,
    loss: Loss | Mapping[Entry, Loss] | None = None,
    metrics: Mapping[str, Any] | None = None,
    test: Data | None = None,
    forward: Forward | None = None,
    targets: Targets | None = None,
    example_inputs: Inputs | None = None,
    evolvable: tuple[str, ...] | None = None,
    trained: bool = True,
    examples: Count | None = None,
    batch_size: int | None = None,
    collate_fn: Callable[[list[Any]], Any] | None = None,
) -> LoaderTask:
    """Return a task made from a network, data, a loss and metrics.

    Batches are ``(inputs, targets)``, where inputs may be a tensor, a tuple of arguments or a
    mapping of keyword arguments; or a mapping with ``labels``, as of transformers. ``forward`` and
    ``targets`` describe other formats.

    Args:
        network: the ancestor; copied, never changed.
        train: training data: a loader, a data set, or tensors in memory, as
            ``(inputs, targets)`` or a mapping, with one axis for examples.
        validation: data for selection, in a fixed order.
        loss: takes outputs and targets, returns a scalar with its graph. A mapping of such
            functions gives the sum over entries of outputs and targets. Without, the network
            computes it: the ``loss`` of ``network(**batch)``.
        metrics: by name, a function of outputs and targets that returns a value for each example
            (or the batch's mean), or a metric over the data set: ``evoframe.over_data_set(...)``,
            or an object with ``update``, ``compute`` and ``reset``. Larger is better unless it is
            given as ``(metric, "min")``; ``(metric, "min", "share")`` lies in 0..1, so that drops
            count in percentage points, and ``"number"`` is no share, as are metrics whose names end
            in ``loss``. The first is the primary metric. Without any, the loss is, and smaller is
            better.
        test: data for reporting only.
        forward: a function of the network and a batch that returns outputs; or what the network
            is given of a batch: an entry (a key, field or place), a tuple of entries by position,
            or a mapping of keywords to entries.
        targets: a function of a batch; or the entry of it that is compared with the outputs, or a
            tuple of entries.
        example_inputs: inputs for one forward pass, a tuple, a mapping of keywords, or both as
            ``evoframe.Arguments``; the first training example if not given, without its targets.
        evolvable: names of the parameters that may evolve; all weights of convolutions,
            linear and recurrent layers but the last if not given.
        trained: whether the network is trained already; if not, the run trains it first.
        examples: takes inputs (the whole batch, if ``forward`` is a function) and targets of
            a batch and returns how many examples it holds, where that is not the length of the
            targets. Only metrics need it that are a batch's mean.
        batch_size: examples in a batch of a data set or of tensors in memory; 64 if not given.
        collate_fn: makes a batch of a list of examples of a data set, as a loader is given it.

    Raises:
        TaskError: a loader keeps its workers or can be read once only, a direction or a name is
            invalid, labels are out of range, inputs are no real tensors, it cannot be told what a
            batch holds, or there is no example.
    """
    _require_kinds(
        network,
        metrics,
        example_inputs,
        evolvable,
        examples,
        forward,
        targets,
        trained,
        batch_size,
    )
    given = {"train": train, "validation": validation, "test": test}
    own, loaders = _loaders(given, batch_size, collate_fn)
    measured = loss_of(loss)
    reading = Reading(forward, targets, gives_loss=loss is None)
    functions, directions = metrics_of(metrics or {"loss": (measured, "min", "number")})
    inputs, taught = _first_inputs(reading, network, loaders["train"], examples, example_inputs)
    classes = classes_of(network, inputs, measured)
    for split, loader in loaders.items():
        if loader is not None and classes is not None and forward is targets is None:
            require_labels(loader, split, classes)
    return LoaderTask(
        network=network,
        loaders=loaders,
        loss=measured,
        functions=functions,
        directions=directions,
        inputs=inputs,
        taught=taught,
        parameters=evolvable,
        trained=trained,
        count=examples,
        classes=classes,
        reading=reading,
        own=own,
    )


def _loaders(
    given: Mapping[str, Any], size: int | None, collate: Callable[[list[Any]], Any] | None
) -> tuple[dict[str, OwnLoader], dict[str, DataLoader[Any] | None]]:
    """Return the loaders that were made here, and all loaders; by split.

    Raises:
        TaskError: one is no data, or cannot be read as often as a run does.
    """
    for split in ("train", "validation"):
        if given[split] is None:
            raise TaskError(f"evoframe.task({split}=...) was given nothing; {WANTED}.")
    made = {split: own_loader(one, split, collate) for split, one in given.items()}
    own = {split: one for split, one in made.items() if one is not None}
    if size is not None and not own:
        raise TaskError(
            f"evoframe.task(batch_size={size}) is for data sets and tensors in memory, and all "
            "data are loaders, which have sizes of their own. Leave it out."
        )
    if collate is not None and not any(isinstance(one, Dataset) for one in given.values()):
        raise TaskError(
            "evoframe.task(collate_fn=...) is for data sets, and there is none: loaders have one "
            "of their own, and tensors in memory are batches as they are. Leave it out."
        )
    loaders = dict(given) | {split: one.of_size(size or SIZE) for split, one in own.items()}
    for split, loader in loaders.items():
        if loader is not None and getattr(loader, "persistent_workers", False):
            raise TaskError(
                f"the {split} loader keeps its workers alive, and with them random state from one "
                "life to the next. Build it with persistent_workers=False."
            )
        if loader is not None:
            require_many_passes(loader, split)
    return own, loaders


def _first_inputs(
    reading: Reading,
    network: nn.Module,
    loader: DataLoader[Any] | None,
    count: Count | None,
    given: Inputs | None,
) -> tuple[Inputs, Inputs | None]:
    """Return the example inputs, and what training gives the network where that is more.

    The example inputs are those that were given, else those of the first training example.

    Raises:
        TaskError: there is no example, or a batch cannot be read.
    """
    assert loader is not None
    if given is not None:
        Arguments.of(given)
        if not reading.gives_loss:
            return given, None
    with untouched():
        for batch in SeededLoader(loader, Key(0), "train"):
            reading.targets_of(batch)  # refused here if they are not to be found
            told = count is not None or reading.is_described or not is_pair(batch)
            size = size_of(reading, batch, count) if told else None
            found = first_example(reading, network, batch, size)
            require_kinds_of_inputs(found)
            require_taken(network, found)
            inputs = found.simplest if given is None else given
            taught = taught_example(reading, batch, size)
            other = taught is not None and not taught.is_like(Arguments.of(inputs))
            return inputs, taught.simplest if taught is not None and other else None
    raise TaskError("the training loader is empty: not even one example to run the network on.")


def _require_kinds(
    network: Any,
    metrics: Any,
    inputs: Any,
    evolvable: Any,
    count: Any,
    forward: Any,
    targets: Any,
    trained: Any,
    size: Any,
) -> None:
    keywords = isinstance(forward, Mapping) and all(map(_is_entry, forward.values()))
    wanted = (
        ("network", network, isinstance(network, nn.Module), "a torch.nn.Module"),
        (
            "metrics",
            metrics,
            isinstance(metrics, Mapping | None),
            "functions by name, as in " + NAMED,
        ),
        ("example_inputs", inputs, isinstance(inputs, GIVEN), "a tuple, or a mapping"),
        (
            "evolvable",
            evolvable,
            evolvable is None or (isinstance(evolvable, tuple | list) and _texts(evolvable)),
            "a tuple of names",
        ),
        ("trained", trained, isinstance(trained, bool), "True or False"),
        (
            "batch_size",
            size,
            size is None or (type(size) is int and size > 0),
            "a whole number from 1",
        ),
        ("examples", count, count is None or callable(count), "a function of inputs and targets"),
        (
            "forward",
            forward,
            keywords or _says(forward),
            "a function of the network and a batch, entries, or a mapping of keywords to entries",
        ),
        ("targets", targets, _says(targets), "a function of a batch, an entry, or a tuple of them"),
    )
    for name, value, fits, what in wanted:
        if not fits:
            found = type(value).__name__
            raise TaskError(f"evoframe.task({name}=...) was given a {found}; wanted {what}.")


def _says(given: Any) -> bool:
    """Tell whether something says what goes where."""
    several = isinstance(given, tuple | list) and bool(given) and all(map(_is_entry, given))
    return given is None or callable(given) or _is_entry(given) or several


def _texts(given: Any) -> bool:
    return all(isinstance(one, str) for one in given)


def _is_entry(given: Any) -> bool:
    return isinstance(given, str | int) and not isinstance(given, bool)
