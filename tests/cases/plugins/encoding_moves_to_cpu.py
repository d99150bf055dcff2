"""An encoding that works on the CPU and forgets to go back to the device of the run.

Right: caught (fake tensors of another device need no accelerator), or the verdict says that
keeps_dtypes_and_devices was tried on the CPU alone.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import DNA, Encoding, Genes, even_levels, even_scores, hookimpl

EXPECT = "caught or said"
SAYS = r"accelerator|on the CPU (alone|only)|no other device"


@attrs.frozen
class Homebody(Encoding):
    """Magnitudes, taken on the CPU."""

    name = "homebody"

    def encode(self, inheritance, evidence, context):
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strength = inheritance.strengths[name].cpu().abs()
            levels = even_levels(strength, float(strength.max()) or 1.0)
            genes[name] = Genes(levels, even_scores() - 1, eligible.cpu())
        return DNA(genes)


@hookimpl
def evoframe_encodings():
    return [Homebody]
