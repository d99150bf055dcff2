"""A life with Trainer is put down between epochs and taken up again, bit for bit.

Kept are weights, buffers, masks, the states of optimiser and schedule, and what companions keep.
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
from evoframe_transformers.life import Life

LEARNING = "trainer"
"""The entry that holds the states of optimiser and schedule, as torch writes them."""


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


def put_down(life: Life, optimiser: Any, schedule: Any) -> None:
    """Keep what the next epoch needs; after the last one the genotype itself is kept."""
    if life.epoch >= life.training.epochs:
        return
    tensors = {
        "steps": torch.tensor(life.taken),
        "loss": torch.tensor(life.last, dtype=torch.float64),
        LEARNING: _written(
            {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        ),
        **{f"network.{name}": value for name, value in _held(life).items()},
        **{f"mask.{name}": mask for name, mask in life.phenotype.masks.items()},
    }
    for index, one in enumerate(life.companions):
        kept = one.put_down(life.phenotype, life.context)
        tensors |= {f"kept{index}.{name}": value for name, value in kept.items()}
    life.context.life.checkpoint.save(life.epoch, tensors)
    _hand_on(life, tensors)


def take_up(life: Life, before: PutDown, optimiser: Any, schedule: Any) -> None:
    """Go on where a life was put down: network, optimiser and schedule change in place."""
    tensors = before.tensors
    kept = _part(tensors, "network")
    with torch.no_grad():
        for name, value in _held(life).items():
            value.copy_(kept[name])
    device = life.context.device
    masks = {name: mask.to(device) for name, mask in _part(tensors, "mask").items()}
    life.phenotype = life.phenotype.masked(masks)
    states = _read(tensors[LEARNING])
    optimiser.load_state_dict(states["optimiser"])
    schedule.load_state_dict(states["schedule"])
    life.epoch, life.taken, life.last = before.epochs, before.steps, float(tensors["loss"])
    # Afterwards: companions must begin with the weights that they will see.
    life.begin()
    _hand_on(life, tensors)


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
    content = io.BytesIO(written.cpu().numpy().tobytes())
    return torch.load(content, map_location="cpu", weights_only=True)
