"""Measured: how far smaller networks are from their masked ancestors, where they are not equal."""

from __future__ import annotations

import attrs
from torch import Tensor

from evoframe.anatomy.plan import ProvedPlan
from evoframe.anatomy.proof.numbers import Numbers
from evoframe.anatomy.proof.probes import left_by
from evoframe.anatomy.proof.removals import FEW_LEFT_AND_MOST, HALVES, removals
from evoframe.anatomy.proof.trials import EVALUATION
from evoframe.kernel.modules.arguments import Arguments


def measured(
    proved: ProvedPlan, numbers: Numbers, state: dict[str, Tensor], inputs: Arguments
) -> float | None:
    """Return the largest distance of outputs from the masked ancestor's, over sets of removals.

    Of the ancestor as it is, on the example inputs, and as a share of the largest output: what is
    lost before anybody learns anew.

    Args:
        proved: a plan, proved as far as shapes go.
        numbers: what removals are tried with.
        state: the ancestor's parameters and buffers.
        inputs: its example inputs.

    Returns:
        None where nothing can leave, or the network does not run on its inputs.
    """
    plan, own = proved.plan, attrs.evolve(numbers, values=state, inputs=inputs)
    sets = [removals(plan, which) for which in (*HALVES, *FEW_LEFT_AND_MOST)]
    if not plan.trace.knows_channels or own.fault(EVALUATION):
        return None
    found = [own.apart(proved, left_by(plan.bundles, some)) for some in sets if some]
    return max(found, default=None)
