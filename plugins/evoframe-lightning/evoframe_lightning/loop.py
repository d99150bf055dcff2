"""The loop of Lightning's ``Trainer``, with the moments of a life in it.

A LightningModule is trained as it is, by its own ``training_step``, optimisers and schedules. Any
other network is put into one that takes the loss from the task. Batches come from the task, in the
order that the life's key says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from evoframe.plugin import Context, Phenotype, TaskError, TrainingResult, sealed
from evoframe_lightning.libraries import any_library, library_of, needed
from evoframe_lightning.life import Life
from evoframe_lightning.putting_down import PutDown, found, put_down, take_up, take_up_learning
from evoframe_lightning.trainers import Pass, let_go, trainer_of

RATE = 1e-3
"""Adam's step size for a network that has no optimiser of its own, as in Lightning's examples."""

REFUSED = "Expected more than 1 value per channel when training"
"""How torch's batch norm says that a batch has one example."""


def lived(training: Any, phenotype: Phenotype, context: Context) -> TrainingResult:
    """Live a life to the end of its schedule, from where it was put down.

    Raises:
        StillbornError: the loss stopped being a number.
        TaskError: nothing can be learned from a batch, or a schedule looks at what is not there.
    """
    life, network = Life(training, phenotype, context), phenotype.network
    library, before = library_of(network) or any_library(), found(life)
    with sealed(context.key.at("training", "lightning")), _told(library):
        if before is None:
            life.begin()
        else:
            take_up(life, before)
        network.train()
        try:
            _fit(life, library, before)
        finally:
            life.close()
            let_go(network, context.device)
    if not life.epoch:
        raise TaskError(f"task {context.task.name!r} has no training batch at all.")
    life.phenotype.enforce()
    return life.result()


def _fit(life: Life, library: str, before: PutDown | None) -> None:
    training, device = life.training, life.context.device
    options: dict[str, Any] = {
        **training.arguments.given(),
        "max_epochs": training.epochs,
        "limit_val_batches": 1.0 if training.sees == "validation" else 0,
        "log_every_n_steps": 1,
        "callbacks": [moments(library, life, before)],
        "strategy": alive(library, life),
    }
    if training.logs is not None:
        loggers = needed(f"{library}.loggers")
        options["logger"] = loggers.CSVLogger(training.logs, name="", version=life.context.id)
    network = life.phenotype.network
    with trainer_of(library, device, **options) as trainer:
        module = network if library_of(network) else shell(library, life)
        checked = Pass(life.context.task.batches("validation")) if training.validates else None
        trainer.fit(module, Batches(life), checked)


class Batches:
    """The training split of a task as a loader: another order in every epoch, by the key."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def __len__(self) -> int:
        return len(self._pass())

    def __iter__(self) -> Iterator[Any]:
        # The epoch is known when the first batch is asked for, and not before.
        yield from self._pass()

    def _pass(self) -> Any:
        context, epoch = self.life.context, self.life.epoch
        shuffle = context.key.at("training", "shuffle", epoch)
        size = self.life.training.batch_size
        return context.task.batches("train", shuffle=shuffle, batch_size=size)


def alive(library: str, life: Life) -> Any:
    """Return the strategy for one device that lets a life act on losses and steps."""
    kind = needed(f"{library}.strategies").SingleDeviceStrategy

    class Alive(kind):  # type: ignore[misc, valid-type]
        def training_step(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
            return life.learned(super().training_step(batch, *args, **kwargs), batch)

        def optimizer_step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            done = super().optimizer_step(optimizer, *args, **kwargs)
            life.after_step(optimizer)
            return done

    return Alive(device=life.context.device)


def moments(library: str, life: Life, before: PutDown | None) -> Any:
    """Return the callback that tells a life of the moments that a trainer tells of."""
    kind = needed(library).Callback

    class Moments(kind):  # type: ignore[misc, valid-type]
        over = False

        def on_train_start(self, trainer: Any, module: Any) -> None:
            if before is not None:
                take_up_learning(trainer, before)

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            self.turn(trainer)
            life.begin_epoch()

        def on_before_optimizer_step(self, trainer: Any, module: Any, optimizer: Any) -> None:
            life.after_backward()

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            life.end_epoch()
            self.over = True

        def on_train_end(self, trainer: Any, module: Any) -> None:
            self.turn(None)

        def turn(self, trainer: Any) -> None:
            """Close an epoch: only now has everybody ended it, schedules and the module too."""
            if not self.over:
                return
            self.over = False
            life.close()
            life.phenotype.enforce()
            if trainer is not None:
                put_down(life, trainer)
            life.tell()

    return Moments()


def shell(library: str, life: Life) -> Any:
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
            return torch.optim.Adam(learning, life.training.learning_rate or RATE)

    return Shell(life.phenotype.network)


@contextmanager
def _told(library: str) -> Iterator[None]:
    """Say in words of a task what a trainer refuses.

    Raises:
        TaskError: a batch has one example, or a schedule looks at what is not logged.
    """
    refused = needed(f"{library}.utilities.exceptions").MisconfigurationException
    try:
        yield
    except ValueError as error:
        if not str(error).startswith(REFUSED):
            raise
        raise TaskError(
            "a training batch has one example, and batch norm needs two. Another batch_size or "
            "drop_last=True in the loader avoids it."
        ) from error
    except (refused, RuntimeError) as error:
        if not isinstance(error, refused) and "Early stopping conditioned on" not in str(error):
            raise
        raise TaskError(
            f"Lightning refuses to train: {' '.join(str(error).split())[:300]} While an individual "
            "learns, only what training_step logs is there; training 'lightning-validated' looks "
            "at validation data too."
        ) from error
