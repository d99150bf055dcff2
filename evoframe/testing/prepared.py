"""Prepared calls: how a strategy of each role is called, so one check can do for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from hypothesis.strategies import SearchStrategy

from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.key import sealed
from evoframe.roles import Strategy
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import READERS, Case, Choice
from evoframe.testing.strategies import cases, choices

GENTLE = Gradient(epochs=2, learning_rate=0.02)
"""The training in which a nurture is tried."""


@attrs.frozen(eq=False)
class Prepared:
    """One call that is about to be made.

    Attributes:
        call: makes it, and returns the answer.
        given: arguments, by what to call them, that must be afterwards what they were before.
    """

    call: Callable[[], Any]
    given: Mapping[str, Any]


def prepared(strategy: Any, case: Any) -> Prepared:
    """Return the call that a strategy's role gets, with the arguments that a case describes."""
    return _PREPARED[strategy.role](strategy, case)


def stages(strategy: Strategy) -> SearchStrategy[Any]:
    """Return cases for the role of a strategy."""
    if strategy.role == "selection":
        return choices()
    if strategy.role == "environment":
        return cases().filter(lambda case: accepts(strategy, case))
    if strategy.role in ("training", "nurture", "task"):
        # Narrow, since every example trains a network.
        return cases(max_width=3)
    return cases()


def accepts(environment: Any, case: Case) -> bool:
    """Tell whether an environment takes DNA of the law of a case."""
    try:
        environment.check(READERS[case.law])
    except ConfigError:
        return False
    return True


def _heredity(strategy: Any, case: Case) -> Prepared:
    context = case.context(parents=strategy.parents)
    return Prepared(lambda: strategy.inherit(context.parents, context), _shared(context))


def _encoding(strategy: Any, case: Case) -> Prepared:
    inheritance, context = case.inheritance(), case.context()
    evidence = case.evidence(inheritance)
    return Prepared(
        lambda: strategy.encode(inheritance, evidence, context), {"inheritance": inheritance}
    )


def _mutation(strategy: Any, case: Case) -> Prepared:
    dna, inheritance, context = case.dna(), case.inheritance(), case.context()
    given = {"DNA": dna, "inheritance": inheritance, "ancestor": context.ancestor}
    return Prepared(lambda: strategy.mutate(dna, inheritance, context), given)


def _environment(strategy: Any, case: Case) -> Prepared:
    dna, inheritance, context = case.dna(), case.inheritance(), case.context()
    given = {"DNA": dna, "inheritance": inheritance, "ancestor": context.ancestor}
    return Prepared(lambda: strategy.press(dna, inheritance, context), given)


def _selection(strategy: Any, case: Choice) -> Prepared:
    population, context = case.population(), case.context()
    return Prepared(lambda: strategy.select(population, context), {"population": population})


def _training(strategy: Any, case: Case) -> Prepared:
    phenotype, context = case.phenotype(), case.context()
    return Prepared(lambda: strategy.train(phenotype, context), _shared(context))


def _nurture(strategy: Any, case: Case) -> Prepared:
    phenotype, context = case.phenotype(), case.context(life=case.life(strategy))
    return Prepared(lambda: GENTLE.train(phenotype, context), _shared(context))


def _shared(context: Context) -> dict[str, Any]:
    """Return all that siblings are given in common, by what to call it."""
    return {
        "parents": context.parents,
        "ancestor": context.ancestor,
        "first weights": context.initial,
    }


def _task(strategy: Any, case: Case) -> Prepared:
    def born() -> Any:
        with sealed(case.key):
            return strategy.ancestor(case.key)

    return Prepared(born, {})


_PREPARED: Mapping[str, Callable[[Any, Any], Prepared]] = {
    "heredity": _heredity,
    "encoding": _encoding,
    "mutation": _mutation,
    "environment": _environment,
    "selection": _selection,
    "training": _training,
    "nurture": _nurture,
    "task": _task,
}
