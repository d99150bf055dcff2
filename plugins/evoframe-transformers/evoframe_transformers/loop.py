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

from evoframe.plugin import ConfigError, HostedLife

STATE = "trainer_state.json"
"""Where Trainer looks for how far a life has come."""


def host(training: Any, life: HostedLife) -> None:
    """Live a life to the end of its schedule, from where it was put down.

    Raises:
        StillbornError: the loss stopped being a number.
        ConfigError: the arguments will not do.
        TaskError: nothing can be learned from a batch.
    """
    network = life.phenotype.network
    own = set(vars(network))
    with TemporaryDirectory() as folder:
        try:
            loop = Loop(training, life, folder)
            # Trainer goes on from a folder; all that is in this one is how many steps were taken.
            loop.train(resume_from_checkpoint=loop.going_on() if life.learning else None)
        finally:
            # For half precision and for tags of its own, it writes into the network itself.
            for name in set(vars(network)) - own:
                delattr(network, name)


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

    def __init__(self, training: Any, life: HostedLife, folder: str) -> None:
        """Take the options, the life, and a folder that is not kept."""
        device = life.context.device
        # Seeds every global generator once more, inside of the seal.
        seed = life.key.at("seed").integer() % 2**32
        args = arguments_of(training, seed, device.type, folder)
        _require_device(args, device)
        args._n_gpu = 1  # noqa: SLF001  or it would spread a life over all GPUs
        super().__init__(model=life.phenotype.network, args=args)
        self.life, self.folder = life, Path(folder)
        self.model_accepts_loss_kwargs = False  # a task's loss is the mean of its batch
        # It is fresh and holds nothing: a search for garbage in all of the process would take
        # longer than a short life.
        self.accelerator.free_memory = lambda *held: held
        self.remove_callback(PrinterCallback)
        self.add_callback(Moments(self, life))

    def going_on(self) -> str:
        """Return the folder from which a life goes on that was put down."""
        state = TrainerState(global_step=self.life.taken)
        for name in ("train_batch_size", "logging_steps", "eval_steps", "save_steps"):
            setattr(state, name, getattr(self.args, name))
        state.save_to_json(str(self.folder / STATE))
        return str(self.folder)

    def get_train_dataloader(self) -> Any:
        """Return the batches of the task."""
        return self.life.batches()

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: Any = None
    ) -> tuple[list[Any], None]:
        """Return the batches of a step; nobody counts what a loss is the mean of."""
        return list(islice(epoch_iterator, num_batches)), None

    def compute_loss(self, model: nn.Module, inputs: Any, *_: Any, **__: Any) -> Tensor:
        """Return the loss of a batch by the task, as companions shape it."""
        return self.life.loss(inputs)

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of a batch whose gradient was taken."""
        loss: Tensor = super().training_step(*args, **kwargs)
        if self.accelerator.sync_gradients:
            self.life.after_backward()
        return loss

    def floating_point_ops(self, inputs: Any) -> int:
        """Return 0: what a network costs is on record elsewhere."""
        return 0

    def log(self, logs: Any, *_: Any, **__: Any) -> None:
        """Say nothing: a run tells of its lives itself."""

    def _load_from_checkpoint(self, *_: Any, **__: Any) -> None:
        """Do nothing: the life has gone on with its weights."""

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        """Go on with the optimiser and the schedule of where the life was put down."""
        if self.life.learning is not None:
            self.optimizer.load_state_dict(self.life.learning["optimiser"])
            self.lr_scheduler.load_state_dict(self.life.learning["schedule"])

    def _load_rng_state(self, *_: Any) -> None:
        """Every epoch is sealed by its key."""


class Moments(TrainerCallback):
    """Tells a life of the moments that Trainer tells of."""

    def __init__(self, loop: Loop, life: HostedLife) -> None:
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
        self.life.end_epoch({
            "optimiser": self.loop.optimizer.state_dict(),
            "schedule": self.loop.lr_scheduler.state_dict(),
        })  # fmt: skip


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
