"""An observer that goes around attrs.frozen and empties an event for those who come after it.

Right: caught by changes_no_run: an event is after the call what it was before, bit for bit.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Observer, hookimpl

EXPECT = "caught"


@attrs.frozen
class Thief(Observer):
    """Keeps generations to itself."""

    name = "thief"

    @hookimpl
    def evoframe_generation_finished(self, event):
        object.__setattr__(event, "individuals", ())


@hookimpl
def evoframe_observers():
    return [Thief]
