"""Mutation: perturbs DNA."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from evoframe.kernel.context import Context
    from evoframe.kernel.dna import DNA, Inheritance


@attrs.frozen
class Mutation(Learning, ABC):
    """Changes levels at random, or offers synapses that the parents did not have.

    Called in the order in which a recipe names mutations, between encoding and environment.

    With its dial at 0 it changes nothing.

    Traits:
        ``grows``: it may make synapses eligible that heredity did not.
    """

    role: ClassVar[str] = "mutation"

    @abstractmethod
    def mutate(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return mutated DNA over the same parameters.

        Args:
            dna: probabilities so far; not to be modified.
            inheritance: what heredity made eligible, before any mutation; not to be modified.
            context: the ancestor, its anatomy, the task, and the key of this call.
        """
