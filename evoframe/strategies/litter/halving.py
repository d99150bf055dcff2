"""Halving: many siblings are trained a little, few of them more, one to its end.

Successive halving (Jamieson and Talwalkar, arXiv 1502.07943) over the siblings of one birth: those
that do best before any training are trained for the first rung and judged again, the best of them
for the next. Nothing is trained twice: the survivor goes on where it waits, on the schedule that it
would have had alone. DarwinLM (arXiv 2502.07780) trains offspring a little as well, and throws that
training away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import attrs

from evoframe.errors import ConfigError, StillbornError
from evoframe.kernel.context import Context
from evoframe.kernel.drawing.brood import Brood, Sibling
from evoframe.kernel.judged import Judge
from evoframe.kernel.life import TrainingResult
from evoframe.roles import Litter, Nurture, Task, Training, doc
from evoframe.roles.pausing import require_pausable
from evoframe.strategies.litter.words import JUDGED_BY

Schooled = tuple[Sibling, TrainingResult | None]
"""A sibling, and what training has made of it so far."""


@attrs.frozen
class Halving(Litter):
    """Successive halving: trains siblings in rungs, and the best one to the end."""

    name: ClassVar[str] = "halving"
    dial: ClassVar[str] = "size"

    size: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("number of siblings judged before training, including the only child"),
    )
    siblings: tuple[int, ...] = attrs.field(
        default=(4, 2),
        validator=attrs.validators.deep_iterable(attrs.validators.ge(1)),
        metadata=doc("number of siblings trained in each rung"),
    )
    epochs: tuple[float, ...] = attrs.field(
        default=(0.25, 0.5),
        validator=attrs.validators.deep_iterable(attrs.validators.gt(0)),
        metadata=doc("end of each rung, in epochs since birth"),
    )
    examples: int = attrs.field(
        default=1000,
        validator=attrs.validators.ge(1),
        metadata=doc("training examples for judging, each time"),
    )
    judge: Judge = attrs.field(
        default="loss",
        metadata=JUDGED_BY,
    )
    step: float = attrs.field(
        default=0.02,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "distance by which siblings stray from the only child, as a share of all positions"
        ),
    )

    def __attrs_post_init__(self) -> None:
        """Refuse rungs that do not go on from one another."""
        falls = all(a > b for a, b in zip(self.siblings, self.siblings[1:], strict=False))
        rises = all(a < b for a, b in zip(self.epochs, self.epochs[1:], strict=False))
        if len(self.siblings) != len(self.epochs) or not falls or not rises:
            raise ValueError(
                f"siblings are {self.siblings!r} and epochs {self.epochs!r}; wanted as many of "
                "both, fewer and fewer siblings after more and more epochs"
            )

    def check(self, training: Training, nurtures: Sequence[Nurture], task: Task) -> None:
        """Refuse a life that cannot be put down, and rungs beyond its end."""
        if not self.siblings:
            return
        require_pausable(self, training, nurtures)
        whole = getattr(training, training.dial) if training.dial else math.inf
        if isinstance(whole, int | float) and self.epochs[-1] >= whole:
            raise ConfigError(
                f"litter 'halving' trains siblings for {self.epochs[-1]:g} epochs, and the whole "
                f"training has {whole:g}. Set litter.epochs to fewer."
            )

    def raise_one(self, brood: Brood, context: Context) -> TrainingResult:
        """Return the result of training the last sibling."""
        first = brood.only()
        group: list[Schooled] = [(first, None), *self._others(brood, first)]
        for count, epochs in zip(self.siblings, self.epochs, strict=True):
            best = self._best(brood, group, count)
            group = [
                (one, result)
                for one, before in best
                if (result := self._trained(brood, one, epochs, before)) is not None
            ]
        if not group:
            raise StillbornError("nobody of its litter lived through the first rungs")
        ((last, before),) = self._best(brood, group, 1)
        return brood.school(last, after=before)

    def _others(self, brood: Brood, first: Sibling) -> list[Schooled]:
        found: list[Schooled] = []
        for _ in range(self.size - 1):
            try:
                around = first if self.step else None
                found.append((brood.another(around=around, step=self.step), None))
            except StillbornError:
                continue
        return found

    def _best(self, brood: Brood, group: Sequence[Schooled], count: int) -> Sequence[Schooled]:
        """Return the best of a group; all of it, without a look, if it has no more."""
        if len(group) <= count:
            return group
        scores = [
            brood.judge(one, by=self.judge, examples=self.examples, schooled=before)
            for one, before in group
        ]
        order = sorted(range(len(group)), key=lambda at: (math.isnan(scores[at]), scores[at], at))
        return [group[at] for at in order[:count]]

    def _trained(
        self, brood: Brood, one: Sibling, epochs: float, before: TrainingResult | None
    ) -> TrainingResult | None:
        try:
            return brood.school(one, until=epochs, after=before)
        except StillbornError:
            return None
