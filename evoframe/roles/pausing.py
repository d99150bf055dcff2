"""Who can be put down: what needs lives in rungs asks before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.errors import ConfigError
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles.base import Strategy
from evoframe.roles.nurture import Nurture
from evoframe.roles.training import Training


def is_pausable(strategy: Training | Nurture) -> bool:
    """Tell whether a life with this strategy can be put down and taken up again.

    The trait is for the method beside which it is said: a class with a ``train()`` or ``begin()``
    of its own does not inherit it.
    """
    kind, method = type(strategy), "begin" if isinstance(strategy, Nurture) else "train"
    if PAUSABLE in strategy.traits and _place(kind, "traits") <= _place(kind, method):
        return True
    # A frozen nurture that acts itself has nowhere to keep anything.
    return isinstance(strategy, Nurture) and kind.begin is Nurture.begin


def says_itself(training: Training, method: str) -> bool:
    """Tell whether a class has a method that is for its own ``train()``, not for a forebear's."""
    kind = type(training)
    own = getattr(kind, method) is not getattr(Training, method)
    return own and _place(kind, method) <= _place(kind, "train")


def _place(kind: type, name: str) -> int:
    """Return the distance from a class to the forebear that defines its attribute of a name."""
    return next(place for place, one in enumerate(kind.__mro__) if name in vars(one))


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
            f"{who.role} {who.name!r} trains in rungs, but a life with {one.role} "
            f"{one.name!r} cannot be paused: it lacks the trait {PAUSABLE!r}. {remedy}"
        )
