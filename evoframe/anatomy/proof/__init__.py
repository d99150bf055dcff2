"""Proof: rules decide what may leave, probes refute it.

Small things are removed from the network without arithmetic; what breaks its forward pass is kept
from then on, and numbers that modules hold learn to follow.
"""

from evoframe.anatomy.proof.measured import measured as measured
from evoframe.anatomy.proof.numbers import Numbers as Numbers
from evoframe.anatomy.proof.owning import (
    of_inputs as of_inputs,
    require_own_parameters as require_own_parameters,
)
from evoframe.anatomy.proof.prove import prove as prove
