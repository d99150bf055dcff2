"""A laboratory: a run without folder and clock, generations of a specimen in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import torch

from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.generation import births, live
from evoframe.evolution.learning import Kept, states_after
from evoframe.evolution.strategies import Strategies
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual
from evoframe.kernel.population import Population
from evoframe.roles import ROLES, Strategy
from evoframe.strategies.encoding.synaptic import Synaptic
from evoframe.strategies.environment.retention import Retention
from evoframe.strategies.heredity.asexual import Asexual
from evoframe.strategies.selection.random_pairs import RandomPairs
from evoframe.strategies.training.gradient import Gradient
from evoframe.strategies.training.untrained import Untrained
from evoframe.testing.case import READERS, Case, Law, an_individual
from evoframe.testing.prepared import small


@attrs.frozen(eq=False)
class State:
    """Everybody who has lived so far.

    Attributes:
        generation: number of the last generation.
        members: its individuals, in order of their places.
        alive: every living individual so far.
        genotypes: those of the living, by id.
        kept: the state of strategies for this generation, by entry.
    """

    generation: int
    members: tuple[Individual, ...]
    alive: tuple[Individual, ...]
    genotypes: dict[str, Genotype]
    kept: Mapping[str, Kept] = attrs.field(factory=dict)

    def digest(self) -> str:
        """Return a text that is the same only of last generations that agree in every bit."""
        return "; ".join(
            f"{one.id} of {','.join(one.parents)}: "
            + (self.genotypes[one.genotype_id].digest() if one.is_alive else one.stillborn)
            + (one.notes.text if one.notes else "")
            for one in self.members
        )


@attrs.frozen(eq=False)
class Laboratory:
    """A run without folder and clock: generations of a specimen, in memory."""

    case: Case
    strategies: Strategies

    def first(self) -> State:
        """Return the ancestor's generation, as if it were the one before that of the case."""
        number = self.case.generation - 1
        ancestor = attrs.evolve(an_individual(0, 0.5, generation=number), parents=())
        genotype = self.case.anatomy.genotype().to(torch.device(self.case.device))
        return State(number, (ancestor,), (ancestor,), {ancestor.id: genotype})

    def next(self, state: State, order: Callable[[list[Any]], Iterable[Any]]) -> State:
        """Return the state after one more generation, whose lives are lived in some order."""
        number = state.generation + 1
        group = tuple(one for one in state.members if one.is_alive)
        parents = self.strategies.heredity.parents
        population = Population(group, state.alive, 2, parents, self.case.specimen.primary)
        run = self._context(number)
        kept = states_after(population, self.strategies, state.kept, run)
        own = kept.get("selection")
        choosing = attrs.evolve(run, state=own.state if own else None)
        due = births(population, self.strategies.selection, choosing)
        newborn = [self._lived(birth, run, state, kept) for birth in order(list(due))]
        # Whatever the order of lives, a generation is in order of places.
        newborn.sort(key=lambda one: one.individual.place)
        members = tuple(one.individual for one in newborn)
        genotypes = dict(state.genotypes)
        for one in newborn:
            if one.genotype is not None:
                genotypes[one.individual.id] = one.genotype
        alive = state.alive + tuple(one for one in members if one.is_alive)
        return State(number, members, alive, genotypes, kept)

    def _context(self, generation: int) -> Context:
        key = self.case.key.at("generation", generation)
        return attrs.evolve(self.case.context(parents=0), generation=generation, key=key)

    def _lived(self, birth: Birth, run: Context, state: State, kept: Mapping[str, Kept]) -> Newborn:
        texts = {entry: one.text for entry, one in kept.items()}
        strategies = attrs.evolve(self.strategies, states=texts)
        who = {one.id: one for one in state.alive}

        def recall(identity: str) -> Parent:
            return Parent(who[identity], state.genotypes[who[identity].genotype_id])

        return live(birth, strategies, run, recall)


def company(strategy: Strategy, law: Law = "soft") -> Strategies:
    """Return a strategy among built-in ones for all other roles, with an encoding by a law."""
    given: dict[str, Any] = {
        "encoding": Synaptic() if law == "soft" else READERS[law],
        "environment": (Retention(retention=0.8),),
        "heredity": Asexual(),
        "mutation": (),
        "training": Gradient(epochs=1) if strategy.role == "nurture" else Untrained(batches=1),
        "nurture": (),
        "selection": RandomPairs(),
    }
    strategy = small(strategy)
    given[strategy.role] = (strategy,) if ROLES[strategy.role].several else strategy
    return Strategies(**given)
