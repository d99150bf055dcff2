"""A life with Lightning is put down between epochs and taken up again, bit for bit.

Kept are weights, buffers, masks, the states of optimisers, schedules and callbacks, how far the
loops have come, what a LightningModule adds to its checkpoints, and what companions keep.
Generators need not be kept: every epoch is sealed by its key.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.plugin import State
from evoframe_lightning.life import Life

LEARNING = "trainer"
"""The entry that holds the states of the trainer, as torch writes them."""


@attrs.frozen(eq=False)
class PutDown:
    """Where a life was put down: after so many epochs and steps, with these tensors."""

    epochs: int
    steps: int
    tensors: State


def found(life: Life) -> PutDown | None:
    """Return where a life was put down, if anywhere."""
    saved = life.context.life.checkpoint.load()
    if saved is None:
        return None
    epochs, tensors = saved
    shapes = {f"network.{name}": value.shape for name, value in _held(life).items()}
    if any(name not in tensors or tensors[name].shape != one for name, one in shapes.items()):
        warnings.warn(
            f"the checkpoint of {life.context.id} is of another network: the life is lived again "
            "from its beginning",
            stacklevel=4,
        )
        return None
    return PutDown(epochs, int(tensors["steps"]), tensors)


def put_down(life: Life, trainer: Any) -> None:
    """Keep what the next epoch needs."""
    tensors = {
        "steps": torch.tensor(life.taken),
        "loss": torch.tensor(life.last, dtype=torch.float64),
        LEARNING: _written(_states(trainer)),
        **{f"network.{name}": value for name, value in _held(life).items()},
        **{f"mask.{name}": mask for name, mask in life.phenotype.masks.items()},
    }
    for index, one in enumerate(life.companions):
        kept = one.put_down(life.phenotype, life.context)
        tensors |= {f"kept{index}.{name}": value for name, value in kept.items()}
    life.context.life.checkpoint.save(life.epoch, tensors)
    _hand_on(life, tensors)


def take_up(life: Life, before: PutDown) -> None:
    """Go on where a life was put down: weights, masks and companions, before a trainer begins."""
    kept = _part(before.tensors, "network")
    with torch.no_grad():
        for name, value in _held(life).items():
            value.copy_(kept[name])
    device = life.context.device
    masks = {name: mask.to(device) for name, mask in _part(before.tensors, "mask").items()}
    life.phenotype = life.phenotype.masked(masks)
    life.epoch, life.taken = before.epochs, before.steps
    life.last = float(before.tensors["loss"])
    # Afterwards: companions must begin with the weights that they will see.
    life.begin()
    _hand_on(life, before.tensors)


def take_up_learning(trainer: Any, before: PutDown) -> None:
    """Go on with optimisers, schedules, callbacks and counts, once a trainer has made them."""
    states = _read(before.tensors[LEARNING])
    for one, state in zip(trainer.optimizers, states["optimisers"], strict=True):
        one.load_state_dict(state)
    for one, state in zip(trainer.lr_scheduler_configs, states["schedules"], strict=True):
        one.scheduler.load_state_dict(state)
    for one in trainer.callbacks:
        if one.state_key in states["callbacks"]:
            one.load_state_dict(states["callbacks"][one.state_key])
    trainer.lightning_module.on_load_checkpoint(
        states["module"] | {"state_dict": trainer.lightning_module.state_dict()}
    )
    progress = trainer.fit_loop.epoch_progress
    for one in (progress.total, progress.current):
        one.ready = one.started = one.processed = one.completed = before.epochs
    for name, count in _counts(trainer).items():
        count.load_state_dict(states["counts"][name])
    trainer.fit_loop.epoch_loop._batches_that_stepped = states["stepped"]  # noqa: SLF001


def _states(trainer: Any) -> dict[str, Any]:
    """Return all that a trainer has learned beside weights."""
    module = {"epoch": trainer.current_epoch, "global_step": trainer.global_step}
    with_state = module | {"state_dict": trainer.lightning_module.state_dict()}
    trainer.lightning_module.on_save_checkpoint(with_state)
    del with_state["state_dict"]  # weights are kept beside it
    return {
        "optimisers": [one.state_dict() for one in trainer.optimizers],
        "schedules": [one.scheduler.state_dict() for one in trainer.lr_scheduler_configs],
        "callbacks": {
            one.state_key: kept for one in trainer.callbacks if (kept := one.state_dict())
        },
        "module": with_state,
        "counts": {name: count.state_dict() for name, count in _counts(trainer).items()},
        "stepped": trainer.fit_loop.epoch_loop._batches_that_stepped,  # noqa: SLF001
    }


def _counts(trainer: Any) -> dict[str, Any]:
    """Return how far the loops within an epoch have come: there is no public way to go on."""
    loop = trainer.fit_loop.epoch_loop
    return {
        "batches": loop.batch_progress,
        "schedules": loop.scheduler_progress,
        "optimisers": loop.automatic_optimization.optim_progress,
    }


def _held(life: Life) -> dict[str, Tensor]:
    """Return the parameters and buffers of the network, each once."""
    network = life.phenotype.network
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _hand_on(life: Life, tensors: State) -> None:
    for index, one in enumerate(life.companions):
        one.take_up(_part(tensors, f"kept{index}"), life.phenotype, life.context)


def _part(tensors: State, name: str) -> dict[str, Tensor]:
    begin = f"{name}."
    return {
        full.removeprefix(begin): value for full, value in tensors.items() if full.startswith(begin)
    }


def _written(states: Mapping[str, Any]) -> Tensor:
    content = io.BytesIO()
    torch.save(dict(states), content)
    return torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)


def _read(written: Tensor) -> Any:
    # What a LightningModule or a callback keeps may be of any kind, and the file is the run's own.
    content = io.BytesIO(written.cpu().numpy().tobytes())
    return torch.load(content, map_location="cpu", weights_only=False)
