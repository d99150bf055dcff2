"""Single: an only child, as if there were no litter."""

from __future__ import annotations

from typing import ClassVar

import attrs

from evoframe.kernel.context import Context
from evoframe.kernel.drawing.brood import Brood
from evoframe.kernel.life import TrainingResult
from evoframe.roles import Litter


@attrs.frozen
class Single(Litter):
    """Trains the only child, without looking at other siblings."""

    name: ClassVar[str] = "single"

    def raise_one(self, brood: Brood, context: Context) -> TrainingResult:
        """Return the result of training the only child."""
        return brood.school(brood.only())
