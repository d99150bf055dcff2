"""A heredity whose inheritance lacks the last layer that evolves.

Right: the run stops with exit code 2 and a sentence that names heredity partial, its distribution
and version, the individual, and the parameter that is missing.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Heredity, Inheritance, hookimpl

EXPECT = "stops"
USE = ["--heredity", "partial"]


@attrs.frozen
class Partial(Heredity):
    """The first parent, almost."""

    name = "partial"

    def inherit(self, parents, context):
        parent = parents[0].genotype
        masks = dict(list(parent.masks.items())[:-1])
        return Inheritance(masks, {name: parent.state[name] for name in masks}, parent.state)


@hookimpl
def evoframe_heredities():
    return [Partial]
