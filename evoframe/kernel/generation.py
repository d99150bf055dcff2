"""The life of a generation, from selection to fitness: read this file first.

Strategies, the task and the anatomy come in as values; nothing here knows of plugins, files,
clocks, consoles or processes. Every strategy call is sealed: it may use global randomness, and
draws the same numbers whatever ran before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import attrs
import torch

from evoframe.errors import StillbornError, TaskError
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.events import (
    Announcer,
    DnaChanged,
    Event,
    OffspringDeveloped,
    OffspringDrawn,
    OffspringTrained,
    Phase,
)
from evoframe.kernel.evidence import Circumstances, Evidence, Parent
from evoframe.kernel.flags import how_many
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Fitness, Individual, Measurement, Origin, identifier
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.phenotype import Checkpoint, Life, Phenotype
from evoframe.kernel.population import Family, Population
from evoframe.kernel.synthesis import draw
from evoframe.kernel.wiring import is_extinct, revive, settle

if TYPE_CHECKING:
    from evoframe.roles.encoding import Encoding
    from evoframe.roles.environment import Environment
    from evoframe.roles.heredity import Heredity
    from evoframe.roles.mutation import Mutation
    from evoframe.roles.nurture import Nurture
    from evoframe.roles.selection import Selection
    from evoframe.roles.training import Training


@attrs.frozen(eq=False)
class Strategies:
    """The strategies that make one generation out of another."""

    encoding: Encoding
    environment: tuple[Environment, ...]
    heredity: Heredity
    mutation: tuple[Mutation, ...]
    training: Training
    nurture: tuple[Nurture, ...]
    selection: Selection


@attrs.frozen
class Birth:
    """Somebody who is about to be born.

    Attributes:
        generation: the generation it will belong to.
        slot: its place in that generation.
        family: its parents.
        key: the source of all randomness of its life.
    """

    generation: int
    slot: int
    family: Family
    key: Key

    @property
    def id(self) -> str:
        """The id the individual will have."""
        return identifier(self.generation, self.slot)


@attrs.frozen(eq=False)
class Newborn:
    """An individual and, unless it is stillborn, its genotype."""

    individual: Individual
    genotype: Genotype | None


class Recall(Protocol):
    """Fetches past individuals with their genotypes."""

    def __call__(self, identity: str) -> Parent:
        """Return a living individual of this run by its id."""


def births(
    population: Population, selection: Selection, generation: int, key: Key
) -> tuple[Birth, ...]:
    """Return who is to be born in a generation: one birth for each family that is selected."""
    here = key.at("generation", generation)
    with sealed(here.at("selection")):
        families = selection.select(population, here.at("selection"))
    return tuple(
        Birth(generation, slot, family, here.at("slot", slot))
        for slot, family in enumerate(families)
    )


def live(
    birth: Birth,
    strategies: Strategies,
    around: Circumstances,
    recall: Recall,
    announcer: Announcer,
    checkpoint: Checkpoint,
) -> Newborn:
    """Return one individual after its whole life: conceived, grown, trained and measured."""
    parents = tuple(recall(parent) for parent in birth.family.parents)
    if birth.family.elite:
        return _passed_on(birth, parents[0])
    try:
        genotype = conceive(birth, parents, strategies, around, announcer)
        life = Life(
            id=birth.id,
            key=birth.key,
            device=around.device,
            nurture=strategies.nurture,
            parents=parents,
            circumstances=around,
            announcer=announcer,
            checkpoint=checkpoint,
        )
        genotype, fitness = grow_up(genotype, strategies.training, life)
    except StillbornError as reason:
        return Newborn(_individual(birth, Origin.OFFSPRING, stillborn=str(reason)), None)
    return Newborn(_individual(birth, Origin.OFFSPRING, fitness=fitness), genotype)


def conceive(
    birth: Birth,
    parents: tuple[Parent, ...],
    strategies: Strategies,
    around: Circumstances,
    announcer: Announcer,
) -> Genotype:
    """Return the settled genotype of an offspring: heredity, DNA, mutation, pressure, draw.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network.
    """
    key, who = birth.key, birth.id
    with _step("heredity", key, who, announcer):
        inheritance = strategies.heredity.inherit(parents, key.at("heredity"), around)
    with _step("encoding", key, who, announcer):
        evidence = Evidence(inheritance, around, key.at("evidence"))
        dna = strategies.encoding.encode(inheritance, evidence)
    _tell_dna("evoframe_dna_encoded", strategies.encoding.name, dna, who, announcer)
    for index, mutation in enumerate(strategies.mutation):
        with _step("mutation", key.at(index), who, announcer):
            dna = mutation.mutate(dna, key.at("mutation", index))
        _tell_dna("evoframe_dna_mutated", mutation.name, dna, who, announcer)
    for index, environment in enumerate(strategies.environment):
        with _step("environment", key.at(index), who, announcer):
            dna = environment.press(dna, inheritance, around)
        _tell_dna("evoframe_dna_pressed", environment.name, dna, who, announcer)
    with _step("synthesis", key, who, announcer):
        genotype = synthesise(dna, inheritance, around, key)
    announcer.tell("evoframe_offspring_drawn", lambda: OffspringDrawn(who, _counts(genotype)))
    return genotype


def synthesise(dna: DNA, inheritance: Inheritance, around: Circumstances, key: Key) -> Genotype:
    """Return the genotype that is drawn from a DNA, settled, with revived neurons furnished.

    Raises:
        StillbornError: nothing that was drawn reaches the output of the network.
    """
    wiring = around.anatomy.wiring
    genotype = settle(Genotype(draw(dna, key), inheritance.state), wiring)
    if is_extinct(genotype.masks):
        empty = [name for name, mask in genotype.masks.items() if not mask.any()]
        raise StillbornError(f"extinct: no synapse left in {', '.join(empty)}")
    return revive(
        genotype, before=inheritance.eligible, ancestor=around.ancestor.state, wiring=wiring
    )


def grow_up(genotype: Genotype, training: Training, life: Life) -> tuple[Genotype, Fitness]:
    """Return an individual's genotype after its training, and what it is worth.

    Raises:
        StillbornError: training broke down.
    """
    anatomy, task = life.circumstances.anatomy, life.circumstances.task
    with _step("development", life.key, life.id, life.announcer):
        phenotype = anatomy.develop(genotype)
    costs = anatomy.costs(genotype)
    life.announcer.tell("evoframe_offspring_developed", lambda: OffspringDeveloped(life.id, costs))
    with _step("training", life.key, life.id, life.announcer):
        result = training.train(phenotype, task, life)
    life.announcer.tell(
        "evoframe_offspring_trained",
        lambda: OffspringTrained(life.id, result.epochs, result.loss),
    )
    trained = anatomy.absorb(result.phenotype)
    _require_finite(trained)
    with _step("evaluation", life.key, life.id, life.announcer):
        fitness = judge(anatomy.develop(trained), life, anatomy.costs(trained))
    return trained, fitness


def found(genotype: Genotype, training: Training | None, life: Life) -> Newborn:
    """Return the ancestor: trained first unless it came trained, then measured as it is.

    Raises:
        StillbornError: training broke down.
    """
    _require_finite(genotype)
    if training is None:
        anatomy = life.circumstances.anatomy
        fitness = judge(anatomy.develop(genotype), life, anatomy.costs(genotype))
    else:
        genotype, fitness = grow_up(genotype, training, life)
    primary = life.circumstances.task.primary
    if math.isnan(fitness.value(primary.name)):
        raise StillbornError(f"its {primary.name} is not a number")
    birth = Birth(1, 0, Family(()), life.key)
    return Newborn(_individual(birth, Origin.ANCESTOR, fitness=fitness), genotype)


def judge(phenotype: Phenotype, life: Life, costs: Mapping[str, float]) -> Fitness:
    """Return the fitness of a trained network: metrics on validation and test, and sizes."""
    task, network = life.circumstances.task, phenotype.network.eval()
    measured: dict[str, Mapping[str, Measurement]] = {}
    with torch.no_grad():
        for split in ("validation", "test"):
            with sealed(life.key.at("evaluation", split)):
                measured[split] = task.evaluate(network, split, life.device)
    missing = [one.name for one in task.metrics if one.name not in measured["validation"]]
    if missing:
        raise TaskError(
            f"task {task.name!r} names the metric {missing[0]!r}, but measuring the validation "
            f"split gave {', '.join(measured['validation']) or 'nothing'}."
        )
    return Fitness(measured["validation"], measured["test"], costs)


def _require_finite(genotype: Genotype) -> None:
    """Refuse weights that are not numbers: nothing could be read from them, or compared."""
    for name, value in genotype.state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise StillbornError(f"{name} holds numbers that are not finite")


def _passed_on(birth: Birth, parent: Parent) -> Newborn:
    old = parent.individual
    elite = _individual(birth, Origin.ELITE, fitness=old.fitness, genotype=old.genotype)
    return Newborn(elite, None)


def _individual(
    birth: Birth,
    origin: Origin,
    *,
    fitness: Fitness | None = None,
    stillborn: str = "",
    genotype: str = "",
) -> Individual:
    return Individual(
        id=birth.id,
        generation=birth.generation,
        slot=birth.slot,
        parents=birth.family.parents,
        origin=origin,
        key=str(birth.key),
        genotype=genotype or ("" if stillborn else birth.id),
        fitness=fitness,
        stillborn=stillborn,
    )


@contextmanager
def _step(name: str, key: Key, who: str, announcer: Announcer) -> Iterator[None]:
    """Do one step of a life: observers may wrap it, and inside it randomness is sealed."""
    with announcer.phase(Phase(name, who)), sealed(key.at(name, "seal")):
        yield


def _tell_dna(hook: str, strategy: str, dna: DNA, who: str, announcer: Announcer) -> None:
    def event() -> Event:
        eligible = {name: int(genes.eligible.sum()) for name, genes in dna.synapses.items()}
        expected = {name: float(dna.probabilities(name).sum()) for name in dna.synapses}
        return DnaChanged(who, strategy, eligible, expected)

    announcer.tell(hook, event)


def _counts(genotype: Genotype) -> dict[str, int]:
    return {name: how_many(mask) for name, mask in genotype.masks.items()}
