"""An encoding that forgets all rows of a layer but the first.

Right: the run stops with exit code 2 and a sentence that names encoding clipped, its distribution
and version, the individual, and "levels of '0.weight' are (1, 8); wanted (32, 8)".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "stops"
USE = ["--encoding", "clipped"]


@attrs.frozen
class Clipped(Encoding):
    """Magnitudes."""

    name = "clipped"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            genes[name] = Genes(levels[:1], even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Clipped]
