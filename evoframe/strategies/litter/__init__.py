"""Built-in strategies of the role ``litter``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.litter.climb import Climb as Climb
from evoframe.strategies.litter.fittest import Fittest as Fittest
from evoframe.strategies.litter.halving import Halving as Halving
from evoframe.strategies.litter.single import Single as Single


@hookimpl
def evoframe_litters() -> list[type]:
    """Offer the strategies of this folder."""
    return [Climb, Fittest, Halving, Single]
