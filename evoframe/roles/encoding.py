"""Encoding: reads an inheritance as DNA."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from evoframe.kernel.context import Context
    from evoframe.kernel.dna import DNA, Inheritance
    from evoframe.kernel.evidence import Evidence
    from evoframe.roles.task import Task


@attrs.frozen
class Encoding(Learning, ABC):
    """Gives every eligible synapse, and every cluster of synapses, a probability.

    Called once for each offspring, on the run's device, after heredity and before mutation.

    Reads training data alone, unless its class says ``sees = "validation"``, as one that stops
    early would; the record of a run shows that. Nobody reads test data.

    Traits:
        ``ranks``: only the order of its probabilities means something, not their size.
    """

    role: ClassVar[str] = "encoding"
    sees: ClassVar[str] = "train"

    def check(self, task: Task) -> None:
        """Refuse a task whose network it cannot read by a TaskError, before anything is written."""

    def check_ancestor(self, context: Context) -> None:
        """Refuse an ancestor, not trained yet, of which it tells nothing, likewise."""

    @abstractmethod
    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return the DNA of an offspring.

        Args:
            inheritance: what may exist (``eligible``) and the parents' ``strengths``, in ancestor
                coordinates; not to be modified.
            evidence: answers questions about gradients, each at the price of some batches, and
                has the parents' network for whoever asks something else; an encoding that asks
                nothing pays nothing.
            context: the ancestor, its anatomy and the task, and whose DNA it will be.

        Returns:
            Genes for exactly the parameters of ``inheritance.eligible``, with ``eligible`` passed
            on, and tables of log-probabilities that are at most 0.
        """
