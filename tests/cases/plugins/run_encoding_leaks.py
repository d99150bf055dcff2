"""An encoding that makes everything eligible again from generation 3 on.

Right: the run stops with exit code 2 and a sentence that names encoding open, its distribution and
version, the individual, and how many synapses no parent had (only a mutation that grows may).
"""

from __future__ import annotations

import attrs
import torch

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "stops"
USE = ["--encoding", "open"]


@attrs.frozen
class Open(Encoding):
    """Magnitudes."""

    name = "open"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            if context.generation > 2:
                eligible = torch.ones_like(eligible)
            genes[name] = Genes(levels, even_scores() - 1, eligible)
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Open]
