"""One state machine: any interleaving of a run's events must equal the straight run."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import attrs
import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.generation import births, live
from evoframe.evolution.learning import Kept, states_after
from evoframe.evolution.strategies import Strategies
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.population import Population
from evoframe.kernel.wiring import settle
from evoframe.roles import ROLES, Environment, Strategy
from evoframe.strategies.encoding.synaptic import Synaptic
from evoframe.strategies.environment.retention import Retention
from evoframe.strategies.heredity.asexual import Asexual
from evoframe.strategies.selection.random_pairs import RandomPairs
from evoframe.strategies.training.gradient import Gradient
from evoframe.strategies.training.untrained import Untrained
from evoframe.testing.case import READERS, Case, Law, an_individual
from evoframe.testing.prepared import small
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import Clock, broken

IN_GENERATIONS = tuple(role for role in ROLES if role in attrs.fields_dict(Strategies))
"""The roles that make one generation out of another."""

GENERATIONS = 3
"""Offspring of offspring: enough for what is kept from one to the next to show."""


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


def interleavings(strategy: Strategy) -> type[RuleBasedStateMachine]:  # noqa: C901  its methods count as branches
    """Return a machine that steps, restores, reorders and disturbs a run with a strategy.

    Use its ``TestCase`` in a test, or run it with ``run_state_machine_as_test``.
    """
    clock = Clock()

    class Interleavings(RuleBasedStateMachine):
        """A run that is not left in peace."""

        @initialize(
            kind=st.sampled_from(["perceptron", "residual", "convolutions"]),
            law=st.sampled_from(["soft", "ranked"]),
            generation=st.sampled_from([2, 5, 30]),
            seed=st.integers(0, 99),
        )
        def begin(self, kind: Any, law: Law, generation: int, seed: int) -> None:
            self.law = law if _takes(strategy, READERS[law]) else "soft"
            self.case = Case(Specimen(kind, 3), key=Key(seed), generation=generation)
            self.laboratory = Laboratory(self.case, company(_anew(strategy), self.law))
            self.straight = _straight_run(self.case, strategy, self.law)
            self.state = self.laboratory.first()
            # Pickled, so that nothing which a strategy does later can reach into a checkpoint.
            self.checkpoints = [pickle.dumps(self.state)]

        @rule(back=st.integers(0, 3), backwards=st.booleans())
        def go_on(self, back: int, backwards: bool) -> None:  # noqa: FBT001  passed by name
            if clock.is_over():
                return
            # One rule with arguments: of several, hypothesis leaves some out for whole examples.
            if back:
                self.restore(back)
            if _goes_on(self.state, self.case):
                self.step(reversed if backwards else iter)

        def restore(self, back: int) -> None:
            """Go back to a checkpoint (1 is the last), with strategies made anew."""
            kept = self.checkpoints[-min(back, len(self.checkpoints))]
            self.state = pickle.loads(kept)  # noqa: S301  it was made here
            self.laboratory = Laboratory(self.case, company(_anew(strategy), self.law))

        def step(self, order: Callable[[list[Any]], Iterable[Any]]) -> None:
            """Live the lives of a generation in some order, and put a checkpoint."""
            with untouched():
                _disturb()
                self.state = self.laboratory.next(self.state, order)
            self.checkpoints.append(pickle.dumps(self.state))

        @invariant()
        def is_where_the_straight_run_was(self) -> None:
            if not hasattr(self, "state"):
                return
            for name in {one.genotype_id for one in self.state.members if one.is_alive}:
                genotype = self.state.genotypes[name]
                settled = settle(genotype, self.case.anatomy.wiring)
                if settled.digest() != genotype.digest():
                    broken(f"the genotype of {name} is not settled")
            number = self.state.generation
            if self.state.digest() != self.straight(number):
                broken(f"generation {number} is another than in the straight run")

    return Interleavings


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


def _disturb() -> None:
    """Draw from the global generators: the seal of every step must keep that out."""
    random.random()  # noqa: S311
    np.random.rand()  # noqa: NPY002
    torch.rand(1)


def _takes(strategy: Strategy, encoding: Any) -> bool:
    """Tell whether a strategy can be in company with an encoding: environments may refuse one."""
    if not isinstance(strategy, Environment):
        return True
    try:
        strategy.check(encoding)
    except Exception:  # noqa: BLE001  it may refuse with what it likes
        return False
    return True


def _goes_on(state: State, case: Case) -> bool:
    return state.generation < case.generation + GENERATIONS - 2 and any(
        one.is_alive for one in state.members
    )


def _anew(strategy: Strategy) -> Strategy:
    """Return the strategy as it is made again from its options, in another process say."""
    return attrs.evolve(strategy)


def _straight_run(case: Case, strategy: Strategy, law: Law) -> Callable[[int], str]:
    laboratory = Laboratory(case, company(_anew(strategy), law))

    @cache
    def state(number: int) -> State:
        if number == case.generation - 1:
            return laboratory.first()
        with untouched():
            return laboratory.next(state(number - 1), iter)

    return lambda number: state(number).digest()
