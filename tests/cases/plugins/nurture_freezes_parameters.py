"""A nurture that freezes the first parameter of a network, and leaves it frozen.

Right: caught: requires_grad of every parameter is after a life (or an epoch) what it was before.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Nurture, hookimpl

EXPECT = "caught"


@attrs.frozen
class Frost(Nurture):
    """The first layer does not learn."""

    name = "frost"

    def before_epoch(self, phenotype, context, epoch):
        next(phenotype.network.parameters()).requires_grad_(False)


@hookimpl
def evoframe_nurtures():
    return [Frost]
