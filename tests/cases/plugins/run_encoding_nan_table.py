"""An encoding whose table is the logarithm of negative numbers: NaN.

Right: the run stops with exit code 2 and a sentence that names encoding undefined, its distribution
and version, the individual, and that a log-probability is NaN.
"""

from __future__ import annotations

import attrs
import numpy as np

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "stops"
USE = ["--encoding", "undefined"]


@attrs.frozen
class Undefined(Encoding):
    """Magnitudes."""

    name = "undefined"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            with np.errstate(invalid="ignore"):
                table = np.log(even_scores() - 2)
            genes[name] = Genes(levels, table, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Undefined]
