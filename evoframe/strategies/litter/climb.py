"""Climb: steps of evolution within one birth, before any training (EvoPress, arXiv 2410.14649).

In each step a parent has several offspring, made by exchanges. They are thinned on growing numbers
of training examples: all are judged on few, the better of them on more, and the parent competes
with those of the last round on all examples. Whoever wins is the parent of the next step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
class Climb(Litter):
    """Trains the result of an evolution strategy over siblings, by exchanges."""

    name: ClassVar[str] = "climb"
    dial: ClassVar[str] = "steps"

    steps: int = attrs.field(
        default=10, validator=attrs.validators.ge(0), metadata=doc("number of steps")
    )
    offspring: int = attrs.field(
        default=8,
        validator=attrs.validators.ge(1),
        metadata=doc("siblings created in each step"),
    )
    share: float = attrs.field(
        default=0.03,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the present, removable clusters that is exchanged, at least one"),
    )
    examples: tuple[int, ...] = attrs.field(
        default=(128, 1000),
        validator=[
            attrs.validators.min_len(1),
            attrs.validators.deep_iterable(attrs.validators.ge(1)),
        ],
        metadata=doc("training examples for judging in each round of a step"),
    )
    keep: float = attrs.field(
        default=0.25,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the siblings kept for the next round, at least one"),
    )
    judge: Judge = attrs.field(
        default="loss",
        metadata=JUDGED_BY,
    )

    def raise_one(self, brood: Brood, context: Context) -> TrainingResult:
        """Return the result of training the last of the line."""
        parent = brood.only()
        score = self._score(brood, parent) if self.steps else math.nan
        for _ in range(self.steps):
            made = [self._exchanged(brood, parent) for _ in range(self.offspring)]
            best, found = self._thinned(brood, [one for one in made if one is not None])
            if best is not None and (found < score or math.isnan(score)):
                parent, score = best, found
        return brood.school(parent)

    def _thinned(self, brood: Brood, group: Sequence[Sibling]) -> tuple[Sibling | None, float]:
        """Return the best of several and its score on all examples, judged in rounds."""
        best, score = None, math.nan
        for examples in self.examples:
            ranked = sorted(
                ((brood.judge(one, by=self.judge, examples=examples), one) for one in group),
                key=lambda one: (math.isnan(one[0]), one[0], one[1].number),
            )
            if not ranked:
                return None, math.nan
            score, best = ranked[0]
            group = [one for _, one in ranked[: max(1, math.ceil(self.keep * len(ranked)))]]
        return best, score

    def _score(self, brood: Brood, sibling: Sibling) -> float:
        return brood.judge(sibling, by=self.judge, examples=self.examples[-1])

    def _exchanged(self, brood: Brood, parent: Sibling) -> Sibling | None:
        try:
            return brood.exchanged(parent, share=self.share)
        except StillbornError:
            return None
