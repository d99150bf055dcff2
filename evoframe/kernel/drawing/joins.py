"""Joins: which channels the synapses of a parameter join, where those that are alike are one.

Most parameters join every source with every target; then a flag for each end says all. Where the
pattern is another one, as in groups, every pair is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs
import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class Joins(Protocol):
    """Which channels the synapses of a parameter join, as far as they are born."""

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""


@attrs.frozen(eq=False)
class Full:
    """Joins of every source with every target, of those that have any synapse.

    Attributes:
        sources: whether they have any.
        targets: the same.
        each: how many synapses join a pair.
    """

    sources: Flags
    targets: Flags
    each: int

    def born(self, targets: Flags) -> Full:
        """Return the joins with these targets alone."""
        return Full(self.sources, self.targets & targets, self.each)

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""
        return self.targets & (self.sources & sources).any()

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""
        return self.sources & (self.targets & targets).any()

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""
        ends = np.count_nonzero(self.sources & sources), np.count_nonzero(self.targets & targets)
        return self.each * int(ends[0]) * int(ends[1])


@attrs.frozen(eq=False)
class Some:
    """Joins of some sources with some targets, in any pattern.

    Attributes:
        counts: how many synapses there are, with as many axes as the parameter.
        sources: the shape of the sources, which broadcasts to that of the counts.
        targets: the same.
    """

    counts: Numbers
    sources: tuple[int, ...]
    targets: tuple[int, ...]

    def born(self, flags: Flags) -> Some:
        """Return the joins where flags, which broadcast to the counts, say so."""
        return Some(self.counts * flags, self.sources, self.targets)

    def write(self, sources: Flags) -> Flags:
        """Return a bool for each target: a synapse leads there from a flagged source."""
        return self._any(sources.reshape(self.sources), self.targets)

    def read(self, targets: Flags) -> Flags:
        """Return a bool for each source: a synapse leads from there to a flagged target."""
        return self._any(targets.reshape(self.targets), self.sources)

    def count(self, sources: Flags, targets: Flags) -> int:
        """Return the number of synapses between flagged ends."""
        both = sources.reshape(self.sources) & targets.reshape(self.targets)
        return int((self.counts * both).sum())

    def _any(self, flags: Flags, ends: tuple[int, ...]) -> Flags:
        found: Flags = ((self.counts > 0) & flags).any(axis=_ones(ends)).reshape(-1)
        return found


def full_of(counts: Numbers, sources: Numbers, targets: Numbers) -> Full | None:
    """Return joins if every source that has any has as many with every target that has any."""
    if any(
        (one == 1) == (other == 1) for one, other in zip(sources.shape, targets.shape, strict=True)
    ):
        return None  # along one axis both vary, as in groups
    into, out_of = _ones(targets.shape), _ones(sources.shape)
    some = counts > 0
    rows, columns, each = some.any(axis=into), some.any(axis=out_of), int(counts.max(initial=0))
    if np.count_nonzero(counts == each) != np.count_nonzero(rows) * np.count_nonzero(columns):
        return None if each else Full(columns.reshape(-1), rows.reshape(-1), 0)
    return Full(columns.reshape(-1), rows.reshape(-1), each)


def _ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(at for at, size in enumerate(shape) if size == 1)
