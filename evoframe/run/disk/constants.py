"""Constants: numbers of a network that no genotype holds, compared when a run is opened again.

A buffer that is not saved with a network, or a plain tensor in an attribute, is made by the
network's own code each time. Drawn at random, it is another one in every session, and so is each
individual that a run delivers. What the code computes may differ in its last bits from machine to
machine, so three numbers of each are on record, and are compared with some room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.errors import RunError
from evoframe.kernel.modules.entries import attributes_of, passing_of

CONSTANTS = "constants"
"""Their table within the record."""

NEAR = 1e-4
"""How far apart two numbers may be, relative to the length of the tensor."""

Marks = dict[str, list[float]]
"""Of each constant its length as a vector and what two others make of it."""


def marks_of(network: nn.Module) -> Marks:
    """Return the marks of all constants of a network, by name."""
    named = {**passing_of(network), **dict(_attributes(network))}
    return {name: _marks(value) for name, value in named.items() if value.numel()}


def differing(before: Mapping[str, Any], now: Marks) -> str | None:
    """Return the first constant that both have, with other values; None if there is none."""
    both = (name for name in before if name in now)
    return next((name for name in both if not _near(before[name], now[name])), None)


def require_equal(recorded: Mapping[str, Any], network: nn.Module, path: Path) -> None:
    """Refuse a network whose constants are not those of the run.

    What only one of them has is passed over: a forward pass may have left it behind.

    Args:
        recorded: the table ``[record]``.
        network: the ancestor, as its task made it now.
        path: the run.

    Raises:
        RunError: a constant has other values than the one on record.
    """
    name = differing(recorded.get(CONSTANTS, {}), marks_of(network))
    if name is not None:
        raise RunError(
            f"{path} was made with other values of {name!r}, which the network draws or computes "
            "anew and no genotype holds, so its individuals would compute something else here. "
            "Make it from a fixed seed, or register it as a persistent buffer and start a new run."
        )


def _attributes(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield plain tensors in attributes, by name, that no pass has computed."""
    for name, value in attributes_of(network, made_anew=False):
        if value.is_leaf and not value.is_meta:
            yield name, value


def _marks(value: Tensor) -> list[float]:
    values = value.detach().cpu()
    values = torch.view_as_real(values) if values.is_complex() else values
    flat = values.to_dense().double().reshape(-1).nan_to_num(nan=3.0, posinf=2.0, neginf=-2.0)
    places = torch.arange(len(flat), dtype=torch.float64)
    others = ((0.7 * places + 0.3).cos(), (1.9 * places + 0.1).sin())
    return [float(flat.norm()), *(float(flat @ one) for one in others)]


def _near(before: Any, now: list[float]) -> bool:
    if not isinstance(before, list) or len(before) != len(now):
        return False
    room = NEAR * max(abs(now[0]), 1e-12)
    return all(abs(float(one) - other) <= room for one, other in zip(before, now, strict=True))
