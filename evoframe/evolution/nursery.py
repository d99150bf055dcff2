"""Nursery: a birth between pressure and training, where a litter chooses among siblings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs
import torch

from evoframe.errors import ContractError
from evoframe.evolution.blame import acting
from evoframe.evolution.brood import School, Siblings
from evoframe.evolution.conception import Conception
from evoframe.evolution.growing_up import come_home, developed, school
from evoframe.evolution.telling import tell_drawn
from evoframe.kernel.drawing.brood import Sibling
from evoframe.kernel.events import Announcer, Event, Phase
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.key import sealed
from evoframe.kernel.life import Checkpoint, NoCheckpoint, TrainingResult
from evoframe.kernel.rungs import Rung
from evoframe.roles.litter import Litter

WHO = "litter.sibling"
"""The entry of a checkpoint that says which sibling it is of, if it is not the only child."""


def raise_litter(litter: Litter, conception: Conception) -> Genotype:
    """Return the genotype of the sibling that a litter has chosen, after its training.

    Raises:
        StillbornError: nobody could live, or training broke down.
    """
    training, watch = conception.strategies.training, conception.watch
    born, result = raised(litter, brood_of(conception), conception)
    # What others have noted that were schooled for a while, nobody has noted.
    return come_home(watch.noted(result), born.genotype.masks, training, conception.context)


def brood_of(conception: Conception) -> Siblings:
    """Return all who could be born: heredity, DNA, mutation, pressure; nobody is drawn yet."""
    inheritance = conception.inheritance()
    return Siblings(
        conception.dna(inheritance),
        inheritance,
        conception.context,
        _schooling(conception),
        conception.most,
        looks=conception.looks,
        strict=True,
    )


def raised(
    litter: Litter, brood: Siblings, conception: Conception
) -> tuple[Sibling, TrainingResult]:
    """Return the sibling that a litter has chosen, and what training has made of it.

    Raises:
        StillbornError: nobody could live, or training broke down.
        ContractError: it returned something else.
    """
    own, watch = conception.context.at("litter"), conception.watch
    with (
        sealed(own.key.at("seal")),
        acting(litter, conception.context),
        watch.unchanged(inheritance=brood.inheritance, DNA=brood.dna),
    ):
        asked = watch.informed(own, conception.strategies.states.get("litter"))
        result = litter.raise_one(brood, asked)
        chosen = brood.chosen_by(result)
        if result.paused is not None:
            raise ContractError(
                f"it returned sibling {chosen.number} after {result.epochs:g} epochs, whose "
                "training waits; wanted it at its end"
            )
    return chosen, result


def _schooling(conception: Conception) -> School:
    """Return a function that trains a sibling as far as it is asked to."""
    context, watch, strategies = conception.context, conception.watch, conception.strategies
    training, state = strategies.training, strategies.states.get("training")

    def schooled(sibling: Sibling, until: float, after: TrainingResult | None) -> TrainingResult:
        rung = Rung(until=until, taken_up=None if after is None else after.paused)
        life = attrs.evolve(context.life, rung=rung)
        checkpoint: Checkpoint = NoCheckpoint()
        if rung.is_whole:
            tell_drawn(sibling.genotype, context)
            checkpoint = OfSibling(context.life.checkpoint, sibling.number)
        else:
            life = attrs.evolve(life, announcer=Quiet(life.announcer))
        here = attrs.evolve(context, life=attrs.evolve(life, checkpoint=checkpoint))
        return school(developed(sibling.genotype, here), training, here, watch, state)

    return schooled


@attrs.frozen(eq=False)
class Quiet:
    """An announcer that only wraps phases: nobody hears of those who may not be born."""

    own: Announcer

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Nothing is told."""

    def phase(self, phase: Phase) -> AbstractContextManager[Any]:
        """Return the context to do a phase of work in."""
        return self.own.phase(phase)


@attrs.frozen(eq=False)
class OfSibling:
    """The checkpoint of a life, for one sibling: what another one has put down is not its own."""

    own: Checkpoint
    number: int

    def load(self) -> tuple[int, State] | None:
        """Return the finished epochs and the tensors of this sibling, if there are any."""
        if (saved := self.own.load()) is None:
            return None
        epochs, tensors = saved
        if int(tensors.get(WHO, torch.tensor(0))) != self.number:
            return None
        return epochs, {name: value for name, value in tensors.items() if name != WHO}

    def save(self, epochs: int, tensors: State) -> None:
        """Keep the tensors of this sibling."""
        mark = {WHO: torch.tensor(self.number)} if self.number else {}
        self.own.save(epochs, {**tensors, **mark})
