"""Notes and state: what a strategy knows of the past is what it is given."""

from __future__ import annotations

from typing import Any

import attrs

from evoframe.evolution.learning import keeps_state, written
from evoframe.kernel.key import Key, sealed, untouched
from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.texts import value_of
from evoframe.testing.case import Case, Choice
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.other_process import NotThere, answered, asked
from evoframe.testing.prepared import prepared, with_state
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import broken, in_words

KEEPING = (
    "heredity", "encoding", "mutation", "environment", "litter", "selection", "training",
)  # fmt: skip
"""The roles that write notes, and may keep state."""

PLACES = 4
"""How many individuals a generation has that something is learned from."""


@law(*KEEPING, when=keeps_state, stage=Stage.FORM)
def check_begins_with_what_a_record_can_hold(strategy: Any) -> None:
    """What ``begin`` returns can be written down and read again: numbers, texts, arrays, tensors.

    And lists and tables of those, with texts as names. It is given back so after a kill and in
    other processes: tuples as lists, and tensors on the CPU.
    """
    case = _case(strategy)
    try:
        before = with_state(strategy, case.context()).state
    except Exception as error:  # noqa: BLE001  a strategy may do anything
        broken(f"begin(): {in_words(error)}")
    if before is None:
        broken("begin() returned None; wanted a state, or no method begin")


@law(*KEEPING, when=keeps_state, stage=Stage.CALL)
def check_learns_the_same_again(strategy: Any) -> None:
    """From the same state and the same generation it learns the same, bit for bit.

    A generation is learned from once more where a run was killed. Nothing but the arguments
    counts: chance comes from a seed in the state, and individuals may lack its notes, as an elite
    of the ancestor does.
    """
    context = with_state(strategy, _case(strategy).context())
    population = _generation(strategy)
    # Sealed with other keys, as somebody else may have drawn in between.
    with untouched(), sealed(Key(1)):
        first = written(strategy.learned(context.state, population))
    again = value_of(written(with_state(strategy, _case(strategy).context()).state))
    with untouched(), sealed(Key(2)):
        second = written(strategy.learned(again, population))
    if first != second:
        broken("what it learned the second time is another state")
    if first == written(None):
        broken("learned() returned None; wanted its state, old or new")


@law(*KEEPING, stage=Stage.LAW)
def check_goes_on_from_its_own_notes(strategy: Any) -> None:
    """Where parents carry what it noted of them, it answers for their offspring as well.

    Arrays in notes are read-only, since siblings have them in common: make new ones.
    """
    case = _case(strategy)
    for _ in range(2):
        case = _next(case, prepared(strategy, case).call())
    try:
        prepared(strategy, case).call()
    except Exception as error:  # noqa: BLE001  a strategy may do anything
        broken(in_words(error), case)


@law(*KEEPING, stage=Stage.COMPANY)
def check_knows_its_parents_by_notes_alone(strategy: Any) -> None:
    """A process that has not seen the parents gives the same answer for their offspring.

    Lives are lived by several processes, and runs are gone on with on other days. What is to be
    known of parents is noted on them: ``attrs.evolve(dna, notes={...})``.
    """
    case = _case(strategy)
    child = _next(case, prepared(strategy, case).call())
    here, alike = answered(strategy, child), answered(strategy, case)
    try:
        (other,) = asked(strategy, [child])
        # Afterwards, or it would have seen the parents too.
        (whatever,) = asked(strategy, [case])
    except NotThere:  # the verdict says that it was not tried
        return
    if here != other and alike == whatever:  # else another check tells of it
        told = "the answer is another there" if len(other) == len(here) else other
        broken(told, child)


def _case(strategy: Any, seed: int = 0) -> Any:
    key = Key(seed)
    if strategy.role == "selection":
        return Choice((0.5, 0.75, 0.25, 0.6), PLACES, key=key)
    return Case(Specimen("perceptron", 4), key=key)


def _next(case: Any, answer: Any) -> Any:
    """Return the case of the generation after, in which parents carry what was noted of them."""
    if isinstance(case, Choice):
        notes = tuple(family.notes for family in answer)
        return attrs.evolve(case, generation=case.generation + 1, notes=notes)
    return attrs.evolve(case, generation=case.generation + 1, notes=case.notes | answer.notes)


def _generation(strategy: Any) -> Any:
    """Return a population whose members, all but one, carry what a strategy noted of them."""
    if strategy.role == "selection":
        case = _case(strategy)
        notes = [family.notes for family in prepared(strategy, case).call()][: PLACES - 1]
    else:
        calls = [prepared(strategy, _case(strategy, one)) for one in range(PLACES - 1)]
        notes = [one.call().notes for one in calls]
    carried: tuple[Notes, ...] = (*notes, NONE)
    return Choice((0.5, 0.75, 0.25, 0.6), PLACES, notes=carried).population()
