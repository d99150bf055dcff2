"""Gathering: what a metric over a data set keeps of batches comes together, and gets its error.

The error is that of a jackknife by groups (F. M. T. A. Busing, E. Meijer, R. Van Der Leeden,
Delete-m jackknife for unequal m, Statistics and Computing 9, 1999): the metric is computed anew
without each group of examples in turn. Nothing is drawn, so whoever measures the same outputs gets
the same number and the same error.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.errors import TaskError
from evoframe.kernel.individual import Measurement
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.modules import nested
from evoframe.roles.over_data_set import GROUPS, Kept, OverDataSet, number_of

FEWEST = 8
"""Of fewer groups no error is told: it would be hardly more than a guess."""


@attrs.frozen(eq=False)
class Part:
    """What is kept of a batch.

    Attributes:
        given: the arguments.
        size: examples in the batch, or None if that is not the first axis of all it keeps.
        groups: to which each of them belongs; one number for a batch that cannot be taken apart.
    """

    given: tuple[Any, ...]
    size: int | None
    groups: Tensor

    def without(self, group: int) -> Part | None:
        """The part without one group of examples; None if nothing is left."""
        left = (self.groups != group).nonzero().flatten()
        if len(left) == len(self.groups):
            return self
        if not len(left) or self.size is None:
            return None
        given = nested.mapped(nested.rows(self.given, left, self.size), _unknown)
        return Part(given, len(left), self.groups[left])


def groups_of(first: int, count: int) -> Tensor:
    """The groups of examples, of which so many came before.

    Drawn, because the order of a data set may mean something: of examples that are sorted, every
    sixteenth would be too much alike. The first have a group each, so that few are enough.
    """
    drawn = Key(0).at("groups", first).words(count).astype("int64") % GROUPS
    places = torch.arange(first, first + count)
    return torch.where(places < GROUPS, places, torch.from_numpy(drawn))


def _unknown(value: Tensor) -> Tensor:
    """A number of a batch as a whole, such as its loss, is not that of some of its examples."""
    return value * math.nan if value.ndim == 0 and value.is_floating_point() else value


@attrs.define(eq=False)
class Gathered:
    """The parts of a split, for a function of all of them."""

    of: OverDataSet
    name: str
    parts: list[Part] = attrs.field(factory=list)

    def add(self, part: Part) -> None:
        """Take one more batch (in place)."""
        self.parts.append(part)

    def value(self) -> float:
        """What the function makes of all of it."""
        return self._computed(self.parts)

    def without(self, group: int) -> float:
        """The same without a group of examples."""
        left = [one for part in self.parts if (one := part.without(group)) is not None]
        return self._computed(left)

    def _computed(self, parts: Sequence[Part]) -> float:
        sizes = [part.size for part in parts]
        try:
            given = nested.joined([part.given for part in parts], sizes)
        except (RuntimeError, ValueError, KeyError) as error:
            raise TaskError(
                f"what metric {self.name!r} is given of batches cannot be put one after another: "
                f"{error}. Let over_data_set(..., of=...) make tensors of it that differ in their "
                "first axis alone."
            ) from error
        with sealed(Key(0).at("metric", self.name)):
            return number_of(self.of.metric(*given), self.of, self.name)


@attrs.define(eq=False)
class Updated:
    """A copy of a metric that is given one batch after another, and one for each group left out."""

    of: OverDataSet
    name: str
    whole: Any
    others: list[Any]

    @classmethod
    def begun(cls, of: OverDataSet, name: str) -> Updated:
        """One that has seen nothing."""
        copies = [copy.deepcopy(of.metric) for _ in range(1 + GROUPS * of.error)]
        for one in copies:
            one.reset()
        return cls(of, name, copies[0], copies[1:])

    def add(self, part: Part) -> None:
        """Take one more batch (in place)."""
        with sealed(Key(0).at("metric", self.name)):
            self.whole.update(*part.given)
        try:
            for group, one in enumerate(self.others):
                if (left := part.without(group)) is not None:
                    with warnings.catch_warnings(), sealed(Key(0).at("metric", self.name)):
                        warnings.simplefilter("ignore")
                        one.update(*left.given)
        except Exception:  # noqa: BLE001  it may not take these examples alone; then no error is told
            self.others = []

    def value(self) -> float:
        """What the metric makes of all of it."""
        return self._computed(self.whole)

    def without(self, group: int) -> float:
        """The same without a group of examples."""
        return self._computed(self.others[group])

    def _computed(self, metric: Any) -> float:
        with sealed(Key(0).at("metric", self.name)):
            return number_of(metric.compute(), self.of, self.name)


@attrs.define(eq=False)
class Whole:
    """A metric over a data set as it comes together, batch by batch."""

    of: OverDataSet
    name: str
    held: Gathered | Updated
    sizes: Tensor = attrs.field(factory=lambda: torch.zeros(GROUPS, dtype=torch.long))
    kinds: set[bool] = attrs.field(factory=set)

    @classmethod
    def begun(cls, of: OverDataSet, name: str) -> Whole:
        """One that has seen nothing."""
        return cls(of, name, Updated.begun(of, name) if of.updates else Gathered(of, name))

    @property
    def count(self) -> int:
        """How many examples it has seen; batches, where examples cannot be told apart."""
        return int(self.sizes.sum())

    def add(self, kept: Kept, size: int | None) -> Whole:
        """Itself, with one more batch (in place)."""
        if size == 0:
            return self
        apart = [one for one in nested.tensors_within(kept.given) if one.ndim]
        known = size if size and apart and nested.has_rows(kept.given, size) else None
        part = Part(kept.given, known, groups_of(self.count, known or 1))
        self.held.add(part)
        self.sizes += torch.bincount(part.groups, minlength=GROUPS)
        self.kinds.add(known is None)
        return self

    def measurement(self) -> Measurement:
        """What the metric computes of a split, with the error of a jackknife where it has one."""
        value = self.held.value()
        groups = self.sizes.nonzero().flatten().tolist()
        # An example and a batch do not weigh the same, so there is no error where both occur.
        told = self.of.error and len(groups) >= FEWEST and len(self.kinds) == 1
        if not told or not math.isfinite(value):
            return Measurement(value)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                left = [self.held.without(group) for group in groups]
        except Exception:  # noqa: BLE001  it may need examples that a group has all of
            return Measurement(value)
        return Measurement(value, jackknife(value, left, self.sizes[groups].tolist()))


def jackknife(value: float, left: Sequence[float], sizes: Sequence[int]) -> float | None:
    """The standard error of a number from what it is without each group; None if one is not finite.

    Args:
        value: of all examples.
        left: without each group.
        sizes: examples in each group.
    """
    if not all(map(math.isfinite, left)):
        return None
    total = sum(sizes)
    middle = len(left) * value - sum(
        (1 - size / total) * one for one, size in zip(left, sizes, strict=True)
    )
    squares = 0.0
    for one, size in zip(left, sizes, strict=True):
        share = total / size
        squares += (share * value - (share - 1) * one - middle) ** 2 / (share - 1)
    return math.sqrt(squares / len(left))
