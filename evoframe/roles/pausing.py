"""Who can be put down: what needs lives in rungs asks before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.errors import ConfigError
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles.base import Strategy
from evoframe.roles.nurture import Nurture
from evoframe.roles.training import Training


def is_pausable(strategy: Training | Nurture) -> bool:
    """Tell whether a life with this strategy can be put down and taken up again."""
    if PAUSABLE in strategy.traits:
        return True
    # A frozen nurture that acts itself has nowhere to keep anything.
    return isinstance(strategy, Nurture) and type(strategy).begin is Nurture.begin


def require_pausable(who: Strategy, training: Training, nurtures: Sequence[Nurture]) -> None:
    """Refuse a training or nurtures of which a life cannot be put down.

    Args:
        who: needs lives in rungs.
        training: of the run.
        nurtures: of the run.

    Raises:
        ConfigError: who cannot be put down, and what to do instead.
    """
    everybody: tuple[Training | Nurture, ...] = (training, *nurtures)
    for one in everybody:
        if is_pausable(one):
            continue
        remedy = (
            "Use training 'gradient', or give it the trait where it heeds context.life.rung."
            if isinstance(one, Training)
            else "Leave it out, or give it put_down(), take_up() and the trait."
        )
        raise ConfigError(
            f"{who.role} {who.name!r} lives lives in rungs, but a life with {one.role} "
            f"{one.name!r} cannot be put down: it lacks the trait {PAUSABLE!r}. {remedy}"
        )
