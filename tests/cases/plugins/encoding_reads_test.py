"""An encoding that weighs synapses by what it finds in the test split.

Right: caught: an encoding learns from training data alone (Test data decide nothing, says the
README). A task that strategies are handed could refuse other splits; the kit could count what was
read.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "caught"


@attrs.frozen
class Clairvoyant(Encoding):
    """Magnitudes, shifted by the mean of the test inputs."""

    name = "clairvoyant"

    def encode(self, inheritance, evidence, context):
        batches = context.task.batches("test")
        shift = sum(float(inputs.double().mean()) for inputs, _ in batches)
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = (inheritance.strengths[name] - shift).abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            genes[name] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Clairvoyant]
