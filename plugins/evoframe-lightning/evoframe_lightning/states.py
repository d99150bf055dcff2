"""What a trainer of Lightning has learned beside weights, between two epochs.

States of optimisers, schedules and callbacks, how far the loops have come, and what a
LightningModule adds to its checkpoints.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def states_of(trainer: Any) -> dict[str, Any]:
    """Return all that a trainer has learned beside weights."""
    module = {"epoch": trainer.current_epoch, "global_step": trainer.global_step}
    with_state = module | {"state_dict": trainer.lightning_module.state_dict()}
    trainer.lightning_module.on_save_checkpoint(with_state)
    del with_state["state_dict"]  # weights are kept beside it
    states = {
        "optimisers": [one.state_dict() for one in trainer.optimizers],
        "schedules": [one.scheduler.state_dict() for one in trainer.lr_scheduler_configs],
        "callbacks": {
            one.state_key: kept for one in trainer.callbacks if (kept := one.state_dict())
        },
        "module": with_state,
        "counts": {name: count.state_dict() for name, count in _counts(trainer).items()},
        "stepped": trainer.fit_loop.epoch_loop._batches_that_stepped,  # noqa: SLF001
    }
    return {"trainer": _written(states)}


def go_on(trainer: Any, epoch: int, learning: Mapping[str, Any]) -> None:
    """Go on with what a trainer had learned after so many epochs, once another has begun."""
    states = _read(learning["trainer"])
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
        one.ready = one.started = one.processed = one.completed = epoch
    for name, count in _counts(trainer).items():
        count.load_state_dict(states["counts"][name])
    trainer.fit_loop.epoch_loop._batches_that_stepped = states["stepped"]  # noqa: SLF001


def _counts(trainer: Any) -> dict[str, Any]:
    """Return how far the loops within an epoch have come: there is no public way to go on."""
    loop = trainer.fit_loop.epoch_loop
    return {
        "batches": loop.batch_progress,
        "schedules": loop.scheduler_progress,
        "optimisers": loop.automatic_optimization.optim_progress,
    }


def _written(states: Mapping[str, Any]) -> Tensor:
    content = io.BytesIO()
    torch.save(dict(states), content)
    return torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)


def _read(written: Tensor) -> Any:
    # What a LightningModule or a callback keeps may be of any kind, and the file is the run's own.
    content = io.BytesIO(written.cpu().numpy().tobytes())
    return torch.load(content, map_location="cpu", weights_only=False)
