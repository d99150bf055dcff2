"""Fittest: many siblings are looked at before any training, and the best one is schooled.

A walk: each sibling strays from the best so far, the first of them from the only child, by a step
that shrinks evenly to nothing (:mod:`evoframe.kernel.drawing.straying` says what a step
is). All are judged on the same training examples. One that could not live is passed over.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.errors import StillbornError
from evoframe.kernel.context import Context
from evoframe.kernel.drawing.brood import Brood, Sibling
from evoframe.kernel.judged import Judge
from evoframe.kernel.life import TrainingResult
from evoframe.roles import Litter, doc
from evoframe.strategies.litter.words import JUDGED_BY


@attrs.frozen
class Fittest(Litter):
    """Trains the best of many siblings, judged before training."""

    name: ClassVar[str] = "fittest"
    dial: ClassVar[str] = "size"

    size: int = attrs.field(
        default=40,
        validator=attrs.validators.ge(1),
        metadata=doc("number of siblings judged, including the only child"),
    )
    examples: int = attrs.field(
        default=1000,
        validator=attrs.validators.ge(1),
        metadata=doc("training examples for judging"),
    )
    judge: Judge = attrs.field(
        default="loss",
        metadata=JUDGED_BY,
    )
    step: float = attrs.field(
        default=0.02,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "initial distance by which siblings stray, as a share of all positions; 0: "
            "independent draws"
        ),
    )

    def raise_one(self, brood: Brood, context: Context) -> TrainingResult:
        """Return the result of training the best sibling."""
        best = brood.only()
        if self.size == 1:
            return brood.school(best)
        score = brood.judge(best, by=self.judge, examples=self.examples)
        for count in range(1, self.size):
            one = self._another(brood, best, self.step * (1 - count / self.size))
            if one is None:
                continue
            found = brood.judge(one, by=self.judge, examples=self.examples)
            if found < score or score != score:  # noqa: PLR0124  what is NaN loses to all
                best, score = one, found
        return brood.school(best)

    def _another(self, brood: Brood, best: Sibling, step: float) -> Sibling | None:
        try:
            return brood.another(around=best if step else None, step=step)
        except StillbornError:
            return None
