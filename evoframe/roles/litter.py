"""Litter: who of many siblings is schooled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs

from evoframe.roles.base import Learning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evoframe.kernel.context import Context
    from evoframe.kernel.drawing.brood import Brood
    from evoframe.kernel.life import TrainingResult
    from evoframe.roles.nurture import Nurture
    from evoframe.roles.task import Task
    from evoframe.roles.training import Training


@attrs.frozen
class Litter(Learning, ABC):
    """Draws siblings of one birth, looks how they do, and has one of them schooled.

    Between pressure and training: what it is given comes of one DNA under all pressure, and what it
    returns goes on as any trained individual does. Without a litter the only child is schooled.

    Reads training data alone, unless its class says ``sees = "validation"``; the record of a run
    shows that. Nobody reads test data.
    """

    role: ClassVar[str] = "litter"
    sees: ClassVar[str] = "train"

    def check(self, training: Training, nurtures: Sequence[Nurture], task: Task) -> None:
        """Refuse whom it cannot choose for, before anything is written.

        Raises:
            ConfigError: what is missing, and what to do instead.
        """

    @abstractmethod
    def raise_one(self, brood: Brood, context: Context) -> TrainingResult:
        """Return the result of ``brood.school`` for one sibling, its training at its end.

        Args:
            brood: draws siblings, varies, judges and schools them; whatever it does is on record,
                and the same whenever the same is asked of it.
            context: whose birth it is, and the key of this call.

        Raises:
            StillbornError: nobody could live, or training broke down.
        """
