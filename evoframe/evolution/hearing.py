"""Hearing: a network that answers the same whatever it is given is measured like a constant.

Its metric may look fair where one answer fits most examples, and it costs little, so that it would
be selected and delivered. It is listened to while it is measured, which takes no forward pass more.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from evoframe.kernel.modules.nested import tensors_within

NEAR = 4 * torch.finfo(torch.float32).eps
"""What rounding may differ by between two examples, as a share of the largest number."""


class Listener:
    """Hears whether all answers of a network are alike: from example to example, and call to call.

    Examples lie along the first axis. Where they do not, answers that differ along it are taken for
    answers to different examples, so that nobody is called deaf who is not.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._first: list[Tensor] | None = None
        self._heard, self._differ = 0, False

    @property
    def is_deaf(self) -> bool:
        """Whether several answers were heard, all of them alike."""
        return self._heard > 1 and not self._differ

    def __enter__(self) -> Self:
        self._handle = self._network.register_forward_hook(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _listen(self, _module: nn.Module, _inputs: Any, answer: Any) -> None:
        if self._differ:
            return
        try:
            self._differ = not self._is_like_others(answer)
        except Exception:  # noqa: BLE001  tensors of other layouts, or in the midst of a transform
            self._differ = True

    def _is_like_others(self, answer: Any) -> bool:
        # What has no axis is a loss that the network computes, of targets too.
        found = [one.detach() for one in tensors_within(answer) if one.ndim and len(one)]
        if self._first is None:
            self._first = [one[:1].clone() for one in found]
        self._heard += max(map(len, found), default=0)
        return 0 < len(found) == len(self._first) and all(map(_are_alike, self._first, found))


def _are_alike(first: Tensor, several: Tensor) -> bool:
    """Tell whether all that lie along the first axis are like the first of them."""
    if first.shape[1:] != several.shape[1:]:
        return False
    if not first.is_floating_point() or not first.numel():
        return bool((several == first).all())
    return bool((several - first).abs().amax() <= NEAR * first.abs().amax())
