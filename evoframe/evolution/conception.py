"""Conception: each strategy that makes an offspring is called, and what it returns looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
from torch import Tensor

from evoframe.evolution.birth import EXTINCT, Newborn, Remark
from evoframe.evolution.blame import acting
from evoframe.evolution.contract import require_allowance, require_inheritance
from evoframe.evolution.genes import require_dna
from evoframe.evolution.strategies import Strategies
from evoframe.evolution.telling import step, tell_dna
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.individual import Individual
from evoframe.kernel.judged import Judged
from evoframe.kernel.tensors.flags import how_many_of
from evoframe.roles.base import Strategy

FAR_LESS = 0.1
"""Share of what was promised below which a person is told."""


@attrs.define(eq=False)
class Conception:
    """A life up to its training: who acts in it, and what has come of it so far.

    Attributes:
        strategies: those that act.
        context: of the life.
        watch: looks whether they leave what they are given as it is; has the notes of the life.
        pressure: what environments have promised and left.
        looks: all looks at siblings, if a litter chooses among them.
    """

    strategies: Strategies
    context: Context
    watch: Watch
    pressure: list[Pressed] = attrs.field(factory=list, init=False)
    looks: list[Judged] = attrs.field(factory=list, init=False)

    @classmethod
    def of(cls, strategies: Strategies, context: Context) -> Conception:
        """Return one of which nothing has come yet, watched."""
        return cls(strategies, context, Watch(context, strict=True))

    @property
    def most(self) -> float:
        """How many synapses environments promise at most; inf where none does."""
        return min((one.promised for one in self.pressure), default=math.inf)

    def inheritance(self) -> Inheritance:
        """Return the inheritance of the offspring, from heredity."""
        heredity, parents = self.strategies.heredity, self.context.parents
        with self._calling(heredity, "heredity") as asked:
            found = heredity.inherit(parents, asked)
            masks = [parent.genotype.masks for parent in parents]
            moves = "moves" in heredity.traits
            require_inheritance(found, masks, self.context.ancestor, moves=moves)
        return self.watch.noted(found)

    def dna(self, inheritance: Inheritance) -> DNA:
        """Return the DNA that the offspring is drawn from: encoded, mutated, under all pressure."""
        return self.pressed(self.mutated(self.encoded(inheritance), inheritance), inheritance)

    def encoded(self, inheritance: Inheritance) -> DNA:
        """Return the inheritance as DNA."""
        encoding = self.strategies.encoding
        with self._calling(encoding, "encoding", inheritance=inheritance) as asked:
            evidence = Evidence(inheritance, self.context.at("evidence"))
            dna = encoding.encode(inheritance, evidence, asked)
            require_dna(dna, inheritance.eligible)
        dna = self.watch.noted(dna)
        tell_dna("evoframe_dna_encoded", encoding.name, dna, self.context)
        return dna

    def mutated(self, dna: DNA, inheritance: Inheritance) -> DNA:
        """Return the DNA after all mutations."""
        for index, mutation in enumerate(self.strategies.mutation):
            given = {"inheritance": inheritance, "DNA": dna}
            with self._calling(mutation, "mutation", index, **given) as asked:
                found = mutation.mutate(dna, inheritance, asked)
                require_dna(found, _eligible(dna), dna, grows="grows" in mutation.traits)
            dna = self.watch.noted(found)
            tell_dna("evoframe_dna_mutated", mutation.name, dna, self.context)
        return dna

    def pressed(self, dna: DNA, inheritance: Inheritance) -> DNA:
        """Return the DNA under the pressure of all environments."""
        for index, environment in enumerate(self.strategies.environment):
            given = {"inheritance": inheritance, "DNA": dna}
            with self._calling(environment, "environment", index, **given) as asked:
                found = environment.press(dna, inheritance, asked)
                require_dna(found, _eligible(dna), dna)
                found = self.watch.noted(found)  # what it promises may hang on what it noted
                later = self.watch.informed(self.context, self._state("environment", index))
                promised = environment.allowance(inheritance, later)
                require_allowance(promised)
            dna = found
            self.pressure.append(Pressed.of(environment.name, promised, dna))
            tell_dna("evoframe_dna_pressed", environment.name, dna, self.context)
        return dna

    def rest(self) -> None:
        """Let go of parents: no strategy of this life is called any more."""
        self.watch.rest()
        self.context = attrs.evolve(self.context, parents=())

    @contextmanager
    def _calling(
        self, strategy: Strategy, role: str, *index: int, **given: Any
    ) -> Iterator[Context]:
        """Call a strategy that is given more than the context that this returns."""
        with (
            step(role, self.context, *index),
            acting(strategy, self.context, *index),
            self.watch.unchanged(**given),
        ):
            own = self.context.at(role, *index)
            yield self.watch.informed(own, self._state(role, *index))

    def _state(self, role: str, *index: int) -> str | None:
        entry = f"{role}[{index[0]}]" if index else role
        return self.strategies.states.get(entry)


@attrs.frozen
class Pressed:
    """What an environment has left of a DNA.

    Attributes:
        name: of the environment.
        promised: how many synapses it allows at most; inf where it promises nothing.
        expected: how many its DNA lets expect.
        eligible: how many could be.
    """

    name: str
    promised: float
    expected: float
    eligible: int

    @classmethod
    def of(cls, name: str, promised: float | None, dna: DNA) -> Pressed:
        """Return the figures of an environment."""
        eligible = how_many_of([genes.eligible for genes in dna.synapses.values()])
        limit = math.inf if promised is None else float(promised)
        return cls(name, limit, dna.expected_synapses(), eligible)

    def in_words(self, newborn: Individual) -> Remark | None:
        """Say that far less is left than was promised, or so little that nothing lives."""
        due = min(self.promised, self.eligible)
        kills = self.promised == math.inf and newborn.stillborn.startswith(EXTINCT)
        if self.expected >= FAR_LESS * due or not (kills or self.promised < math.inf):
            return None
        said = "allows" if self.promised < math.inf else "sets no limit on"
        return Remark(
            f"environment {self.name!r} keeps far less than it promises",
            f"in {newborn.id} {self.expected:,.4g} synapses on average, and it {said} "
            f"{due:,.4g}. An encoding that only ranks needs a budget that sets how "
            "many are kept, such as 'retention'; otherwise use a milder setting.",
        )


def _eligible(dna: DNA) -> Mapping[str, Tensor]:
    return {name: genes.eligible for name, genes in dna.synapses.items()}


def with_remarks(newborn: Newborn, pressed: Sequence[Pressed]) -> Newborn:
    """Return somebody with all that people should be told of the pressure at their birth."""
    said = tuple(words for one in pressed if (words := one.in_words(newborn.individual)))
    return attrs.evolve(newborn, remarks=(*newborn.remarks, *said))
