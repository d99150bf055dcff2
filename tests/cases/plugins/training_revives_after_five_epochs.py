"""A training that moves all weights once more at the end of long lives, and only there.

Right: absent_synapses_stay_absent fails: the dial is tried at larger values too (1, its own, 8).
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Gradient, hookimpl

EXPECT = "caught"


@attrs.frozen
class Marathon(Gradient):
    """Minibatch descent, and a little more."""

    name = "marathon"

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        if self.epochs >= 5:
            for parameter in result.phenotype.network.parameters():
                parameter.data.add_(1e-3)
        return result


@hookimpl
def evoframe_trainings():
    return [Marathon]
