"""Litter: who is born is one of the brood, and all of it stays as it was drawn."""

from __future__ import annotations

from typing import Any

from evoframe.errors import ContractError
from evoframe.kernel.context import Context
from evoframe.kernel.life import TrainingResult
from evoframe.testing.broods import Kept, brood_of
from evoframe.testing.case import Case
from evoframe.testing.catalogue import law
from evoframe.testing.prepared import on_cases, small
from evoframe.testing.trying import broken


@law("litter")
def check_raises_one_of_its_brood(litter: Any) -> None:
    """What it returns is what `brood.school` has made of a sibling, as that returned it.

    So it is within every budget, and its training is on record: do not train or change a network
    yourself.
    """

    def attempt(case: Case) -> None:
        brood, context = _given(case)
        result = _raised(litter, brood, context)
        try:
            brood.own.sibling_of(result)
        except ContractError as error:
            broken(str(error))

    on_cases(litter, attempt, share=0.5)


@law("litter")
def check_leaves_siblings_as_they_are(litter: Any) -> None:
    """Siblings are afterwards what they were when they were drawn, bit for bit.

    They share weights with each other and with their parents. Ask the brood for another one.
    """

    def attempt(case: Case) -> None:
        brood, context = _given(case)
        _raised(litter, brood, context)
        for one in brood.given:
            if lost := brood.own.is_changed(one):
                broken(f"it changed {lost}")

    on_cases(litter, attempt, share=0.5)


def _given(case: Case) -> tuple[Kept, Context]:
    context = case.context()
    return brood_of(case, context), context.at("litter")


def _raised(litter: Any, brood: Kept, context: Context) -> TrainingResult:
    result: TrainingResult = small(litter).raise_one(brood, context)
    return result
