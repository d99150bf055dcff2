"""A hosted life is put down between two epochs and taken up again.

Kept are weights, buffers, masks, what companions keep, and what its loop has learned. Generators
need not be kept: every epoch is sealed by its key.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from evoframe.kernel.context import Context
from evoframe.kernel.genotype import State
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.training.checkpoints import grown, part, under, unfit

LEARNING = "learning"
"""The entry with the states of the loop, as torch writes them."""


def found(phenotype: Phenotype, context: Context) -> tuple[int, State] | None:
    """Return the epochs and tensors with which a life was put down; None if it was not."""
    saved = context.life.checkpoint.load()
    if saved is None:
        return None
    reason = unfit(saved[1], phenotype) or (
        "" if LEARNING in saved[1] else "it has none of this loop's states"
    )
    if reason:
        warnings.warn(
            f"the checkpoint of {context.id} is of another life ({reason}): the life starts "
            "again from its beginning",
            stacklevel=4,
        )
        return None
    return saved


def put_down(phenotype: Phenotype, context: Context, learning: Mapping[str, Any]) -> State:
    """Return all that the rest of a life needs, but for how far it has come.

    Companions let go of it: whoever lives on must hand it on to them.
    """
    tensors = {**grown(phenotype), LEARNING: _written(learning)}
    for index, companion in enumerate(context.life.companions):
        tensors |= under(f"kept{index}", companion.put_down(phenotype, context))
    return tensors


def hand_on(tensors: State, phenotype: Phenotype, context: Context) -> None:
    """Let the companions of a life go on from where it was put down."""
    for index, companion in enumerate(context.life.companions):
        companion.take_up(part(tensors, f"kept{index}"), phenotype, context)


def learning_of(tensors: State) -> Mapping[str, Any]:
    """Return the states of the loop, on the CPU."""
    content = io.BytesIO(tensors[LEARNING].cpu().numpy().tobytes())
    states: Mapping[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    return states


def _written(learning: Mapping[str, Any]) -> Tensor:
    content = io.BytesIO()
    torch.save(dict(learning), content)
    return torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)
