"""The loop of ``transformers.Trainer``, with the moments of a life in it.

Batches and the loss come from the task, in the order that the life's key says, so any task can be
trained so, and what is never asked for is validation data. Every epoch is sealed by its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerState, TrainingArguments

from evoframe.plugin import ConfigError, Context, Phenotype, TaskError, TrainingResult, sealed
from evoframe_transformers.life import Life
from evoframe_transformers.putting_down import found, put_down, take_up

STATE = "trainer_state.json"
"""Where Trainer looks for how far a life has come."""

REFUSED = "Expected more than 1 value per channel when training"
"""How torch's batch norm says that a batch has one example."""


def lived(training: Any, phenotype: Phenotype, context: Context) -> TrainingResult:
    """Live a life to the end of its schedule, from where it was put down.

    Raises:
        StillbornError: the loss stopped being a number.
        ConfigError: the arguments will not do.
        TaskError: nothing can be learned from a batch.
    """
    life, network = Life(training, phenotype, context), phenotype.network
    own, before = set(vars(network)), found(life)
    with sealed(context.key.at("training", "trainer")), TemporaryDirectory() as folder:
        try:
            loop = Loop(life, before, folder)
            # Trainer goes on from a folder; all that is in this one is how many steps were taken.
            loop.train(resume_from_checkpoint=loop.going_on() if before else None)
        finally:
            life.close()
            # For half precision and for tags of its own, it writes into the network itself.
            for name in set(vars(network)) - own:
                delattr(network, name)
    life.phenotype.enforce()
    return life.result()


def arguments_of(training: Any, seed: int, device: str, folder: str) -> TrainingArguments:
    """Return what Trainer is told: how to learn, and to leave everything else to the run.

    Raises:
        ConfigError: it does not take them.
    """
    given = training.arguments.given()
    try:
        return TrainingArguments(
            **given,
            output_dir=folder,
            num_train_epochs=training.epochs,
            seed=seed,
            use_cpu=device == "cpu",
            save_strategy="no",
            eval_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            ignore_data_skip=True,
            dataloader_pin_memory=False,
        )
    except (TypeError, ValueError, ImportError) as error:
        raise ConfigError(
            f"training.arguments will not do for transformers: {' '.join(str(error).split())[:300]}"
        ) from error


class Loop(Trainer):
    """``Trainer`` for one life."""

    def __init__(self, life: Life, before: Any, folder: str) -> None:
        """Take the life, where it was put down, and a folder that is not kept."""
        context = life.context
        # Seeds every global generator once more, inside of the seal.
        seed = context.key.at("training", "trainer", "seed").integer() % 2**32
        args = arguments_of(life.training, seed, context.device.type, folder)
        _require_device(args, context.device)
        args._n_gpu = 1  # noqa: SLF001  or it would spread a life over all GPUs
        super().__init__(model=life.phenotype.network, args=args)
        self.life, self.before, self.folder = life, before, Path(folder)
        self.model_accepts_loss_kwargs = False  # a task's loss is the mean of its batch
        self.remove_callback(PrinterCallback)
        self.add_callback(Moments(self, life))

    def going_on(self) -> str:
        """Return the folder from which a life goes on that was put down."""
        state = TrainerState(global_step=self.before.steps)
        for name in ("train_batch_size", "logging_steps", "eval_steps", "save_steps"):
            setattr(state, name, getattr(self.args, name))
        state.save_to_json(str(self.folder / STATE))
        return str(self.folder)

    def get_train_dataloader(self) -> Any:
        """Return the batches of the task."""
        return Batches(self.life)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: Any = None
    ) -> tuple[list[Any], None]:
        """Return the batches of a step; nobody counts what a loss is the mean of."""
        return list(islice(epoch_iterator, num_batches)), None

    def compute_loss(self, model: nn.Module, inputs: Any, *_: Any, **__: Any) -> Tensor:
        """Return the loss of a batch by the task, as companions shape it."""
        try:
            return self.life.loss(inputs)
        except ValueError as error:
            if not str(error).startswith(REFUSED):
                raise
            raise TaskError(
                "a training batch has one example, and batch norm needs two. Another "
                "per_device_train_batch_size or drop_last=True in the loader avoids it."
            ) from error

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of a batch whose gradient was taken."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if self.accelerator.sync_gradients:
            self.life.after_backward(self.args.max_grad_norm)
        return loss

    def floating_point_ops(self, inputs: Any) -> int:
        """Return 0: what a network costs is on record elsewhere."""
        return 0

    def log(self, logs: Any, *_: Any, **__: Any) -> None:
        """Say nothing: a run tells of its lives itself."""

    def _load_from_checkpoint(self, *_: Any, **__: Any) -> None:
        """Do nothing: weights come with the state of the optimiser."""

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        """Go on with the weights, the optimiser and the schedule of where a life was put down."""
        if self.before is not None:
            take_up(self.life, self.before, self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, *_: Any) -> None:
        """Every epoch is sealed by its key."""


class Batches:
    """The training split of a task as a loader: another order in every epoch, by the key."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def __len__(self) -> int:
        return len(self._pass())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pass())

    def _pass(self) -> Any:
        context, epoch = self.life.context, self.life.epoch
        shuffle = context.key.at("training", "shuffle", epoch)
        size = self.life.training.batch_size
        return context.task.batches("train", shuffle=shuffle, batch_size=size)


class Moments(TrainerCallback):
    """Tells a life of the moments that Trainer tells of."""

    def __init__(self, loop: Loop, life: Life) -> None:
        self.loop, self.life = loop, life

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Begin an epoch."""
        self.life.begin_epoch()

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Put zeros back, and let companions act."""
        # Accelerate has wrapped it.
        self.life.after_step(getattr(self.loop.optimizer, "optimizer", self.loop.optimizer))

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """End an epoch, and put the life down in case that it is killed."""
        self.life.end_epoch()
        put_down(self.life, self.loop.optimizer, self.loop.lr_scheduler)
        self.life.tell()


def _require_device(args: TrainingArguments, wanted: torch.device) -> None:
    """Refuse a device that Trainer does not choose of itself.

    Raises:
        ConfigError: it has chosen another one.
    """
    if args.device.type != wanted.type or (args.device.index or 0) != (wanted.index or 0):
        raise ConfigError(
            f"Trainer computes on {args.device}, and this run on {wanted}. Choose the device with "
            "CUDA_VISIBLE_DEVICES, and leave run.device at 'cuda'."
        )
