"""Selection: who has offspring with whom, and who survives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from evoframe.kernel.context import Context
    from evoframe.kernel.population import Family, Population
    from evoframe.roles.task import Task


@attrs.frozen
class Selection(Learning, ABC):
    """Chooses the families of the next generation.

    The choice depends on who the individuals are, not on the order in which they are listed.
    """

    role: ClassVar[str] = "selection"

    def check(self, task: Task) -> None:
        """Refuse a task that cannot be selected by, before anything is written.

        Raises:
            ConfigError: what is missing, and what to do instead.
        """

    def families_for(self, population: Population) -> int:
        """Return the number of families it gives: ``population.size``, or another one.

        A run is told apart from one that lost some by this number; it may depend on whatever
        the choice depends on.
        """
        return population.size

    @abstractmethod
    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return :meth:`families_for` families of ``population.parents`` parents each.

        Args:
            population: the living, at least one; a metric may be NaN, and such an individual is
                never preferred to one with a finite metric.
            context: the run's ancestor, anatomy and task, and the key of this call.
        """
