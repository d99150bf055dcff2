"""Lives in rungs: no further than a rung, the same bits as without a pause, and no step twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs

from evoframe.kernel.life import TrainingResult
from evoframe.kernel.rungs import Paused, Rung
from evoframe.roles.pausing import is_pausable
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.checks.training import Counted
from evoframe.testing.prepared import lasting, on_cases
from evoframe.testing.specimens import BATCH_SIZE, SIZES
from evoframe.testing.trying import broken

HAIR = 1e-6
"""Of an epoch, for fractions that are no binary numbers."""


def _lived(training: Any, case: Case, rung: Rung, companions: Sequence[Any] = ()) -> TrainingResult:
    """Live as far as a rung goes, with a network and a context made anew."""
    life = attrs.evolve(case.life(*companions), rung=rung)
    result: TrainingResult = training.train(case.phenotype(), case.context(life=life))
    return result


def _counted(case: Case) -> Case:
    one = case.specimen
    return attrs.evolve(case, task=Counted(one.kind, one.width, one.precision))


def _steps(case: Case) -> list[int]:
    task = case.task
    assert isinstance(task, Counted)
    return task.taken


def _paused(result: TrainingResult) -> Paused | None:
    """Return the life as it waits; refuses what says so and is nothing of the kind."""
    if not (result.paused is None or isinstance(result.paused, Paused)):
        broken(f"paused is a {type(result.paused).__name__}; wanted Paused, or None at the end")
    return result.paused


@law("training", when=is_pausable, stage=Stage.COMPANY)
def check_goes_no_further_than_its_rung(training: Any) -> None:
    """With the trait ``pausable``: it takes no more steps than fit into its rung, and waits there.

    ``context.life.rung.until`` counts epochs of the whole schedule, from birth. Comparisons of
    siblings are made at equal epochs; one that trains on has an unfair advantage.
    """

    def attempt(case: Case) -> None:
        lived = lasting(training, case)
        batches = math.ceil(SIZES["train"] / (getattr(training, "batch_size", None) or BATCH_SIZE))
        for until in (0.0, 0.5, 1.0, 1.7):
            counting = _counted(case)
            result = _lived(lived, counting, Rung(until=until))
            taken, fit = len(_steps(counting)), math.floor(until * batches + HAIR)
            # One that has nothing to train is at its end wherever it is told to wait.
            if taken > fit:
                broken(f"it took {taken} steps for {until} epochs of {batches} batches")
            waits = _paused(result)
            if result.epochs > until + HAIR or (waits and waits.epochs > until + HAIR):
                broken(f"it reports {result.epochs} epochs; its rung ends after {until}")

    on_cases(training, attempt, share=0.25)


@law("training", "nurture", when=is_pausable, stage=Stage.COMPANY)
def check_a_life_in_rungs_ends_the_same(strategy: Any) -> None:
    """Put down between epochs or in the midst of one, a life ends with the bits of one without.

    A training keeps all that its rest needs in ``Paused.tensors``; a nurture returns from
    ``put_down()`` what it keeps, and ``take_up()`` is given it.
    """
    own = strategy if strategy.role == "training" else Gradient(epochs=3, learning_rate=0.02)
    companions = () if strategy.role == "training" else (strategy,)

    def attempt(case: Case) -> None:
        training = lasting(own, case)

        def lived(*stops: float) -> str:
            before = None
            for stop in (*stops, math.inf):
                result = _lived(training, case, Rung(until=stop, taken_up=before), companions)
                if (before := _paused(result)) is None:
                    break
            return case.anatomy.absorb(result.phenotype).digest()

        straight = lived()
        for stops in ((0.7,), (1.0, 1.4)):
            if lived(*stops) != straight:
                told = " and ".join(map(str, stops))
                broken(f"put down after {told} epochs, it ends with other weights")

    on_cases(strategy, attempt, share=0.25)


@law("training", when=is_pausable, stage=Stage.COMPANY)
def check_takes_up_where_it_was_put_down(training: Any) -> None:
    """With the trait ``pausable``: what was lived before a rung is not lived again after it.

    ``context.life.rung.taken_up`` says where the life was put down. A training that begins anew
    ends with the same bits, and costs the steps that rungs are there to save.
    """

    def attempt(case: Case) -> None:
        lived, whole = lasting(training, case), _counted(case)
        _lived(lived, whole, Rung())
        first, rest = _counted(case), _counted(case)
        before = _paused(_lived(lived, first, Rung(until=1)))
        if before is None:
            return
        _lived(lived, rest, Rung(taken_up=before))
        taken = len(_steps(first)) + len(_steps(rest))
        if taken > len(_steps(whole)):
            broken(f"with a pause it took {taken} steps, without {len(_steps(whole))}")

    on_cases(training, attempt, share=0.25)
