"""Bits: with how many of them the weights of a layer are held is a gene of its own.

Each layer of an offspring has the bits of its first parent's, and now and then the others. They
are carried as a note of the individual (see :mod:`evoframe.kernel.precision`); the environment
`precision` and the nurture `rounding` heed it.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel import precision
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.roles import Mutation, doc


@attrs.frozen
class Bits(Mutation):
    """Switches layers between 16 and 8 bits; DNA is not changed."""

    name: ClassVar[str] = "bits"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})
    dial: ClassVar[str] = "rate"

    rate: float = attrs.field(
        default=0.2,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("probability that a layer switches between 16 and 8 bits"),
    )

    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return the same DNA, with a note of the layers that have changed."""
        known = precision.bits_of(context.notes)
        changed = {
            name: _other(known.get(name, precision.UNSAID))
            for name in dna.synapses
            if context.key.at("layer", name).share() < self.rate
        }
        if not changed:
            return dna
        return attrs.evolve(dna, notes=precision.noted(dna.notes, known | changed))


def _other(bits: int) -> int:
    few, many = precision.BITS
    return few if bits == many else many
