"""A nurture that keeps a list of its own in a frozen value, and halves the loss after 2000 steps.

Right: caught: is_a_frozen_value looks at all that a strategy holds (also fields with eq=False or
init=False), before and after it was used, and names the field that changed.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Nurture, hookimpl

EXPECT = "caught"


@attrs.frozen
class Weary(Nurture):
    """The loss counts less in long lives."""

    name = "weary"
    seen: list = attrs.field(factory=list, init=False, repr=False, eq=False)

    def shape_loss(self, loss, phenotype, batch, context):
        self.seen.append(context.id)
        return loss if len(self.seen) < 2000 else loss / 2


@hookimpl
def evoframe_nurtures():
    return [Weary]
