"""Prepared calls: how a strategy of each role is called, so one check can do for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from evoframe.errors import ConfigError
from evoframe.evolution.learning import keeps_state, written
from evoframe.kernel.context import Context
from evoframe.kernel.key import sealed
from evoframe.kernel.notes import NONE
from evoframe.kernel.texts import value_of
from evoframe.roles import Strategy
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.broods import ENOUGH, brood_of
from evoframe.testing.case import READERS, Case, Choice
from evoframe.testing.specimens import Specimen
from evoframe.testing.strategies import WIDE, cases, choices
from evoframe.testing.trying import for_all

GENTLE = Gradient(epochs=2, learning_rate=0.02)
"""The training in which a nurture is tried."""

LONG = 8
"""Epochs of a long life."""


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
    if strategy.role in ("litter", "training", "nurture"):
        # Narrow, since every example trains a network.
        return st.builds(attrs.evolve, cases(max_width=3), epochs=st.sampled_from([1, 2, 4, LONG]))
    return cases()


def on_cases(strategy: Strategy, attempt: Callable[[Any], None], *, share: float = 1.0) -> None:
    """Try a function on the cases of a strategy's role, see :func:`for_all`."""
    for_all(stages(strategy), attempt, share=share, corners=corners(strategy))


def corners(strategy: Strategy) -> list[Any]:
    """Return cases at the edges of what there is, for the role of a strategy."""
    if strategy.role == "selection":
        return [Choice(tuple(place % 7 / 8 for place in range(13)), 9, 2, generation=30)]
    edges = [
        Case(Specimen("perceptron", WIDE), 0.001, generation=40),
        Case(Specimen("convolutions", WIDE), 0.01, "ranked", generation=7),
        Case(Specimen("bias-free", 3), 0.5, "clustered", generation=3),
        Case(Specimen("normed", 3, "float64"), 1.0, "ranked", generation=20),
    ]
    if strategy.role == "environment":
        return [case for case in edges if accepts(strategy, case)]
    if strategy.role in ("litter", "training", "nurture"):
        return [attrs.evolve(edges[2], epochs=LONG), edges[3]]
    return edges


def accepts(environment: Any, case: Case) -> bool:
    """Tell whether an environment takes DNA of the law of a case."""
    try:
        environment.check(READERS[case.law])
    except ConfigError:
        return False
    return True


def with_state(strategy: Any, context: Context) -> Context:
    """Return the context with the state that a strategy begins with, as a run would give it."""
    if not keeps_state(strategy):
        return context
    here = attrs.evolve(context, key=context.key.at("state"), id="", parents=(), notes=NONE)
    with sealed(here.key):
        return attrs.evolve(context, state=value_of(written(strategy.begin(here))))


def _heredity(strategy: Any, case: Case) -> Prepared:
    context = with_state(strategy, case.context(parents=strategy.parents))
    return Prepared(lambda: strategy.inherit(context.parents, context), _shared(context))


def _encoding(strategy: Any, case: Case) -> Prepared:
    inheritance, context = case.inheritance(), with_state(strategy, case.context())
    evidence = case.evidence(inheritance)
    given = {"inheritance": inheritance, "state": context.state}
    return Prepared(lambda: strategy.encode(inheritance, evidence, context), given)


def _mutation(strategy: Any, case: Case) -> Prepared:
    dna, inheritance = case.dna(), case.inheritance()
    context = with_state(strategy, case.context())
    given = {"DNA": dna, "inheritance": inheritance, "ancestor": context.ancestor}
    given["state"] = context.state
    return Prepared(lambda: strategy.mutate(dna, inheritance, context), given)


def _environment(strategy: Any, case: Case) -> Prepared:
    dna, inheritance = case.dna(), case.inheritance()
    context = with_state(strategy, case.context())
    given = {"DNA": dna, "inheritance": inheritance, "ancestor": context.ancestor}
    given["state"] = context.state
    return Prepared(lambda: strategy.press(dna, inheritance, context), given)


def _selection(strategy: Any, case: Choice) -> Prepared:
    population, context = case.population(), with_state(strategy, case.context())
    given = {"population": population, "state": context.state}
    return Prepared(lambda: strategy.select(population, context), given)


def _training(strategy: Any, case: Case) -> Prepared:
    phenotype, training = case.phenotype(), lasting(strategy, case)
    context = with_state(strategy, case.context())
    return Prepared(lambda: training.train(phenotype, context), _shared(context))


def _nurture(strategy: Any, case: Case) -> Prepared:
    phenotype, context = case.phenotype(), case.context(life=case.life(strategy))
    training = lasting(GENTLE, case)
    return Prepared(lambda: training.train(phenotype, context), _shared(context))


def _litter(strategy: Any, case: Case) -> Prepared:
    context, litter = with_state(strategy, case.context()), small(strategy)
    brood = brood_of(case, context)
    given = _shared(context) | {"inheritance": brood.inheritance, "DNA": brood.dna}
    return Prepared(lambda: litter.raise_one(brood, context.at("litter")), given)


def small(litter: Any) -> Any:
    """Return a litter of few siblings, where its dial can say that; other strategies as they are.

    Every example would take as long as a litter of its size.
    """
    if litter.role != "litter" or not litter.dial:
        return litter
    value = min(ENOUGH, getattr(litter, litter.dial))
    return with_option(litter, litter.dial, value) or litter


def lasting(training: Any, case: Case) -> Any:
    """Return a training that takes as many epochs as a case says, where its dial can say that."""
    if case.epochs is None or not training.dial:
        return training
    return with_option(training, training.dial, case.epochs) or training


def with_option(strategy: Any, name: str, value: Any) -> Any:
    """Return a strategy with another value of an option, or None if it refuses that."""
    if name not in attrs.fields_dict(type(strategy)):
        return None
    try:
        return attrs.evolve(strategy, **{name: value})
    except Exception:  # noqa: BLE001  a validator may raise what it likes
        return None


def _shared(context: Context) -> dict[str, Any]:
    """Return all that siblings are given in common, by what to call it."""
    return {
        "parents": context.parents,
        "ancestor": context.ancestor,
        "first weights": context.initial,
        "state": context.state,
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
    "litter": _litter,
    "training": _training,
    "nurture": _nurture,
    "task": _task,
}
