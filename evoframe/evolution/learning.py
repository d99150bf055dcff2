"""Learning: strategies are asked once a generation what they keep for the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import attrs

from evoframe.errors import ContractError
from evoframe.evolution.blame import acting
from evoframe.evolution.strategies import Strategies
from evoframe.kernel.context import Context
from evoframe.kernel.key import sealed
from evoframe.kernel.population import Population
from evoframe.kernel.splits import without_test
from evoframe.kernel.texts import text_of, value_of
from evoframe.roles.base import Learning

MOST = 2**24
"""How many bytes the state of a strategy may take as it is written in the journal."""


@attrs.frozen
class Kept:
    """The state of a strategy for one generation.

    Attributes:
        strategy: the name of the strategy, as another one may take its place in the recipe.
        text: the state as text.
    """

    strategy: str
    text: str

    @property
    def state(self) -> Any:
        """The state, a copy each time."""
        return value_of(self.text)


def keeps_state(strategy: Any) -> TypeGuard[Learning]:
    """Tell whether a strategy may keep something from one generation to the next."""
    return isinstance(strategy, Learning) and type(strategy).begin is not Learning.begin


def learners(strategies: Strategies) -> Iterator[tuple[str, Learning]]:
    """Yield the strategies that keep state, with the names of their entries in the recipe."""
    for field in attrs.fields(Strategies):
        held = getattr(strategies, field.name)
        several = isinstance(held, tuple)
        for index, one in enumerate(held if several else (held,)):
            if keeps_state(one):
                yield f"{field.name}[{index}]" if several else field.name, one


def begun(strategies: Strategies, context: Context) -> dict[str, Kept]:
    """Return the states that strategies begin with, by entry; of those that have any."""
    nobody = Population((), (), 0, 0, context.task.primary)
    return states_after(nobody, strategies, {}, context)


def states_after(
    population: Population, strategies: Strategies, before: Mapping[str, Kept], context: Context
) -> dict[str, Kept]:
    """Return the states of all strategies for a generation, by entry.

    Args:
        population: whom the generation descends from.
        strategies: those that make it.
        before: their states for the generation before; those without one begin.
        context: the run, with the key of the generation.
    """
    found, seen = {}, without_test(population)
    for entry, one in learners(strategies):
        here = context.at("state", entry)
        with sealed(here.key.at("seal")), acting(one, context, *_index(entry)):
            old = before.get(entry)
            if old is None or old.strategy != one.name:
                state = one.begin(here)
            elif (state := one.learned(old.state, seen)) is None:
                raise ContractError("learned() returned None; wanted its state, old or new")
            if state is not None:
                found[entry] = Kept(one.name, written(state))
    return found


def written(state: Any) -> str:
    """Return a state as the text that goes on record.

    Raises:
        ContractError: it cannot be kept, or is too large.
    """
    text = text_of(state, "its state")
    if len(text) > MOST:
        raise ContractError(
            f"its state takes {len(text):,} bytes as it is written; wanted at most {MOST:,}"
        )
    return text


def _index(entry: str) -> tuple[int, ...]:
    number = entry.partition("[")[2]
    return (int(number[:-1]),) if number else ()
