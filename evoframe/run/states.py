"""States: what strategies keep from one generation to the next, in the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from evoframe.errors import DamagedError
from evoframe.evolution.learning import Kept, learners, states_after
from evoframe.kernel.context import Context
from evoframe.kernel.population import Population
from evoframe.run.disk.journal import Journal
from evoframe.run.world import World

STATES = "states of"
"""How the names of facts begin that are the states of all strategies for a generation."""

FIRST = 2
"""The first generation that has any: that of the first offspring."""


def on_record(world: World, generation: int) -> Mapping[str, Kept]:
    """Return the states for a generation as they are on record, by entry of its recipe."""
    if not any(learners(world.at(generation).strategies())):
        return {}
    with closing(Journal(world.folder.journal, writable=False)) as journal:
        return read(journal, generation) or {}


def made(
    world: World, journal: Journal, population: Population, context: Context
) -> Mapping[str, Kept]:
    """Return the states for a generation, which are on record from here on.

    Args:
        world: of the generation.
        journal: to be read, and written where it lacks them.
        population: whom the generation descends from.
        context: the run, with the key of the generation.
    """
    strategies, number = world.strategies(), context.generation
    if not any(learners(strategies)):
        return {}
    if (found := read(journal, number)) is not None:
        return found
    before = read(journal, number - 1)
    if before is None and number > FIRST and any(learners(world.at(number - 1).strategies())):
        raise DamagedError(
            f"the state of strategies for generation {number - 1} is missing from the journal of "
            f"{world.folder.path}, and generation {number} cannot be made without it. "
            f"`evoframe resume {world.folder.path} --repair` restores the copy made after the "
            "last generation."
        )
    fresh = states_after(population, strategies, before or {}, context)
    kept = {entry: {"strategy": one.strategy, "text": one.text} for entry, one in fresh.items()}
    journal.note(**{f"{STATES} {number}": json.dumps(kept)})
    return fresh


def read(journal: Journal, generation: int) -> dict[str, Kept] | None:
    """Return the states for a generation; None if none are on record."""
    if journal.fact(name := f"{STATES} {generation}") is None:
        return None
    return {
        str(entry): Kept(str(one["strategy"]), str(one["text"]))
        for entry, one in journal.told(name).items()
    }


def described(journal: Journal, last: int) -> dict[str, Any]:
    """Return all states that are on record, by generation and entry, as values.

    Args:
        journal: of the run.
        last: the last generation that may have some.
    """
    found = {number: read(journal, number) or {} for number in range(FIRST, last + 1)}
    return {
        str(number): {
            entry: {"strategy": one.strategy, "state": one.state} for entry, one in states.items()
        }
        for number, states in found.items()
        if states
    }
