"""A task from a LightningModule and its data: its own steps, and the metrics that it logs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import attrs
import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import (
    Batch,
    Key,
    Measurement,
    Metric,
    Split,
    Task,
    TaskError,
)
from evoframe_lightning.data import loaders_of
from evoframe_lightning.libraries import library_of
from evoframe_lightning.trainers import Pass, let_go, quiet, trainer_of

Direction = Literal["max", "min"]
Unit = Literal["share", "number"]


@attrs.frozen(eq=False)
class LightningTask(Task):
    """A task made by :func:`evoframe_lightning.task`; it lives in the session that made it."""

    name: ClassVar[str] = "lightning"

    module: nn.Module = attrs.field(repr=lambda one: type(one).__name__)
    inner: Task = attrs.field(repr=False)
    directions: tuple[Metric, ...]
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
        """Return a copy of the LightningModule."""
        return self.inner.ancestor(key)

    def example_inputs(self) -> Any:
        """Return one example."""
        return self.inner.example_inputs()

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return the parameters that were named, or the usual ones."""
        return self.inner.evolvable(network)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return one pass over a split."""
        return self.inner.batches(split, shuffle=shuffle, batch_size=batch_size)

    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of ``training_step``, without a trainer.

        Raises:
            TaskError: it needs one, or gives no loss.
        """
        called: Any = network
        try:
            with quiet():
                given = called.training_step(batch, *[0][: _takes_index(called.training_step)])
        except RuntimeError as error:
            if "is not attached to a `Trainer`" not in str(error):
                raise
            raise TaskError(
                f"training_step of {type(network).__name__} asks for self.trainer, and a survey "
                "has none. self.current_epoch and self.global_step can be asked for everywhere."
            ) from error
        loss = given.get("loss") if isinstance(given, Mapping) else given
        if not isinstance(loss, Tensor):
            raise TaskError(
                f"training_step of {type(network).__name__} gave a {type(loss).__name__}; wanted "
                "the loss, or a mapping that has it as 'loss'."
            )
        return loss

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Return what ``validation_step`` logs for one batch: its mean."""
        device = next((one.device for one in network.parameters()), torch.device("cpu"))
        logged = self._logged(network, [batch], device)
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in logged.items()}

    def evaluate(
        self, network: nn.Module, split: Split, device: torch.device
    ) -> Mapping[str, Measurement]:
        """Return the metrics that Lightning's Trainer tells of a split, by ``validation_step``."""
        batches = self.batches(split)
        if not isinstance(batches, tuple) or batches:
            logged = self._logged(network, batches, device)
            return {name: Measurement(value) for name, value in logged.items()}
        return {}

    def _logged(self, network: Any, batches: Any, device: torch.device) -> dict[str, float]:
        """Return the metrics that are logged over batches.

        Raises:
            TaskError: one of them is not.
        """
        library = library_of(network)
        assert library is not None
        modes = [(module, module.training) for module in network.modules()]
        try:
            with trainer_of(library, device) as trainer:
                trainer.validate(network, Pass(batches), verbose=False)
                logged = dict(trainer.callback_metrics)
        finally:
            let_go(network, device)
            for module, training in modes:
                module.training = training
        missing = [one.name for one in self.metrics if one.name not in logged]
        if missing:
            raise TaskError(
                f"validation_step of {type(network).__name__} logs no {missing[0]!r}; it logs "
                f"{', '.join(map(repr, logged)) or 'nothing'}. Name one of those in metrics=."
            )
        return {one.name: float(logged[one.name]) for one in self.metrics}


def task(
    module: nn.Module,
    data: Any = None,
    *,
    metrics: Mapping[str, Direction | tuple[Direction, Unit]],
    trained: bool = False,
    example_inputs: Any = None,
    evolvable: tuple[str, ...] | None = None,
) -> LightningTask:
    """Return a task made from a LightningModule and its data.

    ``training_step`` gives the loss, ``configure_optimizers`` is asked by the training
    ``lightning``, and what ``validation_step`` logs are the metrics. ``forward`` must use the
    layers as these steps do: by it the network is surveyed.

    Args:
        module: the ancestor; copied, never changed.
        data: a LightningDataModule; or a mapping of the loaders ``train``, ``validation`` and
            perhaps ``test``; the LightningModule's own loaders if not given.
        metrics: the names under which metrics are logged, each with the direction that is better,
            as in ``{"val_acc": "max"}``, or with its unit, as in ``{"val_err": ("min", "share")}``.
            The first is the primary metric.
        trained: whether the network is trained already; if not, the run trains it first.
        example_inputs: inputs for one forward pass; ``example_input_array`` of the module if not
            given, and without that the inputs of the first training example.
        evolvable: names of the parameters that may evolve; the usual ones if not given.

    Raises:
        ConfigError: Lightning is not installed.
        TaskError: the module or the data will not do.
    """
    _require(module, metrics)
    loaders = loaders_of(data if data is not None else module)
    lightning: Any = module
    lightning.configure_model()  # does nothing where the layers are there already
    try:
        inner = evoframe.task(
            network=module,
            train=loaders["train"],
            validation=loaders["validation"],
            test=loaders.get("test"),
            loss=_unused,
            metrics={name: (_unused, *_way(said)) for name, said in metrics.items()},
            example_inputs=_inputs(module, example_inputs),
            evolvable=evolvable,
            trained=trained,
        )
    except TaskError as error:
        if not any(option in str(error) for option in ("forward=", "targets=", "example_inputs=")):
            raise
        raise TaskError(
            f"{error} Of a LightningModule: set its example_input_array, or say example_inputs= "
            "of evoframe_lightning.task."
        ) from error
    return LightningTask(module, inner, inner.metrics, trained)


def _unused(outputs: Any, targets: Any) -> Any:
    """Stand for losses and metrics, which a LightningModule computes itself."""
    raise NotImplementedError


def _way(said: Any) -> tuple[Any, ...]:
    """Return the direction of a metric, and its unit if that was said."""
    return said if isinstance(said, tuple) and said else (said,)


def _require(module: Any, metrics: Any) -> None:
    if library_of(module) is None:
        raise TaskError(
            f"evoframe_lightning.task was given a {type(module).__name__}; wanted a "
            "LightningModule. For any other network there is evoframe.task."
        )
    if not module.automatic_optimization:
        raise TaskError(
            f"{type(module).__name__} optimises manually, so its training_step gives no loss that "
            "a run could learn from. Set automatic_optimization = True."
        )
    said = list(metrics.values()) if isinstance(metrics, Mapping) else []
    if not said or not {_way(one)[0] for one in said} <= {"max", "min"}:
        raise TaskError(
            "metrics= of evoframe_lightning.task names what validation_step logs, with the "
            "direction that is better, and for max_drop with its unit if need be, as "
            f"{{'val_acc': 'max', 'val_err': ('min', 'share')}}; found {metrics!r}."
        )
    taken = inspect.signature(module.training_step).parameters
    if "dataloader_iter" in taken or _takes_index(module.training_step) > 1:
        raise TaskError(
            f"training_step of {type(module).__name__} takes {', '.join(taken)}; wanted a batch "
            "and perhaps its index."
        )


def _takes_index(step: Any) -> int:
    """Return how many arguments a step takes beside the batch."""
    taken = inspect.signature(step).parameters.values()
    return sum(one.default is one.empty and one.kind is not one.VAR_KEYWORD for one in taken) - 1


def _inputs(module: Any, given: Any) -> Any:
    found = module.example_input_array if given is None else given
    if found is None:
        return None
    return found if isinstance(found, tuple | Mapping) else (found,)
