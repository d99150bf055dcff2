"""Versions: of evoframe, and of what plugins rely on.

They stand apart from the package's front so that nothing inside has to import it.
"""

from __future__ import annotations

__version__ = "0.1.0"

CONTRACT = 2
"""Version of what plugins rely on; raised only when a conforming plugin could stop conforming."""
