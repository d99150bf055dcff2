"""Built-in strategies of the role ``heredity``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.heredity.asexual import Asexual as Asexual
from evoframe.strategies.heredity.mating import Mating as Mating


@hookimpl
def evoframe_heredities() -> list[type]:
    """Offer the strategies of this folder."""
    return [Asexual, Mating]
