"""Scenes: how a strategy of each role is called, so that one check can speak for several roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from hypothesis.strategies import SearchStrategy

from evoframe.errors import ConfigError
from evoframe.kernel.key import sealed
from evoframe.roles import Strategy
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import READERS, Case, Choice
from evoframe.testing.strategies import cases, choices

GENTLE = Gradient(epochs=2, learning_rate=0.02)
"""The training in which a nurture is tried."""


@attrs.frozen(eq=False)
class Scene:
    """One call that is about to be made.

    Attributes:
        call: makes it, and returns the answer.
        given: arguments, by what to call them, that must be afterwards what they were before.
    """

    call: Callable[[], Any]
    given: Mapping[str, Any]


def scene(strategy: Any, case: Any) -> Scene:
    """Return the call that a strategy's role gets, with the arguments that a case describes."""
    return _SCENES[strategy.role](strategy, case)


def stages(strategy: Strategy) -> SearchStrategy[Any]:
    """Return cases for the role of a strategy."""
    if strategy.role == "selection":
        return choices()
    if strategy.role == "environment":
        return cases().filter(lambda case: accepts(strategy, case))
    if strategy.role in ("training", "nurture", "task"):
        return cases(max_width=3)
    return cases()


def accepts(environment: Any, case: Case) -> bool:
    """Tell whether an environment takes DNA of the law of a case."""
    try:
        environment.check(READERS[case.law])
    except ConfigError:
        return False
    return True


def _heredity(strategy: Any, case: Case) -> Scene:
    parents, around = case.parents(strategy.parents), case.around()
    given = {"parents": parents, "ancestor": around.ancestor, "first weights": around.initial}
    return Scene(lambda: strategy.inherit(parents, case.key, around), given)


def _encoding(strategy: Any, case: Case) -> Scene:
    inheritance = case.inheritance()
    evidence = case.evidence(inheritance)
    return Scene(lambda: strategy.encode(inheritance, evidence), {"inheritance": inheritance})


def _mutation(strategy: Any, case: Case) -> Scene:
    dna = case.dna()
    return Scene(lambda: strategy.mutate(dna, case.key), {"DNA": dna})


def _environment(strategy: Any, case: Case) -> Scene:
    dna, inheritance, around = case.dna(), case.inheritance(), case.around()
    given = {"DNA": dna, "inheritance": inheritance, "ancestor": around.ancestor}
    return Scene(lambda: strategy.press(dna, inheritance, around), given)


def _selection(strategy: Any, case: Choice) -> Scene:
    population = case.population()
    return Scene(lambda: strategy.select(population, case.key), {"population": population})


def _training(strategy: Any, case: Case) -> Scene:
    phenotype, life = case.phenotype(), case.life()
    around = life.circumstances
    given = {
        "parents": life.parents,
        "ancestor": around.ancestor,
        "first weights": around.initial,
    }
    return Scene(lambda: strategy.train(phenotype, around.task, life), given)


def _nurture(strategy: Any, case: Case) -> Scene:
    phenotype, life = case.phenotype(), case.life(nurture=(strategy,))
    around = life.circumstances
    given = {
        "parents": life.parents,
        "ancestor": around.ancestor,
        "first weights": around.initial,
    }
    return Scene(lambda: GENTLE.train(phenotype, around.task, life), given)


def _task(strategy: Any, case: Case) -> Scene:
    def born() -> Any:
        with sealed(case.key):
            return strategy.ancestor(case.key)

    return Scene(born, {})


_SCENES: Mapping[str, Callable[[Any, Any], Scene]] = {
    "heredity": _heredity,
    "encoding": _encoding,
    "mutation": _mutation,
    "environment": _environment,
    "selection": _selection,
    "training": _training,
    "nurture": _nurture,
    "task": _task,
}
