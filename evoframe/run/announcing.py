"""Announcing: how the events of a life reach the observers of its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from evoframe.kernel.events import Event, Phase, Silence
from evoframe.roles.executor import Send


@attrs.frozen(eq=False)
class LifeAnnouncer:
    """Carries the events of a life to the observers that hear them."""

    send: Send
    heard: frozenset[str]
    wrap: Callable[[Phase], Any] | None

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Make and send an event, if anybody hears it."""
        if hook in self.heard:
            self.send(hook, event())

    def phase(self, phase: Phase) -> Any:
        """Return the observers' context where they are in this process, else an empty one."""
        if self.wrap is None or "evoframe_phase" not in self.heard:
            return Silence().phase(phase)
        return self.wrap(phase)
