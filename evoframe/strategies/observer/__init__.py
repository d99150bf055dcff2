"""Built-in strategies of the role ``observer``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.observer.console import Console as Console
from evoframe.strategies.observer.mirror import Mirror as Mirror


@hookimpl
def evoframe_observers() -> list[type]:
    """Offer the strategies of this folder."""
    return [Console, Mirror]
