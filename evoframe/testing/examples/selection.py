"""A strategy for evoframe, of the role selection."""

import attrs

from evoframe.plugin import Family, Selection, hookimpl


@attrs.frozen
class Dynasty(Selection):
    """The best individual is every child's every parent."""

    name = "dynasty"

    def select(self, population, context):
        best = population.ranked()[0]
        return (Family((best.id,) * population.parents),) * population.size


@hookimpl
def evoframe_selections():
    return [Dynasty]
