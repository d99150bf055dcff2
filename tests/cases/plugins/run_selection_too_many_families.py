"""A selection that gives nine families where two were asked for.

Right: the run stops with exit code 2 and a sentence that names selection crowd, its distribution
and version, and "9 families; wanted 2".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Family, Selection, hookimpl

EXPECT = "stops"
USE = ["--selection", "crowd"]


@attrs.frozen
class Crowd(Selection):
    """The best, again and again."""

    name = "crowd"

    def select(self, population, context):
        best = population.ranked()[0].id
        return (Family((best,) * population.parents),) * 9


@hookimpl
def evoframe_selections():
    return [Crowd]
