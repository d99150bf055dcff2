"""The loop of Lightning's ``Trainer``, with the moments of a life in it.

A LightningModule is trained as it is, by its own ``training_step``, optimisers and schedules. Any
other network is put into one that takes the loss from the task. Batches come from the task, in the
order that the life's key says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from evoframe.plugin import HostedLife, TaskError
from evoframe_lightning.libraries import any_library, library_of, needed
from evoframe_lightning.states import go_on, states_of
from evoframe_lightning.trainers import Pass, let_go, trainer_of

RATE = 1e-3
"""Adam's step size for a network that has no optimiser of its own, as in Lightning's examples."""


def host(training: Any, life: HostedLife) -> None:
    """Live a life to the end of its schedule, from where it was put down.

    Raises:
        StillbornError: the loss stopped being a number.
        TaskError: nothing can be learned from a batch, or a schedule looks at what is not there.
    """
    network = life.phenotype.network
    library = library_of(network) or any_library()
    network.train()
    with _told(library):
        try:
            _fit(training, life, library)
        finally:
            let_go(network, life.context.device)


def _fit(training: Any, life: HostedLife, library: str) -> None:
    options: dict[str, Any] = {
        **training.arguments.given(),
        "max_epochs": training.epochs,
        "limit_val_batches": 1.0 if training.sees == "validation" else 0,
        "log_every_n_steps": 1,
        "callbacks": [moments(library, life)],
        "strategy": alive(library, life),
    }
    if training.logs is not None:
        loggers = needed(f"{library}.loggers")
        options["logger"] = loggers.CSVLogger(training.logs, name="", version=life.context.id)
    network, task = life.phenotype.network, life.context.task
    with trainer_of(library, life.context.device, **options) as trainer:
        module = network if library_of(network) else shell(library, life, training.learning_rate)
        checked = Pass(task.batches("validation")) if training.validates else None
        trainer.fit(module, life.batches(), checked)


def alive(library: str, life: HostedLife) -> Any:
    """Return the strategy for one device that lets a life act on losses and steps."""
    kind = needed(f"{library}.strategies").SingleDeviceStrategy

    class Alive(kind):  # type: ignore[misc, valid-type]
        def training_step(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
            given = super().training_step(batch, *args, **kwargs)
            if given is None:  # so a LightningModule passes over a batch
                return None
            if isinstance(given, Mapping):
                return {**given, "loss": life.shape(given["loss"], batch)}
            return life.shape(given, batch)

        def optimizer_step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            done = super().optimizer_step(optimizer, *args, **kwargs)
            life.after_step(optimizer)
            return done

    return Alive(device=life.context.device)


def moments(library: str, life: HostedLife) -> Any:
    """Return the callback that tells a life of the moments that a trainer tells of."""
    kind = needed(library).Callback

    class Moments(kind):  # type: ignore[misc, valid-type]
        over = False

        def on_train_start(self, trainer: Any, module: Any) -> None:
            if life.learning is not None:
                go_on(trainer, life.epoch, life.learning)

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            self.turn(lambda: states_of(trainer))
            life.begin_epoch()

        def on_before_optimizer_step(self, trainer: Any, module: Any, optimizer: Any) -> None:
            life.after_backward()

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            self.over = True

        def on_train_end(self, trainer: Any, module: Any) -> None:
            self.turn(lambda: None)

        def turn(self, states: Callable[[], dict[str, Any] | None]) -> None:
            """End an epoch: only now has everybody ended it, schedules and the module too."""
            if self.over:
                self.over = False
                life.end_epoch(states())

    return Moments()


def shell(library: str, life: HostedLife, rate: float | None) -> Any:
    """Return a LightningModule around a network that is none: its loss is the task's."""

    class Shell(needed(library).LightningModule):  # type: ignore[misc]
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: Any, _: int) -> Any:
            return life.context.task.step(self.network, batch)

        def validation_step(self, batch: Any, _: int) -> None:
            pass

        def configure_optimizers(self) -> Any:
            learning = [one for one in self.network.parameters() if one.requires_grad]
            return torch.optim.Adam(learning, rate or RATE)

    return Shell(life.phenotype.network)


@contextmanager
def _told(library: str) -> Iterator[None]:
    """Say in words of a task what a trainer refuses.

    Raises:
        TaskError: a schedule looks at what is not logged.
    """
    refused = needed(f"{library}.utilities.exceptions").MisconfigurationException
    try:
        yield
    except (refused, RuntimeError) as error:
        if not isinstance(error, refused) and "Early stopping conditioned on" not in str(error):
            raise
        raise TaskError(
            f"Lightning refuses to train: {' '.join(str(error).split())[:300]} While an individual "
            "learns, only what training_step logs is there; training 'lightning-validated' looks "
            "at validation data too."
        ) from error
