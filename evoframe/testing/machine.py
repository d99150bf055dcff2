"""One state machine: any interleaving of a run's events must equal the straight run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from evoframe.evolution.strategies import Strategies
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.settling import settle
from evoframe.roles import ROLES, Environment, Strategy
from evoframe.testing.case import READERS, Case, Law
from evoframe.testing.fingerprints import disturb_global_randomness
from evoframe.testing.laboratory import Laboratory, State, company
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import Clock, broken

IN_GENERATIONS = tuple(role for role in ROLES if role in attrs.fields_dict(Strategies))
"""The roles that make one generation out of another."""

GENERATIONS = 3
"""Offspring of offspring: enough for what is kept from one to the next to show."""


def interleavings(strategy: Strategy) -> type[RuleBasedStateMachine]:
    """Return a machine that steps, restores, reorders and disturbs a run with a strategy.

    Use its ``TestCase`` in a test, or run it with ``run_state_machine_as_test``.
    """
    return type("Interleavings", (Disturbed,), {"strategy": strategy, "clock": Clock()})


class Disturbed(RuleBasedStateMachine):
    """A run that is not left in peace.

    Attributes:
        strategy: whose run it is.
        clock: says when enough was tried.
    """

    strategy: ClassVar[Strategy]
    clock: ClassVar[Clock]

    @initialize(
        kind=st.sampled_from(["perceptron", "residual", "convolutions"]),
        law=st.sampled_from(["soft", "ranked"]),
        generation=st.sampled_from([2, 5, 30]),
        seed=st.integers(0, 99),
    )
    def begin(self, kind: Any, law: Law, generation: int, seed: int) -> None:
        """Live the ancestor's generation of a specimen."""
        self.law = law if _takes(self.strategy, READERS[law]) else "soft"
        self.case = Case(Specimen(kind, 3), key=Key(seed), generation=generation)
        self.laboratory = self._anew()
        self.straight = _straight_run(self.case, self.strategy, self.law)
        self.state = self.laboratory.first()
        # Pickled, so that nothing which a strategy does later can reach into a checkpoint.
        self.checkpoints = [pickle.dumps(self.state)]

    @rule(back=st.integers(0, 3), backwards=st.booleans())
    def go_on(self, back: int, backwards: bool) -> None:  # noqa: FBT001  passed by name
        """Live one more generation, perhaps from an earlier one, perhaps in reversed order."""
        if self.clock.is_over():
            return
        # One rule with arguments: of several, hypothesis leaves some out for whole examples.
        if back:
            self._restore(back)
        if _goes_on(self.state, self.case):
            self._step(reversed if backwards else iter)

    @invariant()
    def is_where_the_straight_run_was(self) -> None:
        """Hold the last generation to that of the straight run, bit for bit."""
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

    def _restore(self, back: int) -> None:
        """Go back to a checkpoint (1 is the last), with strategies made anew."""
        kept = self.checkpoints[-min(back, len(self.checkpoints))]
        self.state = pickle.loads(kept)  # noqa: S301  it was made here
        self.laboratory = self._anew()

    def _step(self, order: Callable[[list[Any]], Iterable[Any]]) -> None:
        """Live the lives of a generation in some order, and put a checkpoint."""
        with untouched():
            disturb_global_randomness()
            self.state = self.laboratory.next(self.state, order)
        self.checkpoints.append(pickle.dumps(self.state))

    def _anew(self) -> Laboratory:
        """Return a laboratory with the strategy as another process makes it, of its options."""
        return Laboratory(self.case, company(attrs.evolve(self.strategy), self.law))


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


def _straight_run(case: Case, strategy: Strategy, law: Law) -> Callable[[int], str]:
    """Return a function that tells the digest of a generation of a run which nothing disturbs."""
    laboratory = Laboratory(case, company(attrs.evolve(strategy), law))

    @cache
    def state(number: int) -> State:
        if number == case.generation - 1:
            return laboratory.first()
        with untouched():
            return laboratory.next(state(number - 1), iter)

    return lambda number: state(number).digest()
