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
from evoframe.kernel.nested import has_rows, joined, mapped, rows, tensors_within
from evoframe.roles.over_data_set import GROUPS, Kept, OverDataSet, number_of

FEWEST = 8
"""Of fewer groups no error is told: it would be hardly more than a guess."""


@attrs.frozen(eq=False)
class Part:
    """What is kept of a batch.

    Attributes:
        given: the arguments.
        size: examples in the batch, or None if that is not the first axis of all it keeps.
        first: how many examples, or batches without known examples, came before.
    """

    given: tuple[Any, ...]
    size: int | None
    first: int

    @property
    def count(self) -> int:
        """How many examples it holds; one where they cannot be told apart."""
        return 1 if self.size is None else self.size

    def counted(self, group: int) -> int:
        """How many of them belong to a group."""
        return int((self._groups == group).sum())

    def without(self, group: int) -> Part | None:
        """The part without one group of examples; None if nothing is left."""
        left = (self._groups != group).nonzero().flatten()
        if len(left) == self.count:
            return self
        if not len(left) or self.size is None:
            return None
        given = mapped(rows(self.given, left, self.size), _unknown)
        return Part(given, len(left), self.first)

    @property
    def _groups(self) -> Tensor:
        return torch.arange(self.first, self.first + self.count) % GROUPS


def _unknown(value: Tensor) -> Tensor:
    """A number of a batch as a whole, such as its loss, is not that of some of its examples."""
    return value * math.nan if value.ndim == 0 and value.is_floating_point() else value


@attrs.define(eq=False)
class Gathered:
    """The parts of a split, for a function of all of them."""

    of: OverDataSet
    name: str
    parts: list[Part] = attrs.field(factory=list)
    count: int = 0

    def add(self, part: Part) -> None:
        """Take one more batch (in place)."""
        self.parts.append(part)
        self.count += part.count

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
            given = joined([part.given for part in parts], sizes)
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
    count: int = 0

    @classmethod
    def begun(cls, of: OverDataSet, name: str) -> Updated:
        """One that has seen nothing."""
        copies = [copy.deepcopy(of.metric) for _ in range(1 + GROUPS * of.error)]
        for one in copies:
            one.reset()
        return cls(of, name, copies[0], copies[1:])

    def add(self, part: Part) -> None:
        """Take one more batch (in place)."""
        self.count += part.count
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
    sizes: list[int] = attrs.field(factory=lambda: [0] * GROUPS)

    @classmethod
    def begun(cls, of: OverDataSet, name: str) -> Whole:
        """One that has seen nothing."""
        return cls(of, name, Updated.begun(of, name) if of.updates else Gathered(of, name))

    @property
    def count(self) -> int:
        """How many examples it has seen; batches, where examples cannot be told apart."""
        return self.held.count

    def add(self, kept: Kept, size: int | None) -> Whole:
        """Itself, with one more batch (in place)."""
        apart = [one for one in tensors_within(kept.given) if one.ndim]
        known = size if size and apart and has_rows(kept.given, size) else None
        part = Part(kept.given, known, self.count)
        self.held.add(part)
        self.sizes = [held + part.counted(group) for group, held in enumerate(self.sizes)]
        return self

    def measurement(self) -> Measurement:
        """What the metric computes of a split, with the error of a jackknife where it has one."""
        value = self.held.value()
        groups = [group for group, size in enumerate(self.sizes) if size]
        if not self.of.error or len(groups) < FEWEST or not math.isfinite(value):
            return Measurement(value)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                left = [self.held.without(group) for group in groups]
        except Exception:  # noqa: BLE001  it may need examples that a group has all of
            return Measurement(value)
        return Measurement(value, jackknife(value, left, [self.sizes[group] for group in groups]))


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
