"""One example: the arguments of a network for the first example of a batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from evoframe.errors import TaskError
from evoframe.kernel.key import untouched
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.nested import rows
from evoframe.roles import Batch
from evoframe.strategies.task.reading import SAY, Reading


def first_example(
    reading: Reading, network: nn.Module, batch: Batch, size: int | None
) -> Arguments:
    """Return the arguments of a network for the first example of a batch.

    The targets are left out if the network runs without them, as it will where it is used.

    Raises:
        TaskError: they cannot be told from a batch.
    """
    if callable(reading.forward):
        return _one(_called_with(reading.forward, network, batch), size)
    given = _one(reading.arguments(batch, with_targets=False), size)
    if reading.gives_loss and not _runs(network, given):
        return _one(reading.arguments(batch, with_targets=True), size)
    return given


def taught_example(reading: Reading, batch: Batch, size: int | None) -> Arguments | None:
    """Return the first example with its targets, if the network computes its loss of them."""
    if callable(reading.forward) or not reading.gives_loss:
        return None
    return _one(reading.arguments(batch, with_targets=True), size)


def _one(given: Arguments, size: int | None) -> Arguments:
    """Return arguments for the first example; the first along each first axis if size is None."""
    if size is None:
        return given.mapped(lambda one: one[:1] if one.ndim else one)
    first = torch.tensor([0])
    kwargs = {name: rows(one, first, size) for name, one in given.kwargs.items()}
    return Arguments(tuple(rows(one, first, size) for one in given.args), kwargs)


def _called_with(
    forward: Callable[[nn.Module, Batch], Any], network: nn.Module, batch: Batch
) -> Arguments:
    """Return the arguments with which a function calls the network first.

    Raises:
        TaskError: it does not call it.
    """
    seen: list[Arguments] = []
    twin, error = duplicate(network).cpu().eval(), ""
    twin.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(Arguments(args, kwargs)), with_kwargs=True
    )
    try:
        with untouched(), torch.no_grad():
            forward(twin, batch)
    except Exception as raised:  # noqa: BLE001  whatever it says is told, unless it has called before
        error = f": it raised {type(raised).__name__}: {' '.join(str(raised).split())[:200]}"
    if not seen:
        raise TaskError(
            f"forward= of evoframe.task does not call the network{error}. Wanted a function of the "
            "network and a batch, such as lambda network, batch: network(batch['image']); or say "
            "example_inputs=."
        )
    return seen[0]


def _runs(network: nn.Module, given: Arguments) -> bool:
    try:
        with untouched(), torch.no_grad():
            given.call(duplicate(network).cpu().eval())
    except Exception:  # noqa: BLE001  it may need what was left out
        return False
    return True


def require_taken(network: nn.Module, given: Arguments) -> None:
    """Refuse keywords that a network does not take.

    Raises:
        TaskError: which.
    """
    try:
        known = inspect.signature(network.forward).parameters
    except (TypeError, ValueError):
        return
    if any(one.kind is one.VAR_KEYWORD for one in known.values()):
        return
    if others := [name for name in given.kwargs if name not in known]:
        raise TaskError(
            f"a batch gives the network {', '.join(map(repr, others))}, which it does not take; it "
            f"takes {', '.join(map(repr, known))}. {SAY}"
        )
