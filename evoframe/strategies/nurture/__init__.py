"""Built-in strategies of the role ``nurture``."""

from __future__ import annotations

from evoframe.markers import hookimpl
from evoframe.strategies.nurture.decay import Decay as Decay
from evoframe.strategies.nurture.distillation import Distillation as Distillation
from evoframe.strategies.nurture.fan_in import FanIn as FanIn
from evoframe.strategies.nurture.repair import Repair as Repair
from evoframe.strategies.nurture.rounding import Rounding as Rounding
from evoframe.strategies.nurture.stress import Stress as Stress


@hookimpl
def evoframe_nurtures() -> list[type]:
    """Offer the strategies of this folder."""
    return [Decay, Distillation, FanIn, Repair, Rounding, Stress]
