"""Outputs: what networks return, heard where their forward pass ends, and compared."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention
from torch.utils.hooks import RemovableHandle

from evoframe.kernel.modules.nested import tensors_within


class Heard:
    """A network of which the last outputs are kept."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.answer: Any = None
        self.handle: RemovableHandle | None = None

    def listen(self) -> None:
        """Begin to keep outputs."""
        self.handle = self.network.register_forward_hook(self._keep)

    def stop(self) -> None:
        """Keep no more of them, and forget the last."""
        assert self.handle is not None
        self.handle.remove()
        self.handle = self.answer = None

    def outputs(self) -> list[Tensor]:
        """Return the tensors of numbers among the last outputs."""
        # What has no axis is a loss that the network computes.
        return [one for one in tensors_within(self.answer) if one.is_floating_point() and one.ndim]

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.handle is not None
        self.handle.remove()

    def _keep(self, _module: nn.Module, _inputs: Any, answer: Any) -> None:
        self.answer = answer


def divergence(taught: Tensor, said: Tensor) -> Tensor:
    """Return KL(taught || said) of class scores along axis 1, the mean over all examples.

    Scores of one class, or of a single example without an axis for classes, are of one thing that
    is there or not: there is no other class to compare with, so it is itself.
    """
    wanted, found = log_shares(taught), log_shares(said)
    # (N,) or (N, positions): scores lie along axis 1, also those of maps.
    return (wanted.exp() * (wanted - found)).sum(1).mean()


def log_shares(scores: Tensor) -> Tensor:
    """Return log-probabilities along axis 1: of each class, or of yes and no where there is one."""
    if scores.ndim < 2:
        scores = scores.reshape(-1, 1)
    if scores.shape[1] == 1:
        return torch.cat([F.logsigmoid(scores), F.logsigmoid(-scores)], 1)
    return F.log_softmax(scores, 1)
