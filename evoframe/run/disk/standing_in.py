"""Standing in: for a task that lived in a Python session, of which a run records what it can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn

from evoframe.config import references
from evoframe.config.naming import IN_SESSION
from evoframe.errors import ConfigError, RunError, TaskError
from evoframe.export.answers import (
    answers_of_architecture,
    apart_of,
    arguments_like,
    shapes_told,
    tolerance_of,
)
from evoframe.export.unwrapping import unwrapped
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.key import Key
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.roles import Batch, Split, Task

SESSION = "session"
"""The table within the record for a task that no file holds."""


def described(task: Task, network: nn.Module) -> dict[str, Any]:
    """What a record can hold of a task that no file does.

    Its metrics, the shapes of its example inputs, and what tells its network from others.
    """
    metrics = [one.in_table() for one in task.metrics]
    inputs = task.example_inputs()
    if (shapes := shapes_told(inputs)) is None:
        return {"metrics": metrics}
    answers = answers_of_architecture(network, inputs)
    known: dict[str, Any] = {} if answers is None else {"answers": answers}
    taught = task.training_inputs()
    if taught is not None and (told := shapes_told(taught)) is not None:
        known["training_inputs"] = told
    return {"metrics": metrics, "inputs": shapes, **known}


def is_same_architecture(recorded: Mapping[str, Any], network: nn.Module, inputs: Inputs) -> bool:
    """Tell whether a network computes what the recorded one would; true if that is not known.

    Args:
        recorded: the table ``[record]``.
        network: whatever its weights are.
        inputs: example inputs.
    """
    due = recorded.get(SESSION, {}).get("answers")
    if due is None:
        return True
    found = answers_of_architecture(network, inputs)
    if found is None or found["inputs"] != due["inputs"]:
        return False
    return apart_of(due["outputs"], found["outputs"]) <= tolerance_of(network)


def is_in_session(tables: Mapping[str, Any]) -> bool:
    """Tell whether the task of a record lived in a Python session."""
    task = tables.get("task")
    return isinstance(task, Mapping) and task.get("use") == IN_SESSION


def metrics_of(recorded: Mapping[str, Any], individuals: Iterable[Individual]) -> list[Metric]:
    """The metrics of a task that lived in a Python session; the first is the primary one.

    Runs from before metrics were on record name them in what was measured, in no order.

    Raises:
        RunError: nobody can tell which one is the primary one.
    """
    if found := recorded.get(SESSION, {}).get("metrics"):
        return [Metric.from_table(one) for one in found]
    measured = (one.fitness.validation for one in individuals if one.fitness is not None)
    names = sorted(next(iter(measured), {}))
    if len(names) != 1:
        raise RunError(
            f"the task of this run was made in a Python session, and which of its metrics "
            f"({', '.join(names) or 'none'}) came first is not on record. Pass the task: "
            "evoframe.open_run(path, task=...)."
        )
    return [Metric(names[0], maximise=names[0] != "loss")]


@attrs.frozen(eq=False)
class StandIn(Task):
    """A task of which nothing is known but what networks are grown from.

    Attributes:
        factory: builds the network that was evolved, or that and its example inputs.
        recorded: the table ``[record]`` of the run.
        names: of the parameters that evolved.
        known: the metrics.
    """

    name: ClassVar[str] = SESSION
    traits: ClassVar[frozenset[str]] = frozenset({"trained"})

    factory: Callable[[], Any]
    recorded: Mapping[str, Any]
    names: tuple[str, ...]
    known: tuple[Metric, ...]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics as they are on record."""
        return self.known

    def ancestor(self, key: Key) -> nn.Module:
        """The network of the factory; its weights do not matter."""
        return self._made()[0]

    def example_inputs(self) -> Inputs:
        """The inputs of the factory, else zeros of the shapes on record."""
        given = self._made()[1]
        if given is not None:
            return given
        shapes = self.recorded.get(SESSION, {}).get("inputs")
        if shapes is None:
            raise TaskError(
                "the example inputs of this run are not on record. Let the factory return a pair: "
                "the network, and its example inputs."
            )
        return arguments_like(shapes, _zeros)

    def training_inputs(self) -> Inputs | None:
        """Zeros of the shapes on record, if there are any."""
        told = self.recorded.get(SESSION, {}).get("training_inputs")
        return None if told is None else arguments_like(told, _zeros)

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """The parameters that evolved."""
        return self.names

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """No data: they were in the session."""
        return ()

    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Refused: the loss was in the session."""
        raise _gone()

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Refused: the metrics were in the session."""
        raise _gone()

    def _made(self) -> tuple[nn.Module, Inputs | None]:
        made = self.factory()
        network, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        if not isinstance(network, nn.Module) or not isinstance(
            inputs, tuple | Mapping | Arguments | None
        ):
            raise TaskError(
                f"the factory of the network gave a {type(made).__name__}; wanted a torch module, "
                "or a pair of a module and its example inputs, a tuple or a mapping of keywords."
            )
        return unwrapped(network), inputs


def _zeros(shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
    return torch.zeros(shape, dtype=kind)


def factory_of(use: str) -> Callable[[], Any]:
    """The function that a reference names.

    Raises:
        ConfigError: there is none.
    """
    if not references.is_reference(use):
        raise ConfigError(f"--network is {use!r}; wanted FILE.py:factory or module:factory.")
    found = references.named(use)
    if not callable(found):
        raise ConfigError(f"{use} is {found!r}; wanted a function that builds the network.")
    return found  # type: ignore[no-any-return]


def _gone() -> TaskError:
    return TaskError(
        "the task of this run was made in a Python session, so its loss and data "
        "are not available. "
        "Pass it from Python: evoframe.resume(path, task=...)."
    )
