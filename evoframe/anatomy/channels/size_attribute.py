"""Size attributes: numbers in attributes of modules that say how many channels there are."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor

Attribute = tuple[str, str, int | None]
"""A number by the name of its module, of its attribute, and which of several it is there; the last
is None for a plain number."""

Numbers = Mapping[Attribute, int]
"""What numbers in attributes say."""


@attrs.frozen(eq=False)
class SizeAttribute:
    """A number that a module keeps in an attribute: how long an axis of channels is.

    Attributes:
        module: name of the module, "" for the network itself.
        attribute: name of an attribute that is a whole number, or a tuple or list of them.
        index: which of several; None for a plain number.
        signal: the channels.
        axis: the axis that is counted.
    """

    module: str
    attribute: str
    index: int | None
    signal: Tensor
    axis: int

    @property
    def key(self) -> Attribute:
        """The number that it is about."""
        return self.module, self.attribute, self.index

    def count(self, staying: Tensor) -> int:
        """Return the number for a network of these channels, a bool for each."""
        flags = staying[self.signal]
        others = [at for at in range(flags.ndim) if at != self.axis]
        return int((flags.any(dim=others) if others else flags).sum())
