"""The registry itself: what is known of a test network, and how one gets its entry.

A network class is registered by a decorator, under its name in words::

    @case(IMAGE, share=0.91)
    class ProductOfBranches(Pooled): ...

and one that takes arguments by :func:`register`, once for each name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Inputs = tuple[tuple[Any, ...], ...]
IMAGE: Inputs = ((2, 3, 8, 8),)
ROW: Inputs = ((4, 6),)
TOKENS: Inputs = ((2, 5, 6),)


@attrs.frozen
class Case:
    """A network and what is known about it.

    Attributes:
        make: builds the network.
        inputs: shapes of its inputs; a tuple that begins with "int" holds indices below 11.
        share: of all parameters, at least this part leaves when all channels do that can.
        heads: names of the layers that make its outputs, whose outputs must stay.
        num_heads: for tools that ask, layers of attention with their number of heads.
        matrices: names of parameters that are no layers', and have synapses all the same.
    """

    make: Callable[[], nn.Module]
    inputs: Inputs
    share: float
    heads: tuple[str, ...] = ("head",)
    num_heads: Mapping[str, int] = attrs.field(factory=dict)
    matrices: tuple[str, ...] = ()

    def example(self) -> tuple[Tensor, ...]:
        """Inputs drawn from torch's generator, float64 or int64."""
        return tuple(
            torch.randint(0, 11, shape[1:]) if shape[0] == "int" else torch.randn(shape).double()
            for shape in self.inputs
        )

    def evolvable(self, network: nn.Module) -> list[str]:
        """The weights of all layers with synapses, and of attention, but those of the heads."""
        from evoframe.roles.task import WITH_SYNAPSES  # late: a replay imports two trees

        kinds = (*WITH_SYNAPSES, nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)
        existing = dict(network.named_parameters())
        weights = [
            f"{name}.{weight}"
            for name, module in network.named_modules()
            if isinstance(module, kinds) and name not in self.heads
            for weight, value in module.named_parameters(recurse=False)
            if value.ndim > 1 and weight.startswith(("weight", "in_proj_weight"))
        ]
        return [name for name in (*weights, *self.matrices) if name in existing]


NETWORKS: dict[str, Case] = {}


def register(name: str, make: Callable[[], nn.Module], inputs: Inputs, **known: Any) -> None:
    """Add a network under a name; what is known of it is told by the fields of a case."""
    assert name not in NETWORKS, name
    NETWORKS[name] = Case(make, inputs, **known)


def case(inputs: Inputs, **known: Any) -> Callable[[type[nn.Module]], type[nn.Module]]:
    """Register a network class under its name in words."""

    def registered(network: type[nn.Module]) -> type[nn.Module]:
        words = "".join(f" {c.lower()}" if c.isupper() else c for c in network.__name__)
        register(words.strip(), network, inputs, **known)
        return network

    return registered


def conv(inputs: int, outputs: int, size: int = 3, **more: Any) -> nn.Conv2d:
    """A convolution that keeps height and width."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, **more)


class Pooled(nn.Module):
    """A stem, a body that subclasses write, a mean over space, and a head."""

    def __init__(self, width: int = 8, last: int | None = None) -> None:
        super().__init__()
        self.stem = conv(3, width)
        self.head = nn.Linear(last or width, 4)

    def body(self, x: Tensor) -> Tensor:
        """The features; a subclass writes this."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """The scores."""
        return self.head(self.body(F.relu(self.stem(x))).mean((2, 3)))
