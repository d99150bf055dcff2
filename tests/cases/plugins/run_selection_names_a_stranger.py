"""A selection that names a parent who never lived.

Right: the run stops with exit code 2 and a sentence that names selection ghost, its distribution
and version, and "'g9s9' is none of the living".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Family, Selection, hookimpl

EXPECT = "stops"
USE = ["--selection", "ghost"]


@attrs.frozen
class Ghost(Selection):
    """The best, again and again."""

    name = "ghost"

    def select(self, population, context):
        best = population.ranked()[0].id
        return (Family(("g9s9",) * population.parents),) * population.size if best else ()


@hookimpl
def evoframe_selections():
    return [Ghost]
