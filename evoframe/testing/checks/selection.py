"""Selection: the right number, of the living, by who they are."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from evoframe.testing.case import Choice
from evoframe.testing.catalogue import law
from evoframe.testing.prepared import on_cases, prepared, stages, with_state
from evoframe.testing.trying import broken, for_all


@law("selection")
def check_gives_the_families_that_are_asked_for(selection: Any) -> None:
    """As many families as ``population.size``, each of ``population.parents`` of the living.

    An elite is a family of one. It works for a lone individual, among equals, and where nobody
    has a metric.
    """

    def attempt(choice: Choice) -> None:
        families = prepared(selection, choice).call()
        if len(families) != choice.size:
            broken(f"there are {len(families)} families; wanted {choice.size}")
        living = {one.id for one in choice.individuals()}
        for family in families:
            wanted = 1 if family.elite else choice.parents
            if len(family.parents) != wanted:
                broken(f"a family has {len(family.parents)} parents; wanted {wanted}")
            if strangers := sorted(set(family.parents) - living):
                broken(f"{strangers[0]!r} is not among the living")

    on_cases(selection, attempt)


@law("selection")
def check_never_prefers_what_is_not_a_number(selection: Any) -> None:
    """Nobody whose metric is NaN is a parent while somebody has a number.

    NaN compares as false with everything: sort by ``population.ranked()``, or draw from
    ``population.sound()``.
    """

    def attempt(choice: Choice) -> None:
        families = prepared(selection, choice).call()
        picked = {parent for family in families for parent in family.parents}
        if lost := sorted(picked & choice.lost()):
            broken(f"{lost[0]} was picked, whose accuracy is NaN")

    on_cases(selection, attempt)


@law("selection")
def check_ignores_the_order_of_the_population(selection: Any) -> None:
    """Whoever lists the same individuals in another order gets the same families.

    The order in which lives end depends on the machine: use identities, not positions in a list.
    """

    def attempt(case: tuple[Choice, Any]) -> None:
        choice, order = case
        individuals = choice.individuals()
        # Drawn by hypothesis, so that a failing order shrinks with the rest.
        shuffled = tuple(order.sample(individuals, len(individuals)))
        families = [
            selection.select(choice.population(group), with_state(selection, choice.context()))
            for group in (individuals, shuffled)
        ]
        if families[0] != families[1]:
            names = ", ".join(one.id for one in shuffled)
            broken(f"with the individuals in the order {names} the families are others")

    for_all(st.tuples(stages(selection), st.randoms(use_true_random=False)), attempt)
