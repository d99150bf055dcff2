"""Elsewhere: another process gives the same answers, with other hashes of its own."""

from __future__ import annotations

from typing import Any

from evoframe.testing.catalogue import CALLED, Stage, law
from evoframe.testing.other_process import NotThere, answered, asked
from evoframe.testing.prepared import corners
from evoframe.testing.trying import broken


@law(*CALLED, stage=Stage.COMPANY)
def check_answers_alike_in_another_process(strategy: Any) -> None:
    """Another process, with another seed of Python's hashes, gives the same answers, bit for bit.

    A run is gone on with on another day, and its lives may be lived by workers. What depends on
    the order of a set, on ``hash()`` or ``id()`` is different there: sort, and draw from the key.
    """
    cases = corners(strategy)
    try:
        elsewhere = asked(strategy, cases)
    except NotThere:  # the verdict says that it was not tried
        return
    for case, other in zip(cases, elsewhere, strict=True):
        here = answered(strategy, case)
        if here != other:
            told = "the answer is another there" if len(other) == len(here) else other
            broken(told, case)
