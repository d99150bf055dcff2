"""Made: what a tensor without channels was computed from, slice by slice."""

from __future__ import annotations

import math
from typing import NamedTuple

Axes = tuple[int | None, ...]
"""For each axis of a tensor, the axis of the parameter that it is; None if it is none of them."""

UNKNOWN = math.nan
"""A value that cannot be told."""


class Made(NamedTuple):
    """The parameters and buffers of which each slice of a tensor was made.

    Attributes:
        parts: each by its name, with its axis for each of the tensor's. An axis of the tensor may
            be several times as long: then the slices are repeated in their order.
        at_rest: the value of the tensor where all those slices are zero.
    """

    parts: tuple[tuple[str, Axes], ...]
    at_rest: float
