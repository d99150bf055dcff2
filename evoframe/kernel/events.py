"""Events: what a run tells its observers, as light frozen values that travel between processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import attrs

from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.judged import Judged


@attrs.frozen
class Event:
    """Something that happened."""


@attrs.frozen
class RunStarted(Event):
    """A run begins, or goes on.

    Attributes:
        path: the run folder.
        generations: how many generations are wanted, the ancestor's included.
        population: individuals in each later generation.
        metric: the primary metric.
        on_record: individuals that were already there (more than 0 after a resume).
        device: the device in words.
        ancestor: the ancestor, if it is on record already.
    """

    path: str
    generations: int
    population: int
    metric: Metric
    on_record: int
    device: str
    ancestor: Individual | None = None


@attrs.frozen
class DnaChanged(Event):
    """A DNA was encoded, mutated or pressed.

    Attributes:
        individual: whose DNA it is.
        strategy: the name of the strategy that did it.
        eligible: how many synapses may exist, for each parameter.
        expected: how many will, on average, for each parameter.
    """

    individual: str
    strategy: str
    eligible: Mapping[str, int]
    expected: Mapping[str, float]


@attrs.frozen
class SiblingJudged(Event):
    """A sibling of a litter was looked at.

    Attributes:
        individual: who is about to be born, as one of the siblings.
        judged: the look.
    """

    individual: str
    judged: Judged


@attrs.frozen
class OffspringDrawn(Event):
    """Synapses were drawn and settled.

    Attributes:
        individual: who will be grown from them.
        synapses: how many there are, for each parameter.
    """

    individual: str
    synapses: Mapping[str, int]


@attrs.frozen
class OffspringDeveloped(Event):
    """A network was grown.

    Attributes:
        individual: whose network it is.
        costs: its sizes.
    """

    individual: str
    costs: Mapping[str, float]


@attrs.frozen
class EpochFinished(Event):
    """An individual was trained for one more epoch.

    Attributes:
        individual: who was trained.
        epoch: how many epochs are finished.
        epochs: how many there will be.
        loss: mean training loss of the epoch.
    """

    individual: str
    epoch: int
    epochs: int
    loss: float


@attrs.frozen
class OffspringTrained(Event):
    """The life of an individual is over.

    Attributes:
        individual: who was trained.
        epochs: for how many epochs; a fraction where it waits in the midst of one.
        loss: mean training loss of the last.
    """

    individual: str
    epochs: float
    loss: float


@attrs.frozen
class IndividualEvaluated(Event):
    """An individual is on record, alive or stillborn."""

    individual: Individual


@attrs.frozen
class GenerationFinished(Event):
    """A whole generation is on record.

    Attributes:
        generation: its number.
        individuals: its members in order of their places, stillborn ones included.
        best: id of the best living one; empty when none lives.
    """

    generation: int
    individuals: tuple[Individual, ...]
    best: str


@attrs.frozen
class RunFinished(Event):
    """A run has come to its end.

    Attributes:
        path: the run folder.
        reason: which rule ended it.
        pick: id of the individual that the run delivers; empty when nobody lives.
    """

    path: str
    reason: str
    pick: str


@attrs.frozen
class Phase(Event):
    """A stretch of work that a profiler or a progress display may wrap.

    Attributes:
        name: ``heredity``, ``encoding``, ``mutation``, ``environment``, ``synthesis``,
            ``judging``, ``development``, ``training``, ``compilation`` (a part of training) or
            ``evaluation``.
        individual: whom the work is for.
    """

    name: str
    individual: str


class Announcer(Protocol):
    """Carries events to whoever listens."""

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Tell of an event by the name of its hook; it is only made if somebody listens."""

    def phase(self, phase: Phase) -> AbstractContextManager[Any]:
        """Return a context to do a phase of work in."""


class Silence:
    """An announcer that nobody listens to."""

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Nothing is told."""

    def phase(self, phase: Phase) -> AbstractContextManager[Any]:
        """Nothing is wrapped."""
        return nullcontext()
