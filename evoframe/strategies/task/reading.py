"""Reading batches: which part of one the network is given, and what its outputs are held to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from torch import Tensor, nn

from evoframe.errors import TaskError
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.nested import is_dataclass
from evoframe.roles import Batch
from evoframe.roles.measuring import examples_in, length_of

LABELS = "labels"
"""The entry that is the targets unless a task says otherwise, as transformers call it."""

SAY = "Say what goes where: forward= and targets= of evoframe.task."

Entry = str | int
"""A key of a mapping, a field, or a place."""

Forward = Callable[[nn.Module, Batch], Any] | Entry | tuple[Entry, ...] | Mapping[str, Entry]
"""A function of the network and a batch; or the entry that the network is given, the entries by
position, or those by keyword."""

Targets = Callable[[Batch], Any] | Entry | tuple[Entry, ...]
"""A function of a batch, or the entry or entries that outputs are held to."""


@attrs.frozen(eq=False)
class Reading:
    """How batches are read.

    Attributes:
        forward: what the network is given, or a function that runs it; None for the usual.
        targets: what outputs are held to; None for the usual.
        gives_loss: whether the network computes its loss, and so is given its targets as well.
    """

    forward: Forward | None = None
    targets: Targets | None = None
    gives_loss: bool = False

    @property
    def is_described(self) -> bool:
        """Whether anything was said of what goes where."""
        return self.forward is not None or self.targets is not None

    def outputs(self, network: nn.Module, batch: Batch) -> Any:
        """Return the outputs of a network for a batch."""
        if callable(self.forward):
            return self.forward(network, batch)
        return self.arguments(batch, with_targets=self.gives_loss).call(network)

    def arguments(self, batch: Batch, *, with_targets: bool) -> Arguments:
        """Return the arguments that a network is given of a batch.

        Args:
            batch: of a loader.
            with_targets: also those of a mapping or of named fields that are its targets.

        Raises:
            TaskError: it cannot be told which they are.
        """
        described = self.forward
        assert not callable(described)
        if isinstance(described, Mapping):
            return Arguments((), {name: entry_of(batch, one) for name, one in described.items()})
        if isinstance(described, tuple | list):
            return Arguments(tuple(entry_of(batch, one) for one in described))
        if described is not None:
            return _as_arguments(entry_of(batch, described))
        if is_pair(batch) and (callable(self.targets) or self.targets in (None, 1, -1)):
            return _as_arguments(batch[0])
        return self._others(batch, with_targets=with_targets)

    def targets_of(self, batch: Batch) -> Any:
        """Return the targets of a batch; None where there are none.

        Raises:
            TaskError: it cannot be told which they are.
        """
        if callable(self.targets):
            return self.targets(batch)
        if isinstance(self.targets, tuple | list):
            return tuple(entry_of(batch, one) for one in self.targets)
        if self.targets is not None:
            return entry_of(batch, self.targets)
        if is_pair(batch):
            return batch[1]
        if LABELS in _named(batch):
            return entry_of(batch, LABELS)
        if self.gives_loss and _named(batch):
            return None
        raise _unreadable(batch, "targets=")

    def _others(self, batch: Batch, *, with_targets: bool) -> Arguments:
        """Return all entries of a batch that are not its targets: by name, or in their order."""
        named = LABELS if self.targets is None else self.targets
        taken: Any = named if isinstance(named, tuple | list) else (named,)
        if names := _named(batch):
            if isinstance(batch, tuple):
                taken = [names[one] if isinstance(one, int) else one for one in taken]
            held = [one for one in names if with_targets or one not in taken]
            return Arguments((), {name: entry_of(batch, name) for name in held})
        if isinstance(batch, Tensor) and callable(self.targets):
            return Arguments((batch,))
        if not isinstance(batch, tuple | list) or self.targets is None or callable(self.targets):
            raise _unreadable(batch, "forward=")
        places = {one % len(batch) for one in taken if isinstance(one, int)}
        return Arguments(tuple(one for i, one in enumerate(batch) if i not in places))

    def told(self, batch: Batch) -> Any:
        """Return the inputs as a function is given them that counts examples."""
        if callable(self.forward):
            return batch
        given = self.arguments(batch, with_targets=False)
        return given.kwargs or given.args


def size_of(
    reading: Reading, batch: Batch, count: Callable[[Any, Any], int] | None = None
) -> int | None:
    """Return the number of examples in a batch; None where that cannot be told.

    Args:
        reading: how the batch is read.
        batch: of a loader.
        count: counts them from inputs and targets; without, the length of the targets says it, or
            all parts together where these do not.
    """
    targets = reading.targets_of(batch)
    if count is not None:
        return _counted(count, reading.told(batch), targets)
    found = None if targets is None else length_of(targets)
    return examples_in(batch) if found is None and not is_pair(batch) else found


def _counted(count: Callable[[Any, Any], int], inputs: Any, targets: Any) -> int:
    try:
        return int(count(inputs, targets))
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise TaskError(
            "evoframe.task(examples=...) takes inputs and targets and returns how many examples "
            f"they hold; it raised {type(error).__name__}: {said}."
        ) from error


def entry_of(value: Any, name: Entry) -> Any:
    """Return an entry of a batch or of outputs: of a mapping, a field, or a place.

    Raises:
        TaskError: it has no such entry.
    """
    if isinstance(value, Mapping) and name in value:
        return value[name]
    if isinstance(name, str) and not isinstance(value, Mapping) and hasattr(value, name):
        return getattr(value, name)
    if (
        isinstance(name, int)
        and isinstance(value, tuple | list)
        and -len(value) <= name < len(value)
    ):
        return value[name]
    raise TaskError(f"there is no {name!r} in {described(value)}. {SAY}")


def described(value: Any) -> str:
    """Return a batch or outputs in words."""
    if names := _named(value):
        return f"a {type(value).__name__} of {', '.join(map(repr, names))}"
    if isinstance(value, tuple | list):
        kinds = ", ".join(type(one).__name__ for one in value[:6])
        return f"a {type(value).__name__} of {len(value)} ({kinds})"
    return f"a {type(value).__name__}"


def _named(batch: Batch) -> list[str]:
    """Return the names of a batch's entries; none where it has places only."""
    if isinstance(batch, Mapping):
        return list(batch)
    if is_dataclass(batch):
        return [one.name for one in dataclasses.fields(batch)]
    return list(getattr(batch, "_fields", ()))


def is_pair(batch: Batch) -> bool:
    """Tell whether a batch has two parts, as inputs and targets are."""
    return isinstance(batch, tuple | list) and len(batch) == 2


def _as_arguments(inputs: Any) -> Arguments:
    """Return inputs as arguments: those of a mapping by keyword, those of a tuple by position."""
    if isinstance(inputs, Mapping):
        return Arguments((), dict(inputs))
    return Arguments(tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,))


def _unreadable(batch: Batch, option: str) -> TaskError:
    return TaskError(
        f"a batch is {described(batch)}, and not (inputs, targets) or a mapping with 'labels'. "
        f"Say what goes where with {option} of evoframe.task, such as forward=('a', 'b'), "
        "targets='c', or forward=lambda network, batch: ..."
    )
