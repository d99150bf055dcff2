"""Built-in strategies of the role ``training``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.training.elsewhere import Elsewhere as Elsewhere
from evoframe.strategies.training.fit import Fit as Fit
from evoframe.strategies.training.gradient import Gradient as Gradient
from evoframe.strategies.training.untrained import Untrained as Untrained


@hookimpl
def evoframe_trainings() -> list[type]:
    """Offer the strategies of this folder."""
    return [Elsewhere, Fit, Gradient, Untrained]
