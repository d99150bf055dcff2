"""An observer that writes into what an event holds: others are told another accuracy.

Right: caught by changes_no_run ("read them, and leave them as they are"), or the mappings of events
cannot be written to, and the observer ends with a TypeError.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Observer, hookimpl

EXPECT = "caught"


@attrs.frozen
class Forger(Observer):
    """Improves results."""

    name = "forger"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.fitness:
            found = event.individual.fitness.validation
            for name in list(found):
                found[name] = attrs.evolve(found[name], value=99.0)


@hookimpl
def evoframe_observers():
    return [Forger]
