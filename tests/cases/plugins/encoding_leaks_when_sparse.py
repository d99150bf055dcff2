"""An encoding that offers one synapse more wherever fewer than one in fifty are left.

Right: covers_exactly_what_is_eligible fails, on an inheritance of a few synapses among hundreds.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "caught"


@attrs.frozen
class Generous(Encoding):
    """Magnitudes; an almost empty layer gets its first synapse back."""

    name = "generous"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            if 0 < float(eligible.double().mean()) < 0.02:
                eligible = eligible.clone()
                eligible.view(-1)[0] = True
            levels = even_levels(strength, float(strength.max()) or 1.0)
            genes[name] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Generous]
