"""Built-in strategies of the role ``environment``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.environment.budget import Budget as Budget
from evoframe.strategies.environment.descent import Descent as Descent
from evoframe.strategies.environment.precision import Precision as Precision
from evoframe.strategies.environment.removal import Removal as Removal
from evoframe.strategies.environment.retention import Retention as Retention


@hookimpl
def evoframe_environments() -> list[type]:
    """Offer the strategies of this folder."""
    return [Budget, Descent, Precision, Removal, Retention]
