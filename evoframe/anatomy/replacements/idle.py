"""Idle: what stands in the places of modules that nobody needs any more, of a block that left.

An idle module computes nothing. It gives zeros in the shape that the module would have given, or
what it was given, so code around it goes on as it did. It keeps the names of its parameters, which
have lost all of their entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn


@attrs.frozen
class Idle:
    """How a module is idle.

    Attributes:
        kind: the name of the class that stands in its place.
        several: how many values it gives, the first of them a tensor; 0 for a tensor alone.
        last: whether the channels of what it gives lie last in memory, as in ``channels_last``.
    """

    kind: str
    several: int = 0
    last: bool = False


class IdleModule(nn.Module):
    """Gives zeros in the shape of the first tensor that it is given."""

    # Names that no module of somebody's own is likely to have.
    _idle_several: int
    _idle_last: bool

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return zeros, and nothing else where there was more."""
        self._count_idle_batches()
        given = _first(args, kwargs)
        shape = self._idle_shape(given)
        if not self._idle_last:
            return self._idle_packed(given.new_zeros(shape))
        # Made with their axes in the order of memory, (N, H, W, C), and seen as (N, C, H, W).
        there = given.new_zeros((*shape[:1], *shape[2:], shape[1]))
        return self._idle_packed(there.movedim(-1, 1))

    def _idle_shape(self, given: Tensor) -> torch.Size | tuple[int, ...]:
        return given.shape

    def _idle_width(self) -> tuple[str, int] | None:
        """Return the attribute that counts channels, and their axis in the zeros that are made."""
        return None

    def _idle_packed(self, out: Tensor) -> Any:
        return (out, *[None] * (self._idle_several - 1)) if self._idle_several else out

    def _count_idle_batches(self) -> None:
        """Let batch norms count the batches that they would have seen in training."""
        for module in self.modules():
            counted = module._buffers.get("num_batches_tracked")  # noqa: SLF001  or by its class
            if module.training and counted is not None:
                counted.add_(1)


class PassingModule(IdleModule):
    """Gives the first tensor that it is given."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the tensor, and nothing else where there was more."""
        self._count_idle_batches()
        return self._idle_packed(_first(args, kwargs))


class IdleLinear(IdleModule):
    """Gives zeros in the shape of a linear layer's outputs."""

    out_features: int

    def _idle_shape(self, given: Tensor) -> tuple[int, ...]:
        return (*given.shape[:-1], self.out_features)

    def _idle_width(self) -> tuple[str, int]:
        return "out_features", -1


class IdleConvolution(IdleModule):
    """Gives zeros in the shape of a convolution's outputs."""

    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]

    def _idle_shape(self, given: Tensor) -> tuple[int, ...]:
        rank = len(self.kernel_size)
        before, sizes = given.shape[: -rank - 1], given.shape[-rank:]
        return (*before, self.out_channels, *[self._left(n, at) for at, n in enumerate(sizes)])

    def _idle_width(self) -> tuple[str, int]:
        return "out_channels", -1 if self._idle_last else -len(self.kernel_size) - 1

    def _left(self, size: int, axis: int) -> int:
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
        if self.padding == "same":
            return size
        padding = 0 if isinstance(self.padding, str) else self.padding[axis]
        return (size + 2 * padding - reach - 1) // self.stride[axis] + 1


KINDS = {one.__name__: one for one in (IdleModule, PassingModule, IdleLinear, IdleConvolution)}
"""What stands in the places of modules, by name; a closed list."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Classes of which the shape of outputs is known, and the attribute that counts their channels."""


def layer_kind(module: nn.Module) -> tuple[str, str]:
    """Return the class that stands for a layer, and the attribute that counts its channels.

    Returns:
        Nothing for both where the shape of what it gives is not known by its class.
    """
    if type(module) in CONVOLUTIONS:
        return IdleConvolution.__name__, "out_channels"
    return (IdleLinear.__name__, "out_features") if type(module) is nn.Linear else ("", "")


def fits(module: nn.Module, idle: Idle) -> bool:
    """Tell whether a module can be idle in this way."""
    general = idle.kind in (IdleModule.__name__, PassingModule.__name__)
    return general or (idle.kind in KINDS and layer_kind(module)[0] == idle.kind)


def let_idle(network: nn.Module, names: Mapping[str, Idle]) -> set[nn.Module]:
    """Let modules of a network be idle, in place; return them with all that they contain."""
    found: set[nn.Module] = set()
    for name, idle in names.items():
        module = network.get_submodule(name)
        found.update(module.modules())
        for inner in module.modules():
            if inner._parameters:  # noqa: SLF001  never run, and no layers any more
                _turn_idle(inner, Idle(IdleModule.__name__))
        _turn_idle(module, idle)
        if "_qkv_same_embed_dim" in vars(module):  # or a fused operation would take its weights
            module._qkv_same_embed_dim = False  # type: ignore[assignment]  # noqa: SLF001
    _unfuse(network, found)
    return found


def _turn_idle(module: nn.Module, idle: Idle) -> None:
    module.__class__ = KINDS[idle.kind]
    vars(module).update(_idle_several=idle.several, _idle_last=idle.last)


def _unfuse(network: nn.Module, resting: set[nn.Module]) -> None:
    """Keep encoders of torch from handing the weights of idle layers to a fused operation."""
    encoders = [one for one in network.modules() if isinstance(one, nn.TransformerEncoderLayer)]
    # All of them: what one hands on in a fused form, the next would have to take.
    if any(part in resting for one in encoders for part in one.children()):
        for one in encoders:
            one.activation_relu_or_gelu = 0


def _first(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    return next(one for one in (*args, *kwargs.values()) if isinstance(one, Tensor))
