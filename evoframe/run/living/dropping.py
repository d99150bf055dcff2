"""Dropping: weights of individuals that a run no longer needs are removed, as ``run.keep`` says.

The record and the keys stay, so that whoever is asked for is lived again, see
:mod:`evoframe.run.living.recall`. What is dropped is put on record first, and so no damage.
"""

from __future__ import annotations

from contextlib import suppress

from evoframe.kernel.individual import ANCESTOR, Individual, Metric
from evoframe.kernel.population import is_sound
from evoframe.run import rules
from evoframe.run.disk.journal import Journal
from evoframe.run.targets import sized
from evoframe.run.world import World

DROPPED = "dropped"
"""The name of the events that tell whose weights were removed."""


def on_record(journal: Journal) -> set[str]:
    """Return the ids of genotypes that were dropped, though they may be there again."""
    return {str(name) for data in journal.events(DROPPED) for name in data["individuals"]}


class Dropping:
    """Knows of one run which genotypes it needs, and removes the others."""

    def __init__(self, world: World, journal: Journal) -> None:
        """Look at everybody on record, unless all are kept.

        Args:
            world: of the run.
            journal: to be written.
        """
        self._world, self._journal, self._known = world, journal, journal.known()
        self._options, self._metric = world.recipe.run, world.recipe.task.primary
        self._stored: set[str] = set()
        self._front: tuple[Individual, ...] = ()
        self._pick: tuple[Individual, ...] = ()
        self._looked = 0
        if self._options.keep != "all":
            paths = world.folder.genotype("*")
            self._stored = {path.stem for path in paths.parent.glob(paths.name)}

    def after(self, generation: int) -> None:
        """Remove what is not needed any more, now that a generation is over."""
        if self._options.keep == "all":
            return
        for number in range(self._looked + 1, generation + 1):
            self._look_at(self._known.generation(number))
        self._looked = generation
        if gone := sorted(self._stored - self._needed(generation)):
            self._drop(gone)

    def _look_at(self, members: tuple[Individual, ...]) -> None:
        environments = self._world.recipe.environment
        self._stored |= {one.id for one in members if one.genotype_id == one.id}
        ancestor, *fresh = sized([self._known.ancestor, *members], environments)
        chosen = rules.pick([ancestor, *self._pick, *fresh], self._options, self._metric)
        self._pick = tuple(one for one in (ancestor, *self._pick, *fresh) if one.id == chosen)[:1]
        if self._options.keep == "front":
            cost = self._options.target[0] if self._options.target else "synapses"
            self._front = front((*self._front, *fresh), self._metric, cost)

    def _needed(self, generation: int) -> set[str]:
        """Return the ids of genotypes that are needed: of possible parents, and of the best."""
        first = generation + 1 - self._options.generations_kept
        latest = [
            one
            for number in range(max(first, 1), generation + 1)
            for one in self._known.generation(number)
        ]
        needed = {one.genotype_id for one in (*latest, *self._front, *self._pick)}
        return needed | {ANCESTOR}

    def _drop(self, names: list[str]) -> None:
        # On record first: a file that is missing without a word would be told as damage.
        self._journal.tell(DROPPED, {"individuals": names})
        for name in names:
            # One that cannot be removed is tried again when the next generation is over.
            with suppress(OSError):
                self._world.folder.genotype(name).unlink(missing_ok=True)
                self._stored.discard(name)


def front(individuals: tuple[Individual, ...], metric: Metric, cost: str) -> tuple[Individual, ...]:
    """Return those than whom nobody is both better and smaller; of equals, the first."""

    def place(one: Individual) -> tuple[float, float]:
        assert one.fitness is not None
        size = one.fitness.costs.get(cost, float(one.synapses))
        return size, -metric.sort_value(one.fitness.value(metric.name))

    found: list[Individual] = []
    # Smallest first, and of those the best: each must be better than all before.
    for one in sorted((one for one in individuals if is_sound(one, metric)), key=place):
        if not found or place(one)[1] < place(found[-1])[1]:
            found.append(one)
    return tuple(found)
