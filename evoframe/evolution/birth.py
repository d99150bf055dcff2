"""Birth: who is about to be born, and what is on record of whoever was."""

from __future__ import annotations

import attrs

from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Fitness, Individual, Origin, identifier
from evoframe.kernel.judged import Judged
from evoframe.kernel.key import Key
from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.population import Family

EXTINCT, DEAF = "extinct", "deaf"
"""How the reasons begin of those who have no synapse, and who answer the same to everything."""


@attrs.frozen
class Birth:
    """Somebody who is about to be born.

    Attributes:
        generation: the generation it will belong to.
        place: its place in that generation, from 0.
        family: its parents.
        key: the source of all randomness of its life.
    """

    generation: int
    place: int
    family: Family
    key: Key

    @property
    def id(self) -> str:
        """The id the individual will have."""
        return identifier(self.generation, self.place)

    def context(self, run: Context, parents: tuple[Parent, ...]) -> Context:
        """Return the context of the calls that make this individual.

        Args:
            run: the context of its generation.
            parents: those that its family names.
        """
        inherited = parents[0].individual.notes if parents else NONE
        return attrs.evolve(
            run,
            generation=self.generation,
            key=self.key,
            id=self.id,
            place=self.place,
            family=self.family,
            parents=parents,
            notes=inherited | self.family.notes,
        )


@attrs.frozen
class Remark:
    """What people should be told of a life, once a run.

    Attributes:
        about: how the sentence begins; of several that begin alike the first is told.
        rest: how it goes on.
    """

    about: str
    rest: str

    @property
    def words(self) -> str:
        """The whole sentence."""
        return f"{self.about}: {self.rest}"


@attrs.frozen(eq=False)
class Newborn:
    """An individual and, unless it is stillborn or an elite, its own genotype.

    Attributes:
        individual: the record.
        genotype: what it is made of, if that is its own.
        remarks: what people should be told of how it came to be.
        given: the notes that its family had.
        looks: all looks at it and its siblings, in their order.
    """

    individual: Individual
    genotype: Genotype | None
    remarks: tuple[Remark, ...] = ()
    given: Notes = NONE
    looks: tuple[Judged, ...] = ()


def grown(
    birth: Birth, origin: Origin, genotype: Genotype, fitness: Fitness, notes: Notes = NONE
) -> Newborn:
    """Return somebody who has lived, with a genotype of its own."""
    one = _recorded(birth, origin, genotype_id=birth.id, fitness=fitness, notes=notes)
    return Newborn(one, genotype, given=birth.family.notes)


def stillborn(birth: Birth, reason: str, notes: Notes = NONE) -> Newborn:
    """Return somebody who could not live."""
    one = _recorded(birth, Origin.OFFSPRING, stillborn=reason, notes=notes)
    return Newborn(one, None, given=birth.family.notes)


def passed_on(birth: Birth, parent: Parent) -> Newborn:
    """Return an elite: its single parent over again, with the parent's genotype and fitness."""
    old, given = parent.individual, birth.family.notes
    elite = _recorded(
        birth,
        Origin.ELITE,
        genotype_id=old.genotype_id,
        fitness=old.fitness,
        notes=old.notes | given,
    )
    return Newborn(elite, None, given=given)


def _recorded(
    birth: Birth,
    origin: Origin,
    *,
    genotype_id: str = "",
    fitness: Fitness | None = None,
    stillborn: str = "",
    notes: Notes = NONE,
) -> Individual:
    return Individual(
        id=birth.id,
        generation=birth.generation,
        place=birth.place,
        parents=birth.family.parents,
        origin=origin,
        key=str(birth.key),
        genotype_id=genotype_id,
        fitness=fitness,
        stillborn=stillborn,
        notes=notes,
    )
