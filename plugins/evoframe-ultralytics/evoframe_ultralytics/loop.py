"""The loop of Ultralytics' ``DetectionTrainer``, with the moments of a life in it.

A network of Ultralytics learns from pictures as its trainer changes them, with its trainer's loss.
Of any other task, batches and loss are the task's. Every epoch is sealed by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.engine.trainer import BaseTrainer
from ultralytics.models.yolo.detect.train import DetectionTrainer

from evoframe.plugin import HostedLife, TaskError
from evoframe_ultralytics.data import STRIDE, Learned
from evoframe_ultralytics.libraries import defaults, quiet
from evoframe_ultralytics.tasks import Detection

REFUSED = "final batch=1 training"
"""How Ultralytics says that a batch has one example."""

Learn = Callable[[Any], tuple[Tensor, dict[str, Tensor]]]


def host(training: Any, life: HostedLife) -> None:
    """Live a life to the end of its schedule, from where it was put down.

    Raises:
        StillbornError: the loss stopped being a number.
        TaskError: nothing can be learned from a batch.
    """
    network = life.phenotype.network
    held = vars(network).get("args")
    with quiet(), TemporaryDirectory() as folder:
        try:
            loop = Loop(training, life, Path(folder))
            loop.train()
            loop.give_average()
        except (ValueError, RuntimeError) as error:
            _tell(error)
            raise
        finally:
            if held is not None:
                vars(network)["args"] = held


class Loop(DetectionTrainer):
    """Ultralytics' trainer for one life: it evaluates nothing, saves nothing and says nothing."""

    def __init__(self, training: Any, life: HostedLife, folder: Path) -> None:
        """Take the options, the life, and a folder that is not kept."""
        self.life = life
        task: Any = life.context.task
        self.task, self.detects = task, isinstance(task, Detection)
        size = life.batch_size or getattr(task, "batch_size", None) or 1
        options = {
            **training.arguments.given(),
            "task": "detect",
            "mode": "train",
            "model": "given.yaml",  # a name that is never read: the network is there already
            "epochs": training.epochs,
            "batch": size,
            "nbs": size,  # each batch is a step: an epoch leaves no gradient to the next
            "imgsz": task.imgsz if self.detects else STRIDE,
            "device": "cpu",  # where it computes is said below: it would look for GPUs
            "amp": False,
            "channels_last": False,
            "val": False,
            "save": False,
            "workers": 0,
            "deterministic": False,
            "seed": life.key.at("seed").integer() % 2**31,
        }
        super().__init__(overrides={**vars(defaults(**options)), "save_dir": str(folder)})
        self.device = life.context.device
        self.model = Shell(life.phenotype.network, self._learn(), self._criterion())

    def get_dataset(self) -> dict[str, Any]:
        """Return what the data.yaml says; of another task only what the loop asks for."""
        if self.detects:
            return dict(self.task.description())
        return {"train": None, "val": None, "nc": 10, "names": {}, "channels": 3}

    def _criterion(self) -> Any:
        """Return the loss of Ultralytics, as far as its own schedule has come."""
        if not self.detects:
            return None
        network: Any = self.life.phenotype.network
        network.args = self.args  # where the loss looks for its weights
        made = network.init_criterion()
        for _ in range(self.life.epoch if hasattr(made, "update") else 0):
            made.update()
        return made

    def _learn(self) -> Learn:
        """Return what makes a loss of a batch, as Ultralytics wants it: times the examples."""
        life, loop = self.life, self

        def detected(batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
            count = len(batch["img"])
            loss, items = loop.model.criterion(life.phenotype.network(batch["img"]), batch)
            return life.shape(loss.sum() / count, batch) * count, items

        def other(batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
            loss = life.loss(batch["given"])
            return loss, {"loss": loss.detach()}

        return detected if self.detects else other

    def get_dataloader(
        self, dataset_path: Any, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        """Return the training pictures or batches; nothing is validated here."""
        if mode != "train":
            return SimpleNamespace(dataset=(), close=lambda: None)
        if self.detects:
            return Learned(self.task.learning(self.args), batch_size, self.life)
        return Batches(self.life, batch_size)

    def preprocess_batch(self, batch: Any) -> Any:
        """Return a batch of pictures on the device, and of perhaps another size."""
        return super().preprocess_batch(batch) if self.detects else batch

    def _build_train_pipeline(self) -> None:
        if self.optimizer is not None:  # it would halve batches where memory is short
            raise RuntimeError(
                "out of memory: a smaller training.arguments.batch needs less; batches are not "
                "halved, since that would be another run."
            )
        BaseTrainer._build_train_pipeline(self)  # noqa: SLF001  without a look at validation data

    def get_validator(self) -> Any:
        """Return what stands for a validator, which is asked for the names of metrics."""
        return SimpleNamespace(metrics=SimpleNamespace(keys=[]))

    def set_model_attributes(self) -> None:
        """Leave the network as it is."""

    def resume_training(self, ckpt: Any) -> None:
        """Go on with the optimiser and the average of where a life was put down."""
        self.start_epoch, before = self.life.epoch, self.life.learning
        if before is not None:
            self.optimizer.load_state_dict(before["optimiser"])
            self.ema.updates = before["updates"]
            self.ema.ema.network.load_state_dict(before["average"])

    def run_callbacks(self, event: str) -> None:
        """Tell a life of the moments of an epoch, and nobody else."""
        if event == "on_train_epoch_start":
            self.life.begin_epoch()
        elif event == "on_fit_epoch_end":
            self.life.end_epoch({
                "optimiser": self.optimizer.state_dict(),
                "updates": self.ema.updates,
                "average": self.ema.ema.network.state_dict(),
            })  # fmt: skip

    def optimizer_step(self) -> None:
        """Take a step, within which absent synapses stay absent, in the average too."""
        self.life.after_backward()
        average: Any = vars(self)["ema"]
        self.ema = None  # it is to see weights only after absent ones are zero again
        super().optimizer_step()
        self.ema = average
        self.life.after_step(self.optimizer)
        average.update(self.model)

    @torch.no_grad()
    def give_average(self) -> None:
        """Let the network be the average of its weights, which is what Ultralytics saves."""
        average = self.ema.ema.network.state_dict()
        for name, value in self.model.network.state_dict().items():
            if value.dtype.is_floating_point:
                value.copy_(average[name])

    def validate(self) -> tuple[dict[str, float], None]:
        """Look at no validation data."""
        return {}, None

    def save_metrics(self, metrics: Any) -> None:
        """Write no table: a run has its own."""

    def save_model(self) -> bool:
        """Save nothing: a run does."""
        return False

    def final_eval(self) -> None:
        """Evaluate nothing: a run does."""

    def _handle_nan_recovery(self, epoch: int) -> bool:
        return False  # a life whose loss is no number has ended already

    def _get_memory(self, fraction: bool = False) -> float:  # noqa: FBT001, FBT002  as there
        return 0.0

    def _clear_memory(self, threshold: float | None = None) -> None:
        pass


class Shell(nn.Module):
    """A network as Ultralytics' trainer has it: called with a batch, it gives the loss."""

    def __init__(self, network: nn.Module, learn: Learn, criterion: Any) -> None:
        """Take the network, what makes its loss, and Ultralytics' own loss if that is its part."""
        super().__init__()
        self.network, self.learn, self.criterion = network, learn, criterion
        layers: Any = getattr(network, "model", None)
        # Where an optimiser looks for a head, whose steps are larger.
        self.model = [layers[-1] if criterion is not None else None]

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and its parts."""
        return self.learn(batch)


class Batches:
    """The training split of another task as a loader: another order in every epoch, by the key."""

    drop_last, num_workers = True, 0

    def __init__(self, life: HostedLife, size: int) -> None:
        self.given, self.batch_size = life.batches(), size
        self.dataset = self.sampler = range(len(self.given) * size)

    def __len__(self) -> int:
        return len(self.given)

    def __iter__(self) -> Iterator[Any]:
        for one in self.given:
            yield {"img": torch.zeros(1, 1), "given": one}

    def reset(self) -> None:
        """Do nothing: nothing is read ahead."""


def _tell(error: Exception) -> None:
    """Say in words of a task that a batch has one example.

    Raises:
        TaskError: it has.
    """
    if REFUSED in str(error):
        raise TaskError(
            "a training batch has one example, and batch norm needs two. Another "
            "training.arguments.batch avoids it."
        ) from error
