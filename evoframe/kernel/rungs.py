"""Rungs: how far a life is lived before it waits, and what it is taken up from."""

from __future__ import annotations

import math

import attrs

from evoframe.kernel.genotype import State

PAUSABLE = "pausable"
"""The trait of a training, or a nurture, of which a life can be put down and taken up again."""

HAIR = 1e-9
"""Of a step: so little is lost when a fraction of an epoch is written as a float."""


@attrs.frozen(eq=False)
class Paused:
    """A life that was put down before its schedule is at its end.

    Attributes:
        epochs: how many epochs of the schedule are behind it; of an epoch that is a stream, of
            which nobody knows how long it is, whole ones only.
        tensors: all that the rest of the life needs, on the CPU: weights, masks, the optimiser's
            state, generators, what companions keep. Whoever put it down knows their names.
    """

    epochs: float
    tensors: State


@attrs.frozen
class Heat:
    """A rung of a whole generation: so many lives are lived so far.

    Attributes:
        lives: how many live on.
        until: epochs of the training's own schedule, counted from birth; the last heat of a
            generation goes to the end of the schedule.
    """

    lives: int = attrs.field(validator=attrs.validators.ge(1))
    until: float = attrs.field(default=math.inf, validator=attrs.validators.ge(0))


@attrs.frozen(eq=False)
class Rung:
    """How far a training goes in one go; by default to the end of its schedule.

    A life in rungs has the same bits as one without a pause: the schedule is always that of the
    whole life, and a rung says where it waits.

    Attributes:
        until: epochs of the training's own schedule, counted from birth; maybe a fraction. As many
            whole steps are taken as fit into it.
        steps: the same in steps, counted from birth; whichever comes first.
        taken_up: where the life was put down; None for one that begins.
    """

    until: float = attrs.field(default=math.inf, validator=attrs.validators.ge(0))
    steps: float = attrs.field(default=math.inf, validator=attrs.validators.ge(0))
    taken_up: Paused | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the life is lived to the end of its schedule."""
        return math.isinf(self.until) and math.isinf(self.steps)

    def ends_within(self, epoch: int, length: int | None, taken: int) -> bool:
        """Tell whether a life may have to wait in the midst of an epoch.

        Args:
            epoch: the epoch; the first is 0.
            length: steps in it; None if nobody knows.
            taken: steps before it, or more.
        """
        if length is None:
            return not math.isinf(self.steps)
        return self.until < epoch + 1 or self.steps < taken + length

    def reached(self, epoch: int, within: int, length: int | None, taken: int) -> bool:
        """Tell whether no further step fits.

        Args:
            epoch: the epoch that the life is in; the first is 0.
            within: steps taken in it.
            length: steps in it; None if nobody knows, and then a fraction ends where it begins.
            taken: steps of the life so far.
        """
        if taken + 1 > self.steps or epoch >= self.until:
            return True
        if length is None:
            return epoch + 1 > self.until
        return epoch + (within + 1) / max(length, 1) > self.until + HAIR
