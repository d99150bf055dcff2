"""Weights: which ones an offspring begins with, beside those that it could inherit."""

from __future__ import annotations

from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State


def begun_with(weights: str, inherited: State, context: Context) -> State:
    """Return the state that an offspring begins with.

    Args:
        weights: the ancestor's first ones (``rewind``), fresh ones (``reinitialise``), or others.
        inherited: those of its parents, which are taken unless something else is asked for.
        context: of the birth.
    """
    if weights == "rewind":
        return context.initial_state()
    if weights == "reinitialise":
        return context.newborn_state(context.key.at("weights"))
    return inherited
