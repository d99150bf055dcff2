"""Built-in strategies of the role ``selection``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.selection.pareto import Pareto as Pareto
from evoframe.strategies.selection.random_pairs import RandomPairs as RandomPairs
from evoframe.strategies.selection.tournament import Tournament as Tournament
from evoframe.strategies.selection.truncation import Truncation as Truncation


@hookimpl
def evoframe_selections() -> list[type]:
    """Offer the strategies of this folder."""
    return [Pareto, RandomPairs, Tournament, Truncation]
