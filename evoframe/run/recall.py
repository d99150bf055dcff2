"""Recall: individuals of a run, fetched from its folder with their genotypes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from evoframe.kernel.context import Parent
from evoframe.kernel.genotype import Genotype
from evoframe.run.journal import Entry, Journal
from evoframe.run.weights import load_genotype
from evoframe.run.world import World


@attrs.frozen(eq=False)
class Recall:
    """Fetches individuals of a run from its folder, on the run's device."""

    world: World
    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, world: World) -> Recall:
        """Return a recall of everybody who is in the journal now."""
        journal = Journal(world.folder.journal, writable=False)
        try:
            return cls(world, {entry.individual.id: entry for entry in journal.entries()})
        finally:
            journal.close()

    def __call__(self, identity: str) -> Parent:
        """Return an individual with its genotype.

        Raises:
            DamagedError: its file is not what the journal recorded.
        """
        individual = self.entries[identity].individual
        return Parent(individual, self.genotype(individual.genotype_id))

    def genotype(self, identity: str) -> Genotype:
        """Return the genotype that was stored under an id."""
        path = self.world.folder.genotype(identity)
        return load_genotype(path, self.digest(identity)).to(self.world.device)

    def digest(self, identity: str) -> str:
        """Return the digest of the genotype that was stored under an id."""
        return self.entries[identity].digest
