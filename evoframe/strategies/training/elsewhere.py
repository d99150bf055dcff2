"""Elsewhere: individuals are trained by whoever asks for them, see :func:`evoframe.ask_tell`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.errors import RunError
from evoframe.kernel.context import Context
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Training


@attrs.frozen
class Elsewhere(Training):
    """Stands for your own loop, which asks for newborns and reports their results."""

    name: ClassVar[str] = "elsewhere"
    # Nobody knows what the loop looks at.
    sees: ClassVar[str] = "validation"

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Refuse to train.

        Raises:
            RunError: always, with the way to go on.
        """
        raise RunError(
            f"{context.id} is trained elsewhere, which a run cannot do by itself. Continue with "
            "evoframe.ask_tell(task, out=...), which hands it out."
        )
