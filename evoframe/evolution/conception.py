"""Conception: each strategy that makes an offspring is called, and what it returns looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

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
from evoframe.kernel.tensors.flags import how_many_of

FAR_LESS = 0.1
"""Share of what was promised below which a person is told."""


def inherit(strategies: Strategies, context: Context, watch: Watch) -> Inheritance:
    """Return the inheritance of an offspring."""
    heredity, parents = strategies.heredity, context.parents
    with (
        step("heredity", context),
        acting(heredity, context),
        watch.unchanged(),
    ):
        found = heredity.inherit(
            parents, watch.informed(context.at("heredity"), strategies.states.get("heredity"))
        )
        masks = [parent.genotype.masks for parent in parents]
        require_inheritance(found, masks, context.ancestor, moves="moves" in heredity.traits)
    return watch.noted(found)


def encode(strategies: Strategies, inheritance: Inheritance, context: Context, watch: Watch) -> DNA:
    """Return the inheritance as DNA."""
    encoding = strategies.encoding
    with (
        step("encoding", context),
        acting(encoding, context),
        watch.unchanged(inheritance=inheritance),
    ):
        evidence = Evidence(inheritance, context.at("evidence"))
        dna = encoding.encode(
            inheritance,
            evidence,
            watch.informed(context.at("encoding"), strategies.states.get("encoding")),
        )
        require_dna(dna, inheritance.eligible)
    dna = watch.noted(dna)
    tell_dna("evoframe_dna_encoded", encoding.name, dna, context)
    return dna


def mutate(
    strategies: Strategies, dna: DNA, inheritance: Inheritance, context: Context, watch: Watch
) -> DNA:
    """Return the DNA after all mutations."""
    for index, mutation in enumerate(strategies.mutation):
        state = strategies.states.get(f"mutation[{index}]")
        with (
            step("mutation", context, index),
            acting(mutation, context, index),
            watch.unchanged(inheritance=inheritance, DNA=dna),
        ):
            asked = watch.informed(context.at("mutation", index), state)
            found = mutation.mutate(dna, inheritance, asked)
            require_dna(found, _eligible(dna), dna, grows="grows" in mutation.traits)
        dna = watch.noted(found)
        tell_dna("evoframe_dna_mutated", mutation.name, dna, context)
    return dna


def press(
    strategies: Strategies,
    dna: DNA,
    inheritance: Inheritance,
    context: Context,
    watch: Watch,
    pressed: list[Pressed],
) -> DNA:
    """Return the DNA under the pressure of all environments.

    Args:
        strategies: whose environments press.
        dna: after all mutations.
        inheritance: what was eligible before them.
        context: whose birth it is.
        watch: looks whether inputs are left as they are.
        pressed: takes what each environment has promised and left.
    """
    for index, environment in enumerate(strategies.environment):
        state = strategies.states.get(f"environment[{index}]")
        with (
            step("environment", context, index),
            acting(environment, context, index),
            watch.unchanged(inheritance=inheritance, DNA=dna),
        ):
            asked = watch.informed(context.at("environment", index), state)
            found = environment.press(dna, inheritance, asked)
            require_dna(found, _eligible(dna), dna)
            found = watch.noted(found)  # what it promises may hang on what it noted
            promised = environment.allowance(inheritance, watch.informed(context, state))
            require_allowance(promised)
        dna = found
        pressed.append(Pressed.of(environment.name, promised, dna))
        tell_dna("evoframe_dna_pressed", environment.name, dna, context)
    return dna


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
        said = "allows" if self.promised < math.inf else "says nothing against all"
        return Remark(
            f"environment {self.name!r} leaves far less than it promises",
            f"to {newborn.id} {self.expected:,.4g} synapses on average, and it {said} "
            f"{due:,.4g}. An encoding that only ranks needs a budget that says how many live, as "
            "'retention' is one; else soften its dial.",
        )


def _eligible(dna: DNA) -> Mapping[str, Tensor]:
    return {name: genes.eligible for name, genes in dna.synapses.items()}


def with_remarks(newborn: Newborn, pressed: Sequence[Pressed]) -> Newborn:
    """Return somebody with all that people should be told of the pressure at their birth."""
    said = tuple(words for one in pressed if (words := one.in_words(newborn.individual)))
    return attrs.evolve(newborn, remarks=said)
