"""Stillness: passes in which nothing is drawn or jumps, so that two networks can be compared.

Dropout and noise draw other numbers in a network with fewer channels. Here every random operation
gives a constant instead, the same whatever the shapes are. And a rounding, of which a network with
fewer channels has others, may take an activation across the kink of a ReLU, which turns its
gradient on or off. Here gradients fade towards a kink, in both networks alike.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.kernel.key import untouched
from evoframe.kernel.modules.arguments import Arguments

HALF = 0.5
"""What every random number is; a Bernoulli draw is 1."""

KINKS: Mapping[str, Callable[..., tuple[float, float]]] = {
    "threshold_backward": lambda threshold: (threshold, threshold),
    "leaky_relu_backward": lambda *_: (0.0, 0.0),
    "hardtanh_backward": lambda low, high: (low, high),
    "hardsigmoid_backward": lambda: (-3.0, 3.0),
    "hardswish_backward": lambda: (-3.0, 3.0),
}
"""Where slopes of activations jump first and last, by the operation that computes the gradient:
from what it is given besides activations and the gradient that flows into it."""

NEAR = 0.1
"""How far from a kink gradients begin to fade."""


class Still(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every operation as it is, but for those that draw or jump."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        if name == "native_dropout":
            args = (args[0], 0.0, *args[2:])
        out = func(*args, **(kwargs or {}))
        if name in KINKS and not kwargs:
            return _faded(out, args[1], *KINKS[name](*args[2:]))
        if torch.Tag.nondeterministic_seeded in func.tags and name != "native_dropout":
            for value in tensors_in(out):
                if value.is_floating_point():
                    value.fill_(1.0 if name.startswith("bernoulli") else HALF)
        return out


def _faded(gradient: Tensor, activations: Tensor, low: float, high: float) -> Tensor:
    """Return a gradient that is less the nearer an activation is to a kink, and nothing at it."""
    middle, half = (low + high) / 2, (high - low) / 2
    if not math.isfinite(half):
        return gradient
    # In place, since there are as many activations as memory is spent on.
    near = activations.sub(middle).abs_().sub_(half).abs_().mul_(1 / NEAR).clamp_(max=1)
    return gradient.mul_(near)


@contextmanager
def still() -> Iterator[None]:
    """Run a block in which nothing is drawn, attention is no fused kernel, and no generator moves.

    Fused attention draws its dropout inside one operation, where it cannot be stilled. Warnings
    are for the person whose network runs, and here nobody's does.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with untouched(), sdpa_kernel(SDPBackend.MATH), Still(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def fresh(inputs: Arguments) -> Arguments:
    """Return inputs that a network may write into."""
    return inputs.mapped(torch.clone)


def written_apart(value: Tensor) -> Tensor:
    """Return a tensor of the same numbers that can be written into, its memory copied only then.

    Networks hardly ever write into their parameters, and most of what proofs are paid for in large
    linear layers would be copies of them.
    """
    lazily = getattr(torch, "_lazy_clone", torch.clone)
    try:
        return cast("Tensor", lazily(value))
    except (RuntimeError, NotImplementedError):  # a kind whose memory cannot be shared so
        return value.clone()
