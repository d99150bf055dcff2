"""Stopping early: a part of the training data is held out, and tells when learning has ended.

The part is the last batches of an order that is drawn once for the whole life, so that what is
held out in one epoch is held out in all. Nothing of the validation split is seen.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State
from evoframe.kernel.life import Batch
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.modules.nested import tensors_within
from evoframe.strategies.training.checkpoints import part, under


def learned_of(count: int | None, share: float, task: str) -> int:
    """Return the number of batches that are learned from, where a share of them is held out.

    Raises:
        TaskError: there are too few, or nobody knows how many.
    """
    if count is not None and count >= 2:
        return count - min(count - 1, max(1, round(count * share)))
    found = "a stream has an unknown number" if count is None else f"there is {count}"
    raise TaskError(
        f"training.patience holds out a share of the training batches of task {task!r}, but "
        f"{found}. Make smaller batches, give the loader a length, or leave training.patience out."
    )


class Patience:
    """How long a life goes on without getting better on what is held out.

    Attributes:
        epochs: after so many without a lower loss it stops.
        waited: epochs since the lowest loss.
        lowest: that loss.
        best: the weights and buffers that had it.
        digest: of the targets that are held out; empty before they were seen.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs, self.waited, self.lowest = epochs, 0, math.inf
        self.best: dict[str, Tensor] = {}
        self.digest = b""

    @property
    def is_over(self) -> bool:
        """Whether learning has ended."""
        return self.waited >= self.epochs

    def look(self, network: nn.Module, batches: Iterable[Batch], context: Context) -> None:
        """Measure a network on what is held out.

        Raises:
            TaskError: it is not what was held out before.
        """
        held = list(batches)
        self._require_the_same(held, context.task.name)
        loss = held_out_loss(network, held, context)
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
            self.best = {name: v.detach().clone() for name, v in state_of(network).items()}
        else:
            self.waited += 1

    @torch.no_grad()
    def put_best_into(self, network: nn.Module) -> None:
        """Give a network the weights that were best."""
        for name, value in state_of(network).items():
            if name in self.best:
                value.copy_(self.best[name])

    def put_down(self) -> State:
        """Return all of it as tensors."""
        return {
            "waited": torch.tensor(self.waited),
            "lowest": torch.tensor(self.lowest, dtype=torch.float64),
            "digest": torch.tensor(list(self.digest), dtype=torch.uint8),
            **under("best", self.best),
        }

    def take_up(self, kept: State) -> None:
        """Go on with what was put down."""
        self.waited, self.lowest = int(kept["waited"]), float(kept["lowest"])
        self.digest, self.best = bytes(kept["digest"].tolist()), part(kept, "best")

    def _require_the_same(self, held: list[Batch], task: str) -> None:
        found = hashlib.blake2b()
        for batch in held:
            for value in tensors_within(_targets(batch)):
                flat = value.detach().cpu().contiguous().reshape(-1)
                found.update(flat.view(torch.uint8).numpy().tobytes())
        if self.digest and found.digest() != self.digest:
            raise TaskError(
                f"training.patience holds the last batches of task {task!r} out, but with the same "
                "key they come with other targets in every epoch, so nothing would stay held out. "
                "Give the loader a generator of its own, or leave training.patience out."
            )
        self.digest = found.digest()


@torch.no_grad()
def held_out_loss(network: nn.Module, batches: Iterable[Batch], context: Context) -> float:
    """Return the mean loss of the examples of batches, in evaluation mode."""
    total, seen = 0.0, 0
    for batch in batches:
        here, size = devices.move(batch, context.device), context.task.examples_in(batch)
        weight = 1 if size is None else size
        total += float(context.task.step(network, here)) * weight
        seen += weight
    return total / seen if seen else math.nan


def _targets(batch: Batch) -> Any:
    return batch[1] if isinstance(batch, tuple | list) and len(batch) == 2 else batch
