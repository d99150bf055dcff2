"""An encoding that gives back the very tensor that it was given, weights instead of levels.

Right: the run stops with exit code 2 and a sentence that names encoding mirror, its distribution
and version, the individual, and "levels of '0.weight' are float32; wanted int32".
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "stops"
USE = ["--encoding", "mirror"]


@attrs.frozen
class Mirror(Encoding):
    """Magnitudes."""

    name = "mirror"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            levels = inheritance.strengths[name]
            genes[name] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Mirror]
