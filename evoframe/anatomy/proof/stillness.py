"""Stillness: forward passes in which nothing is drawn, so that two networks can be compared.

Dropout and noise draw other numbers in a network with fewer channels. Here every random operation
gives a constant instead, the same whatever the shapes are.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.kernel.arguments import Arguments
from evoframe.kernel.key import untouched

HALF = 0.5
"""What every random number is; a Bernoulli draw is 1."""


class Still(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every operation as it is, but for those that draw."""

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
        if torch.Tag.nondeterministic_seeded in func.tags and name != "native_dropout":
            for value in tensors_in(out):
                if value.is_floating_point():
                    value.fill_(1.0 if name.startswith("bernoulli") else HALF)
        return out


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
