"""Inherited encoding: by which of several an individual is read is a gene of its own.

Offspring are read as their first parent was, and sometimes otherwise; whichever gives offspring
that selection keeps is soon that of everybody. So nobody has to choose an encoding beforehand.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.roles import Encoding, Task, doc
from evoframe.strategies.encoding.magnitude import Magnitude
from evoframe.strategies.encoding.synaptic import Synaptic

NOTE = "encoding"
"""The note that says which encoding an individual was read by, as a number from 0."""


@attrs.frozen
class Inherited(Encoding):
    """Offspring inherit which of several encodings they use; it may mutate.

    The children of the ancestor, who has none, are read by one that is drawn.
    """

    name: ClassVar[str] = "inherited"

    among: tuple[Encoding, ...] = attrs.field(
        default=(Synaptic(), Magnitude()),
        validator=attrs.validators.min_len(1),
        metadata=doc("encodings to choose among; one may occur with different options"),
    )
    change: float = attrs.field(
        default=0.1,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc(
            "probability that an offspring's encoding is drawn at random instead of inherited"
        ),
    )

    @property
    def traits(self) -> frozenset[str]:  # type: ignore[override]
        """What any of them is able to do, and that it draws."""
        return frozenset({"stochastic"}).union(*(one.traits for one in self.among)) - {
            "deterministic"
        }

    @property
    def sees(self) -> str:  # type: ignore[override]
        """The splits that any of them reads."""
        return "validation" if any(one.sees == "validation" for one in self.among) else "train"

    def check(self, task: Task) -> None:
        """Refuse a task that one of them cannot read."""
        for one in self.among:
            one.check(task)

    def check_ancestor(self, context: Context) -> None:
        """Refuse an ancestor of which one of them can tell nothing."""
        for one in self.among:
            one.check_ancestor(context)

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return the DNA by the encoding that was inherited, with a note of which it is."""
        which = self._which(context)
        dna = self.among[which].encode(inheritance, evidence, context.at("among", which))
        return attrs.evolve(dna, notes={NOTE: which})

    def _which(self, context: Context) -> int:
        before, key = context.notes.get(NOTE), context.key.at("which")
        first, second = (key.at(step).share() for step in ("change", "among"))
        if isinstance(before, int) and before < len(self.among) and first >= self.change:
            return before
        return int(second * len(self.among))
