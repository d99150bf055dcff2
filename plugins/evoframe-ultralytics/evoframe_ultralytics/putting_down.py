"""A life with Ultralytics' trainer is put down between epochs and taken up again, bit for bit.

Kept are weights, buffers, masks, the state of the optimiser, the average of weights, and what
companions keep. The schedule follows from the epoch. Generators need not be kept: every epoch is
sealed by its key.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.plugin import State
from evoframe_ultralytics.life import Life

LEARNING = "optimiser"
"""The entry that holds the state of the optimiser, as torch writes it."""


@attrs.frozen(eq=False)
class PutDown:
    """Where a life was put down: after so many epochs, with these tensors."""

    epochs: int
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
    return PutDown(epochs, tensors)


def put_down(life: Life, loop: Any) -> None:
    """Keep what the next epoch needs."""
    tensors = {
        "steps": torch.tensor(life.taken),
        "updates": torch.tensor(loop.ema.updates),
        "loss": torch.tensor(life.last, dtype=torch.float64),
        LEARNING: _written(loop.optimizer.state_dict()),
        **{f"network.{name}": value for name, value in _held(life).items()},
        **{f"average.{name}": value for name, value in loop.ema.ema.network.state_dict().items()},
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
    life.epoch, life.taken = before.epochs, int(before.tensors["steps"])
    life.last = float(before.tensors["loss"])
    # Afterwards: companions must begin with the weights that they will see.
    life.begin()
    _hand_on(life, before.tensors)


def take_up_learning(loop: Any, before: PutDown) -> None:
    """Go on with the optimiser and the average of weights, once a trainer has made them."""
    content = io.BytesIO(before.tensors[LEARNING].cpu().numpy().tobytes())
    loop.optimizer.load_state_dict(torch.load(content, map_location="cpu", weights_only=True))
    loop.ema.updates = int(before.tensors["updates"])
    loop.ema.ema.network.load_state_dict(_part(before.tensors, "average"))


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


def _written(state: Any) -> Tensor:
    content = io.BytesIO()
    torch.save(state, content)
    return torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)
