"""A plugin file with an encoding called "magnitude", used by the name that the error recommends.

Right: the run is on record so that it can be read again, from any folder.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "runs"
FROM_FILE = True
USE = ["--encoding", "clash.py:magnitude"]


@attrs.frozen
class Magnitude(Encoding):
    """Squares of weights."""

    name = "magnitude"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].square()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            genes[name] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Magnitude]
