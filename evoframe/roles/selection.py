"""Selection: who has offspring with whom, and who survives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evoframe.kernel.context import Context
    from evoframe.kernel.individual import Individual
    from evoframe.kernel.population import Family, Population
    from evoframe.kernel.rungs import Heat
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

    def check_ancestor(self, context: Context) -> None:
        """Refuse an ancestor without the costs to select by, before anything is written.

        Args:
            context: the ancestor before it is trained, its anatomy and the task.

        Raises:
            ConfigError: which cost is missing, and what tells it.
        """

    def families_for(self, population: Population) -> int:
        """Return the number of families it gives: ``population.size``, or another one.

        A run is told apart from one that lost some by this number; it may depend on whatever
        the choice depends on.
        """
        return population.size

    def rungs(self, population: Population) -> Sequence[Heat]:
        """Return the rungs in which the generation lives; none, as here, if in one go.

        On the first there are as many lives as families without elites, on each other one fewer
        and longer ones; the last has no end. Whoever overrides this needs a training and nurtures
        with the trait ``pausable``. The training of those that live on is kept, and goes on.

        Args:
            population: what :meth:`select` is given.
        """
        return ()

    def promote(self, rung: Heat, living: Population) -> Sequence[Individual]:
        """Return those that live on to a rung: as here, the best by the primary metric.

        The others are on record with their figures. They are ``population.overtaken`` when parents
        are selected, and nobody's parents unless named.

        Args:
            rung: the one that comes; at most so many may live on, and at least one.
            living: the population, with the living of this generation as its individuals, as they
                are after the rung before.
        """
        return living.ranked(living.sound())[: rung.lives]

    @abstractmethod
    def select(self, population: Population, context: Context) -> tuple[Family, ...]:
        """Return :meth:`families_for` families of ``population.parents`` parents each.

        Args:
            population: the living, at least one; a metric may be NaN, and such an individual is
                never preferred to one with a finite metric.
            context: the run's ancestor, anatomy and task, and the key of this call.
        """
