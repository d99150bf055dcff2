"""Uses: how a parameter that holds a weight for every synapse was used first, and then again."""

from __future__ import annotations

import attrs
from torch import Tensor

from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.trace.layers import Layer


@attrs.frozen(eq=False)
class Use:
    """How a parameter was used first.

    Attributes:
        along: the channels of its slices along each axis that has any.
        out_axis: the axis along which its outputs lie.
        groups: into how many parts both ends are divided.
        is_table: whether its rows are looked up.
    """

    along: dict[int, Tensor]
    out_axis: int = 1
    groups: int = 1
    is_table: bool = False

    def is_like(self, layer: Layer) -> bool:
        """Tell whether a layer uses it in the same way, perhaps at another place."""
        way = self.is_table, self.out_axis, self.groups
        return way == (False, layer.out_axis, layer.groups)

    @property
    def outgoing(self) -> Tensor:
        """The channels that it writes."""
        return self.along[self.out_axis]

    @property
    def incoming(self) -> Tensor:
        """The channels that it reads."""
        return self.along[1 - self.out_axis]


def live_together(channels: Channels, before: Use, use: Use) -> None:
    """Let slices along an axis live while they do in any of two uses of another kind each.

    An axis that one of them reads by position stays.
    """
    whole = before.groups > 1 or use.groups > 1
    for axis in before.along.keys() | use.along.keys():
        mine, other = before.along.get(axis), use.along.get(axis)
        if whole or mine is None or other is None or len(mine) != len(other):
            for some in (mine, other):
                if some is not None:
                    channels.pin(some)
        else:
            channels.write(mine, other)
            channels.write(other, mine)
