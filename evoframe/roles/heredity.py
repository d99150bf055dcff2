"""Heredity: what an offspring has from its parents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from evoframe.kernel.context import Context, Parent
    from evoframe.kernel.dna import Inheritance
    from evoframe.roles.task import Task


@attrs.frozen
class Heredity(Learning, ABC):
    """Mixes one or more parents into an inheritance.

    Traits:
        ``identity_on_clones``: with identical parents, the inheritance is the parent.
        ``moves``: synapses may come from another place in a parent, so some may be eligible where
            no parent has any.
    """

    role: ClassVar[str] = "heredity"

    @property
    def parents(self) -> int:
        """How many parents an offspring has."""
        return 1

    def check(self, task: Task) -> None:
        """Refuse a task that cannot be inherited this way, before anything is written.

        Raises:
            TaskError: what is missing, and what to do instead.
        """

    @abstractmethod
    def inherit(self, parents: tuple[Parent, ...], context: Context) -> Inheritance:
        """Return the inheritance of an offspring of these parents.

        Args:
            parents: as many as :attr:`parents` says, with genotypes in ancestor coordinates;
                not to be modified.
            context: the ancestor, its first weights, the task, and the key of this call.

        Returns:
            The eligible synapses, the mated strengths, and the state the newborn starts with.
        """
