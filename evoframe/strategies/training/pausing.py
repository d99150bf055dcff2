"""A descent is put down, between epochs or in the midst of one, and taken up again."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from evoframe.errors import ContractError
from evoframe.kernel.generators import packed, places, put_back
from evoframe.kernel.genotype import State
from evoframe.kernel.rungs import Paused
from evoframe.strategies.training.checkpoints import (
    modes,
    part,
    put_in_mode,
    restore,
    snapshot,
    steps_of,
    under,
    unfit,
)
from evoframe.strategies.training.descent import Descent


def put_down(life: Descent) -> dict[str, Tensor]:
    """Return all that the rest of a life needs; of an epoch that goes on, within its seal.

    Companions let go of it: whoever lives on must take it up again.
    """
    tensors = snapshot(life.phenotype, life.optimiser, life.taken)
    tensors |= life.put_down_loss()
    # First of all: a companion may draw while it lets go.
    drawn = packed(places()) if life.within else {}
    if life.within:
        tensors |= {
            "epoch.within": torch.tensor(life.within),
            "epoch.read": torch.tensor(life.reader.read),
            "epoch.seen": torch.tensor(life.seen),
            "epoch.total": life.total,
            **under("modes", modes(life.phenotype.network)),
            **under("read", life.reader.put_down()),
            **under("generators", drawn),
        }
    if life.averages is not None:
        tensors |= under("average", life.averages.values)
    if life.patience is not None:
        tensors |= under("patience", life.patience.put_down())
    for index, companion in enumerate(life.context.life.companions):
        tensors |= under(f"kept{index}", companion.put_down(life.phenotype, life.context))
    return tensors


def waiting(life: Descent) -> Paused:
    """Return a life that waits, as a value of its own: nothing that goes on changes it."""
    kept = {name: one.detach().cpu().clone() for name, one in put_down(life).items()}
    return Paused(life.epochs, kept)


def hand_on(life: Descent, tensors: State) -> None:
    """Let the companions of a life go on from where it was put down."""
    for index, companion in enumerate(life.context.life.companions):
        companion.take_up(part(tensors, f"kept{index}"), life.phenotype, life.context)


def found(life: Descent) -> tuple[int, State] | None:
    """Return the furthest point from which a life can go on, with its whole epochs, if any.

    A rung and a checkpoint may both know one; a checkpoint beyond the rung is of a later one.

    Raises:
        ContractError: the rung was left by another network.
    """
    rung, phenotype = life.context.life.rung, life.phenotype
    known: list[tuple[float, State]] = []
    if (before := rung.taken_up) is not None:
        if reason := unfit(before.tensors, phenotype):
            raise ContractError(f"the life that is taken up is of another network ({reason})")
        known.append((before.epochs, before.tensors))
    saved = life.context.life.checkpoint.load()
    if saved is not None and saved[0] <= rung.until and steps_of(saved[1]) <= rung.steps:
        if reason := unfit(saved[1], phenotype):
            warnings.warn(
                f"the checkpoint of {life.context.id} is of another network ({reason}): the life "
                "starts again from its beginning",
                stacklevel=4,
            )
        else:
            known.append(saved)
    if not known:
        return None
    epochs, tensors = max(known, key=lambda one: one[0])
    return int(epochs), tensors


def take_up(life: Descent, epoch: int, tensors: State) -> None:
    """Go on where a life was put down; its companions must be handed on to afterwards."""
    life.phenotype = restore(tensors, life.phenotype, life.optimiser)
    life.epoch, life.taken = epoch, steps_of(tensors)
    if life.averages is not None:
        life.averages.take_up(part(tensors, "average"))
    if life.patience is not None and (kept := part(tensors, "patience")):
        life.patience.take_up(kept)
    life.take_up_loss(tensors)
    if "epoch.within" in tensors:
        life.within, life.seen = int(tensors["epoch.within"]), int(tensors["epoch.seen"])
        life.total = tensors["epoch.total"].to(life.context.device)


def go_on_reading(life: Descent, tensors: State) -> None:
    """Go on in the midst of an epoch, within its seal, once its data are open again."""
    life.reader.take_up(int(tensors["epoch.read"]), part(tensors, "read"))
    put_in_mode(part(tensors, "modes"), life.phenotype.network)
    put_back(part(tensors, "generators"))
