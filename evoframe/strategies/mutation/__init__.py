"""Built-in strategies of the role ``mutation``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.mutation.bits import Bits as Bits
from evoframe.strategies.mutation.noise import Noise as Noise
from evoframe.strategies.mutation.regrowth import Regrowth as Regrowth


@hookimpl
def evoframe_mutations() -> list[type]:
    """Offer the strategies of this folder."""
    return [Bits, Noise, Regrowth]
