"""Given: what somebody hands to ``shrink``, checked, and as a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import isclass
from typing import Any, ClassVar

import attrs
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evoframe.errors import ConfigError, EvoframeError
from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key
from evoframe.kernel.life import Batch, Split
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.roles import Task
from evoframe.strategies.task.loading import takes_singles
from evoframe.strategies.task.making import Data, task
from evoframe.strategies.task.reading import Forward, Targets

NO_DATA = (
    "an importance of gradients or activations needs data, and so do statistics of batch norms: "
    "shrink(..., data=loader, loss=torch.nn.functional.cross_entropy). Or use "
    "importance='magnitude'."
)


@attrs.frozen(eq=False)
class Given(Task):
    """A network and its example inputs, without data."""

    name: ClassVar[str] = "given"
    traits: ClassVar[frozenset[str]] = frozenset({"trained"})

    network: nn.Module
    inputs: Inputs
    parameters: tuple[str, ...] | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """None is ever measured."""
        return ()

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network."""
        return self.network

    def example_inputs(self) -> Inputs:
        """Return the example inputs."""
        return self.inputs

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return the parameters that were named, or the usual ones."""
        return self.parameters if self.parameters is not None else super().evolvable(network)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Refuse: there are none."""
        raise ConfigError(NO_DATA)

    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Refuse: there is no loss."""
        raise ConfigError(NO_DATA)

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Return nothing."""
        return {}


@contextmanager
def told_of_data(what: str, task: object, instead: str) -> Iterator[None]:
    """Say in one line what somebody's network, loss or data raised while they were asked.

    Args:
        what: is asked of them.
        task: theirs; without data nothing of somebody's own is asked.
        instead: what they should give, or do without.

    Raises:
        ConfigError: they raised something.
    """
    try:
        yield
    except EvoframeError:
        raise
    except Exception as error:
        if isinstance(task, Given):
            raise
        said = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"{what} cannot be computed for this network, its loss and its data: "
            f"{type(error).__name__}: {said}. Pass examples in the network's input "
            f"format{instead}."
        ) from error


def require_network(network: object) -> None:
    """Refuse what is no network that could be shrunk.

    Raises:
        ConfigError: what it is.
    """
    if isinstance(network, nn.Module):
        return
    found = f"the class {network.__name__}" if isclass(network) else type(network).__name__
    raise ConfigError(
        f"shrink(network) was given {found}; wanted a torch.nn.Module, built and with its "
        "weights loaded."
    )


def chosen(importance: str | None, data: Data | None) -> str:
    """Return the importance, if none is named the best that there are data for.

    Raises:
        ConfigError: it takes examples one by one, which these data do not give.
    """
    singles = not isinstance(data, DataLoader) or data.batch_size == 1 or takes_singles(data)
    if importance is None:
        importance = "magnitude" if data is None else "fisher" if singles else "taylor"
    if importance == "fisher" and not singles:
        raise ConfigError(
            "importance='fisher' takes examples one by one, and this loader only gives "
            "batches. Hand over a data set or tensors in memory, or use importance='taylor'."
        )
    return importance


def task_of(
    network: nn.Module,
    example_inputs: Inputs | None,
    data: Data | None,
    loss: Any,
    forward: Forward | None,
    targets: Targets | None,
    evolvable: tuple[str, ...] | None,
) -> Task:
    """Return the task of what somebody gives; see :func:`evoframe.shrink`.

    Raises:
        ConfigError: neither inputs nor data are given.
        TaskError: data cannot be read.
    """
    if data is not None:
        return task(
            network=network,
            train=data,
            validation=data,
            loss=loss,
            metrics={"passed": _passed},
            forward=forward,
            targets=targets,
            example_inputs=example_inputs,
            evolvable=evolvable,
        )
    if example_inputs is None:
        raise ConfigError(
            "shrink(network) needs inputs for one forward pass: shrink(network, (inputs,), ...), "
            "or data=loader."
        )
    Arguments.of(example_inputs)
    return Given(network, example_inputs, evolvable)


def _passed(_outputs: Any, _targets: Any) -> float:
    """Return nothing that counts: whoever asks for a forward pass alone asks for a metric."""
    return 0.0
