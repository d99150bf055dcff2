"""Stacking: networks of one shape as a single one, whose tensors have an axis of lives in front.

A pass over a batch is one computation for all lives: ``torch.func.vmap`` turns products into
batched ones and convolutions into grouped ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from evoframe.errors import TaskError
from evoframe.kernel.life import Batch, Task
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.entries import places_of, tensors_of
from evoframe.kernel.phenotype import Phenotype


def stacked(phenotypes: Sequence[Phenotype]) -> Phenotype:
    """Return the phenotypes as a single one, which is no network that could be called.

    Raises:
        TaskError: somebody listens to the gradients of single parameters.
    """
    network = duplicate(phenotypes[0].network)
    _require_nobody_listens(network)
    held = [tensors_of(one.network) for one in phenotypes]
    fresh = {id(value): _stack(held, name, value) for name, value in tensors_of(network).items()}
    for name, value in places_of(network).items():
        path, _, leaf = name.rpartition(".")
        module = network.get_submodule(path)
        own = module._parameters if leaf in module._parameters else module._buffers  # noqa: SLF001
        own[leaf] = fresh[id(value)]
    return Phenotype(network, _masks(phenotypes, network), phenotypes[0].cuts)


def _stack(held: Sequence[Mapping[str, Tensor]], name: str, value: Tensor) -> Any:
    together = torch.stack([one[name].detach() for one in held])
    if isinstance(value, nn.Parameter):
        return nn.Parameter(together, requires_grad=value.requires_grad)
    return together


def _masks(phenotypes: Sequence[Phenotype], network: nn.Module) -> dict[str, Tensor]:
    parts = [one.masks for one in phenotypes]
    values = dict(network.named_parameters())
    found = {}
    for name in dict.fromkeys(name for one in parts for name in one):
        whole = torch.ones_like(values[name][0], dtype=torch.bool)
        found[name] = torch.stack([one.get(name, whole) for one in parts])
    return found


@torch.no_grad()
def unstack(network: nn.Module, phenotypes: Sequence[Phenotype]) -> None:
    """Give each network its own part of what was stacked, in place."""
    values = tensors_of(network)
    for index, one in enumerate(phenotypes):
        for name, value in tensors_of(one.network).items():
            value.copy_(values[name][index])


class Step(nn.Module):
    """The loss of a task as a module, so that all that the task asks of the network is swapped."""

    def __init__(self, network: nn.Module, task: Task) -> None:
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch: Batch, given: Mapping[str, Any]) -> Tensor:
        """Return the loss of a batch."""
        return self.task.step(self.network, batch, **given)


def losses_of(step: Step, batch: Batch, given: Mapping[str, Any]) -> Tensor:
    """Return the loss of each life on the same batch, (lives,); buffers change in place.

    Args:
        step: of a network that is stacked.
        batch: what all lives are given.
        given: further arguments of the task's ``step``.
    """
    values = tensors_of(step)
    buffers = {n: value for n, value in values.items() if not isinstance(value, nn.Parameter)}
    # Copies: a norm keeps its statistics for the way back, and they must be as it left them.
    values |= {name: value.clone() for name, value in buffers.items()}

    def one(own: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        loss = functional_call(step, own, (batch, given))
        # A network may give a buffer another tensor; which one is told by the mapping.
        return loss, {name: own[name].detach() for name in buffers}

    # Dropout draws for each life: one pattern for all would make them alike.
    losses, after = vmap(one, randomness="different")(values)
    with torch.no_grad():
        for name, value in after.items():
            buffers[name].copy_(value)
    return losses


def _require_nobody_listens(network: nn.Module) -> None:
    for name, value in network.named_parameters():
        if value._backward_hooks or value._post_accumulate_grad_hooks:  # noqa: SLF001
            raise TaskError(
                f"training.together is above 1, but a hook listens to the gradient of {name!r}, "
                "which is not there for a single life. Take the hook away, or set "
                "training.together to 1."
            )
