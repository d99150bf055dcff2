"""A training that adds a little to the weights of layers without a bias, after the last step.

Right: absent_synapses_stay_absent fails: the kit's networks have layers without a bias.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Gradient, hookimpl

EXPECT = "caught"


@attrs.frozen
class Weld(Gradient):
    """Minibatch descent, and a little more."""

    name = "weld"

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        for module in result.phenotype.network.modules():
            if getattr(module, "weight", None) is not None and getattr(module, "bias", 0) is None:
                module.weight.data.add_(1e-6)
        return result


@hookimpl
def evoframe_trainings():
    return [Weld]
