"""Recall: individuals of a run, fetched from its folder with their genotypes.

A genotype whose file is damaged or gone is made again, by living its life again from its parents,
its key and the recipe of its generation. So is one that was dropped, which is no damage. The digest
in the journal proves that it is the same, bit for bit; if it is not, it is lost, and that is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import attrs
import torch
from torch import Tensor

from evoframe.errors import DamagedError, EvoframeError
from evoframe.evolution.birth import Birth
from evoframe.evolution.generation import live, raise_ancestor
from evoframe.kernel import device as devices
from evoframe.kernel.context import Parent
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.individual import ANCESTOR, Individual, Origin
from evoframe.kernel.life import Life
from evoframe.kernel.population import Family
from evoframe.kernel.rungs import Rung
from evoframe.kernel.tensors import passes
from evoframe.run import states
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.weights import load_genotype, save_genotype
from evoframe.run.living import dropping
from evoframe.run.living.cohorts import lived_by
from evoframe.run.world import World


@attrs.frozen(eq=False)
class _Kept:
    """A genotype that is lent, and what tells whether somebody has written into it."""

    genotype: Genotype
    versions: tuple[int, ...]

    @classmethod
    def of(cls, genotype: Genotype) -> _Kept:
        return cls(genotype, _versions(genotype))

    def is_touched(self) -> bool:
        return _versions(self.genotype) != self.versions


def _versions(genotype: Genotype) -> tuple[int, ...]:
    """Return the number of times that each tensor was written into, as torch counts."""
    tensors = (*genotype.masks.values(), *genotype.state.values())
    return tuple(one._version for one in tensors)  # noqa: SLF001  there is no other name for it


@attrs.frozen(eq=False)
class Recall:
    """Fetches individuals of a run from its folder, on the run's device.

    Attributes:
        world: of the run.
        entries: everybody who is on record, by id.
        told: sentences on what was damaged and made again.
        aside: where genotypes that are made again are put; if not given, where they were.
    """

    world: World
    entries: Mapping[str, Entry]
    told: list[str] = attrs.field(factory=list)
    aside: RunFolder | None = None
    # The ancestor by device, as every life is given it.
    _kept: dict[torch.device, _Kept] = attrs.field(factory=dict, repr=False)

    @classmethod
    def of(cls, world: World) -> Recall:
        """Return a recall of everybody who is in the journal now."""
        with closing(Journal(world.folder.journal, writable=False)) as journal:
            return cls(world, journal.known())

    def at(self, world: World) -> Recall:
        """Return a recall for one life, with a world of its own and nothing told yet."""
        return attrs.evolve(self, world=world, told=[])

    def ancestor(self) -> Genotype:
        """Return the ancestor's genotype; it is read once, and given to all lives of a process.

        Should any of them have written into it, the next is given it as it was.
        """
        device = self.world.device
        kept = self._kept.get(device)
        if kept is None or kept.is_touched():
            # Whoever would write into one, and so into both, is refused.
            found = sharing(self.genotype(ANCESTOR), self.world.initial)
            kept = self._kept[device] = _Kept.of(found)
        return kept.genotype

    def __call__(self, identity: str) -> Parent:
        """Return an individual with its genotype.

        Raises:
            DamagedError: its file is not what the journal recorded, and it is lost.
        """
        individual = self.entries[identity].individual
        if individual.genotype_id == ANCESTOR:
            return Parent(individual, self.ancestor())
        return Parent(individual, self.genotype(individual.genotype_id))

    def genotype(self, identity: str) -> Genotype:
        """Return the genotype that was stored under an id, made again if its file is damaged.

        Raises:
            DamagedError: it is lost.
        """
        try:
            found = self._stored(identity)
        except DamagedError:
            # Oldest first, as nobody can be made again before their parents are there.
            for one in self._damaged(identity):
                self._make_again(one)
            found = self._stored(identity)
        return found.to(self.world.device)

    def digest(self, identity: str) -> str:
        """Return the digest of the genotype that was stored under an id."""
        return self.entries[identity].digest

    def is_dropped(self, identity: str) -> bool:
        """Tell whether a genotype is not there because it was dropped on purpose."""
        if self.world.folder.genotype(identity).exists():
            return False
        with closing(Journal(self.world.folder.journal, writable=False)) as journal:
            return identity in dropping.on_record(journal)

    def _stored(self, identity: str) -> Genotype:
        path = self.world.folder.genotype(identity)
        if self.aside is not None and self.aside.genotype(identity).exists():
            path = self.aside.genotype(identity)
        return load_genotype(path, self.digest(identity))

    def _damaged(self, identity: str) -> list[str]:
        """Return somebody, and all forebears whose files are needed for that and damaged."""
        found, open_ = {identity}, [identity]
        while open_:
            for name in self._needed(open_.pop()):
                if name not in found and not self._is_whole(name):
                    found.add(name)
                    open_.append(name)
        return sorted(found, key=lambda name: self.entries[name].individual.generation)

    def _needed(self, identity: str) -> list[str]:
        """Return whose genotypes a life was made of."""
        if identity == ANCESTOR:
            return []
        members = self._lived_with(identity) or [self.entries[identity].individual]
        parents = dict.fromkeys(name for one in members for name in one.parents)
        return [*(self.entries[name].individual.genotype_id for name in parents), ANCESTOR]

    def _is_whole(self, identity: str) -> bool:
        with suppress(DamagedError):
            self._stored(identity)
            return True
        return False

    def _make_again(self, identity: str) -> None:
        """Write a genotype anew, if it comes out as the journal recorded it.

        Raises:
            DamagedError: it does not, so it is lost.
        """
        is_dropped, folder = self.is_dropped(identity), self.aside or self.world.folder
        state = "was dropped" if is_dropped else "is damaged"
        what = f"{self.world.folder.genotype(identity)} {state}"
        try:
            genotype, how = self._again(identity)
        except EvoframeError as error:
            raise DamagedError(f"{what}, and cannot be reconstructed: {error}") from error
        if genotype is None or genotype.digest() != self.digest(identity):
            raise DamagedError(
                f"{what}, and {identity} is lost: reconstructed from its parents, its "
                "key and the recipe of its generation, it has a digest that differs "
                "from the record. The machine, the libraries or the code of strategies "
                "differ; restore the file from a backup."
            )
        save_genotype(genotype, folder.genotype(identity))
        if identity == ANCESTOR:
            save_genotype(genotype, folder.ancestor)
        if not is_dropped:
            self.told.append(f"the genotype of {identity} was damaged, and is {how}, bit for bit")

    def _again(self, identity: str) -> tuple[Genotype | None, str]:
        if identity != ANCESTOR:
            return self._lived_again(identity), "made again"
        with suppress(DamagedError):
            copy = load_genotype(self.world.folder.ancestor, self.digest(ANCESTOR))
            return copy, "taken from its second copy"
        return self._raised_again(), "made again"

    def _lived_with(self, identity: str) -> list[Individual]:
        """Return those who were trained together with somebody, in order; nobody, if alone."""
        one = self.entries[identity].individual
        size = self.world.at(one.generation).recipe.training.together
        if size == 1 or one.origin is not Origin.OFFSPRING:
            return []
        everybody = [entry.individual for entry in self.entries.values()]
        ours = [
            other
            for other in everybody
            if other.generation == one.generation and other.origin is Origin.OFFSPRING
        ]
        ours.sort(key=lambda other: other.place)
        start = ours.index(one) // size * size
        return ours[start : start + size]

    def _birth(self, one: Individual) -> Birth:
        key = self.world.key.at("generation", one.generation).at("slot", one.place)
        family = Family(one.parents, notes=self.entries[one.id].given)
        return Birth(one.generation, one.place, family, key)

    def _lived_again(self, identity: str) -> Genotype | None:
        one = self.entries[identity].individual
        world, birth = self.world.at(one.generation), self._birth(one)
        run, recall = world.recipe.run, attrs.evolve(self, world=world)
        if cohort := self._lived_with(identity):
            births = [self._birth(other) for other in cohort]
            lives = [Life() for _ in births]
            found = lived_by(world, recall.ancestor(), recall, births, lives)
            return found[cohort.index(one)].genotype
        kept = states.on_record(world, one.generation)
        with devices.arithmetic(world.device, threads=run.threads, strict=run.strict):
            # One that was overtaken on a rung has lived no further.
            until = math.inf if one.overtaken is None else one.overtaken
            context = world.context(one.generation, recall.ancestor(), Life(rung=Rung(until)))
            return live(birth, world.strategies(kept), context, recall).genotype

    def _raised_again(self) -> Genotype | None:
        world = self.world.at(1)
        run, context = world.recipe.run, world.context(1, world.initial)
        with devices.arithmetic(world.device, threads=run.threads, strict=run.strict):
            return raise_ancestor(world.initial, world.ancestor_training(), context).genotype


class OnRecord(Mapping[str, Entry]):
    """Everybody on record, each read when somebody asks for them, and only once.

    The process that carries the run has read and checked the whole journal; those beside it need
    parents alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Entry] = {}

    def __getitem__(self, identity: str) -> Entry:
        if identity not in self._found:
            with closing(Journal(self._path, writable=False)) as journal:
                self._found[identity] = journal.entry(identity)
        return self._found[identity]

    def __iter__(self) -> Iterator[str]:
        with closing(Journal(self._path, writable=False)) as journal:
            return iter(list(journal.known()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def keep_twice(genotype: Genotype, folder: RunFolder, digest: str | None = None) -> None:
    """Write the ancestor's genotype, and a second copy, as nobody could make it again for sure."""
    save_genotype(genotype, folder.ancestor, digest)
    save_genotype(genotype, folder.genotype(ANCESTOR), digest)


def sharing(genotype: Genotype, other: Genotype) -> Genotype:
    """Return the same genotype in the memory of another one, where both agree in every bit."""
    return Genotype(_shared(genotype.masks, other.masks), _shared(genotype.state, other.state))


def _shared(own: State, others: State) -> dict[str, Tensor]:
    return {
        name: others[name] if name in others and passes.is_same(value, others[name]) else value
        for name, value in own.items()
    }
