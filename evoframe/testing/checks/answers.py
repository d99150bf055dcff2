"""Answers: every call comes back, with a value of the kind that its role returns."""

from __future__ import annotations

from typing import Any

from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.population import Family
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.prepared import on_cases, prepared
from evoframe.testing.trying import broken

KINDS: dict[str, type] = {
    "heredity": Inheritance,
    "encoding": DNA,
    "mutation": DNA,
    "environment": DNA,
    "selection": tuple,
    "litter": TrainingResult,
    "training": TrainingResult,
    "nurture": TrainingResult,
}
"""What each role returns; in place of a nurture, the training that it takes part in."""


@law(*KINDS, stage=Stage.ANSWER)
def check_answers_in_kind(strategy: Any) -> None:
    """It answers every call, whatever the network and the generation, as its role says.

    Networks are narrow and wide, nearly empty and whole, with and without biases; generations are
    early and late. What is tried afterwards takes an answer for granted.
    """
    kind = KINDS[strategy.role]

    def attempt(case: Any) -> None:
        answer: Any = prepared(strategy, case).call()
        if not isinstance(answer, kind):
            found = "None" if answer is None else f"a {type(answer).__name__}"
            broken(f"it returned {found}; wanted {_in_words(kind)}")
        families: Any = answer if strategy.role == "selection" else ()
        if strangers := [one for one in families if not isinstance(one, Family)]:
            broken(f"one of its families is {strangers[0]!r}; wanted Family")

    on_cases(strategy, attempt)


def _in_words(kind: type) -> str:
    return "a tuple of Family" if kind is tuple else kind.__name__
