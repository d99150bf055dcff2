"""Widths: how many output channels a layer may have, said by a person, by name or pattern.

    layers = { "layer1.*" = { at_least = 0.5, multiple = 8 }, "layer3.*" = { at_most = 0.25 } }

All that is said of a layer holds together, whichever patterns say it: the largest `at_least`, the
smallest `at_most`, and multiples of all. Numbers from 1 on count channels, those below 1 are shares
of the ancestor's; `share` says both at once. A least number is rounded up to a multiple, a most one
down; "at most" holds in every offspring, "at least" with dead channels if need be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from torch import Tensor

from evoframe.errors import ConfigError, close_match
from evoframe.kernel.clusters import Partition

ROUNDING = 1e-9
"""A tenth of 30 channels is 3, whatever floats say."""


def require_count_or_share(_: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse what is neither a number of channels nor a share of them."""
    if not 0 < value < math.inf or (value > 1 and value != int(value)):
        raise ValueError(
            f"{attribute.name!r} is {value!r}; wanted a number of channels from 1 on, or a share "
            "of them between 0 and 1"
        )


_COUNT_OR_SHARE = attrs.validators.optional(require_count_or_share)


@attrs.frozen
class Width:
    """What a person says of layers."""

    share: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional([attrs.validators.gt(0), attrs.validators.le(1)]),
    )
    at_least: float | None = attrs.field(default=None, validator=_COUNT_OR_SHARE)
    at_most: float | None = attrs.field(default=None, validator=_COUNT_OR_SHARE)
    multiple: int = attrs.field(default=1, validator=attrs.validators.ge(1))

    def least(self, count: int) -> int:
        """Return the least of so many channels that a layer keeps."""
        own = 1 if self.share is None else _share_up(self.share, count)
        return own if self.at_least is None else max(own, _up(self.at_least, count))

    def most(self, count: int) -> int:
        """Return the most of so many channels that a layer may have."""
        found = [count]
        if self.share is not None:  # the multiple above, if it is none
            found.append(-(-_share_up(self.share, count) // self.multiple) * self.multiple)
        if self.at_most is not None:
            found.append(_down(self.at_most, count))
        return min(found)


@attrs.frozen(eq=False)
class Bound:
    """Between which numbers of output channels a layer stays.

    Attributes:
        name: of its parameter.
        channels: its output channels, each once.
        least: how many of them stay.
        most: how many there may be.
        multiple: what their number is rounded up to.
    """

    name: str
    channels: Tensor
    least: int
    most: int
    multiple: int

    def holds(self, there: Tensor) -> bool:
        """Tell whether a network of these channels, a bool for each, has at most so many."""
        return int(there[self.channels.to(there.device)].sum()) <= self.most


def bounds_of(said: Mapping[str, Width], layers: Mapping[str, Tensor]) -> tuple[Bound, ...]:
    """Return the bounds of all layers of which something is said.

    Args:
        said: by pattern.
        layers: by the names of their parameters, their output channels, each once.

    Raises:
        ConfigError: a pattern that matches nothing, or patterns that contradict each other.
    """
    for pattern in said:
        if not any(matches(pattern, name) for name in layers):
            known = [*layers, *(name.rpartition(".")[0] for name in layers)]
            raise ConfigError(
                f"layers: {pattern!r} matches no layer that can lose channels."
                f"{close_match(pattern, known)} There are: {', '.join(known[len(layers) :][:8])}"
                f"{', ...' if len(layers) > 8 else ''}."
            )
    found = []
    for name, channels in layers.items():
        own = {pattern: one for pattern, one in said.items() if matches(pattern, name)}
        if own:
            found.append(_bound(name, channels, own))
    return tuple(found)


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern is of a parameter, its module, or a module that holds that."""
    module = name.rpartition(".")[0]
    tries = ((name, pattern), (module, pattern), (name, f"{pattern}.*"))
    return any(fnmatchcase(one, how) for one, how in tries)


def _bound(name: str, channels: Tensor, own: Mapping[str, Width]) -> Bound:
    count, multiple = len(channels), math.lcm(*(one.multiple for one in own.values()))
    least = max(one.least(count) for one in own.values())
    most = min(one.most(count) for one in own.values())
    wanted = min(-(-least // multiple) * multiple, count)
    # A layer whose number is no multiple of its own may stay as it came.
    allowed = count if most == count else most // multiple * multiple
    if wanted > allowed:
        raise ConfigError(
            f"layers: {name!r} with its {count} channels would keep at least {wanted} and have at "
            f"most {allowed}, by {' and '.join(map(repr, own))}"
            f"{f' and multiples of {multiple}' if multiple > 1 else ''}. Ask for less."
        )
    return Bound(name, channels, wanted, allowed, multiple)


def _up(value: float, count: int) -> int:
    return min(count, _share_up(value, count) if value < 1 else int(value))


def _share_up(share: float, count: int) -> int:
    return math.ceil(share * count - ROUNDING)


def _down(value: float, count: int) -> int:
    return max(1, math.floor(value * count + ROUNDING)) if value < 1 else int(value)


# --- at most --------------------------------------------------------------------------------------


def under_bounds(
    order: npt.NDArray[np.int64],
    stay: npt.NDArray[np.bool_],
    bounds: Iterable[Bound],
    partition: Partition,
) -> npt.NDArray[np.int64]:
    """Return an order of bundles without those that would be too many for a layer.

    Args:
        order: bundles by their numbers, the first of which is taken first.
        stay: which are there in any case.
        bounds: of layers.
        partition: the bundles.
    """
    assert partition.channels is not None
    bundles = partition.channels.cpu().numpy()
    taken = np.ones(len(order), dtype=bool)
    rooms = [
        (np.bincount(own[own >= 0], minlength=len(stay)), one.most)
        for one in bounds
        if len(own := bundles[one.channels.cpu().numpy()])
    ]
    rooms = [(sizes, most - int(sizes[stay].sum())) for sizes, most in rooms]
    left = np.array([room for _, room in rooms], dtype=np.int64)
    sizes = np.stack([one for one, _ in rooms]) if rooms else np.zeros((0, len(stay)), np.int64)
    for place, bundle in enumerate(order):
        asked = sizes[:, bundle]
        taken[place] = not (asked > left)[asked > 0].any()
        if taken[place]:
            left = left - asked
    return order[taken]
