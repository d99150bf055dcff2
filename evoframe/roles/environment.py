"""Environment: presses on probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evoframe.kernel.context import Context
    from evoframe.kernel.dna import DNA, Inheritance
    from evoframe.roles.encoding import Encoding


@attrs.frozen
class Environment(Learning, ABC):
    """An environmental factor model: says how much may live, and so decides how likely each is.

    Called in the order in which a recipe names environments, after all mutations. Its dial is
    how much may live: with more of it, no synapse is less likely to. Of an encoding with the trait
    ``ranks`` only the order of probabilities means something: say how many live, by the factor
    that :func:`evoframe.kernel.drawing.budgets.log_multiplier` finds, or refuse it in
    :meth:`check`.
    """

    role: ClassVar[str] = "environment"

    def check(self, encoding: Encoding) -> None:
        """Refuse an encoding whose DNA it cannot press on, before anything is written.

        Raises:
            ConfigError: what does not fit, and what to do instead.
        """

    def check_ancestor(self, context: Context) -> None:
        """Refuse an ancestor that cannot be pressed as asked, before anything is written.

        Args:
            context: the ancestor before it is trained, its anatomy and the task.

        Raises:
            ConfigError: what cannot be reached, and what can.
        """

    def allowance(self, inheritance: Inheritance, context: Context) -> float | None:
        """Return the number of synapses that an offspring may be expected to have at most.

        Args:
            inheritance: what was eligible before mutation.
            context: the ancestor, its anatomy and the task, and who is about to be drawn.

        Returns:
            The number after pressure and caps, before settling; None if no such number is promised.
        """
        return None

    def latency(self, costs: Mapping[str, float]) -> float | None:
        """Return the seconds of a forward pass, for ``until = "latency=2x"``.

        Args:
            costs: sizes of an individual.

        Returns:
            What rates that it was told make of them; None if it was told none.
        """
        return None

    @abstractmethod
    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return the DNA under pressure.

        Args:
            dna: probabilities so far; not to be modified.
            inheritance: what was eligible before mutation: budgets are fractions of that.
            context: the ancestor, its anatomy and the task, and who is about to be drawn.

        Returns:
            DNA over the same parameters: rewritten tables, and caps if the limit is a hard one.
        """
