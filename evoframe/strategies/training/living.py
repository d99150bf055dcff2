"""Living: the epochs of a descent, one after the other, as far as a rung goes."""

from __future__ import annotations

import attrs

from evoframe.kernel.genotype import State
from evoframe.kernel.key import sealed
from evoframe.kernel.life import TrainingResult
from evoframe.strategies.training.descent import Descent
from evoframe.strategies.training.pausing import (
    found,
    go_on_reading,
    hand_on,
    put_down,
    take_up,
    waiting,
)


def lived(life: Descent) -> TrainingResult:
    """Live to the end of a schedule, or to that of a rung.

    Raises:
        StillbornError: the loss stopped being a number.
        TaskError: the training split is empty.
    """
    tensors = _begun(life)
    while not life.is_over:
        with sealed(life.context.key.at("training", "epoch", life.epoch)):
            if not _epoch(life, tensors):
                paused = waiting(life)
                life.finish()
                return TrainingResult(life.phenotype, life.epochs, life.loss, paused=paused)
        _tell(life)
    life.finish()
    with sealed(life.context.key.at("training", "end")):
        for companion in life.context.life.companions:
            life.phenotype = companion.after_life(life.phenotype, life.context)
    return TrainingResult(life.phenotype, life.epoch, life.loss)


def _begun(life: Descent) -> State:
    """Begin a life, or go on with one; returns where it was put down, empty if nowhere."""
    before = found(life)
    if before is not None:
        take_up(life, *before)
    # Afterwards: companions must begin with the weights that they will see.
    context = attrs.evolve(
        life.context, life=attrs.evolve(life.context.life, epochs=life.wish.epochs)
    )
    everybody = (*context.life.companions, *life.wish.teachers())
    companions = tuple(one.begin(life.phenotype, context) for one in everybody)
    life.context = attrs.evolve(context, life=attrs.evolve(context.life, companions=companions))
    if before is None:
        return {}
    hand_on(life, before[1])
    return before[1]


def _epoch(life: Descent, tensors: State) -> bool:
    """Live to the end of an epoch; False if the rung ends before."""
    life.open()
    if life.within:
        go_on_reading(life, tensors)
    elif life.must_wait():
        return False
    else:
        life.begin_epoch()
    while not life.must_wait():
        if not life.step():
            life.end_epoch()
            return True
    life.halt()
    return False


def _tell(life: Descent) -> None:
    """Put a life down after an epoch, in case that it is killed, and tell of the epoch."""
    # After the last epoch the genotype itself is put on disk.
    if not life.is_over:
        tensors = put_down(life)
        life.context.life.checkpoint.save(life.epoch, tensors)
        hand_on(life, tensors)
    life.announce()
