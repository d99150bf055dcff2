"""Announcing: how the events of a life reach the observers of its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from evoframe.kernel.events import Event, OffspringTrained, Phase, Silence
from evoframe.roles.executor import Send
from evoframe.run.disk.account import Stopwatch

TRAINED = "evoframe_offspring_trained"
"""The hook of the event that tells how many epochs a life had."""


@attrs.frozen(eq=False)
class LifeAnnouncer:
    """Carries the events of a life to the observers that hear them, and times its phases."""

    send: Send
    heard: frozenset[str]
    wrap: Callable[[Phase], Any] | None
    watch: Stopwatch = attrs.field(factory=Stopwatch)

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Make and send an event, if anybody hears it."""
        if hook == TRAINED and isinstance(told := event(), OffspringTrained):
            self.watch.epochs = float(told.epochs)
        if hook in self.heard:
            self.send(hook, event())

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Do a phase of work on the watch, inside the contexts of observers that are here."""
        with self._observed(phase), self.watch.phase(phase.name):
            yield

    def _observed(self, phase: Phase) -> Any:
        if self.wrap is None or "evoframe_phase" not in self.heard:
            return Silence().phase(phase)
        return self.wrap(phase)
