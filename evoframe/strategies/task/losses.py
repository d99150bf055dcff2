"""Losses: one function, one for each of several outputs, or what the network computes itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isclass
from typing import Any

import attrs
from torch import Tensor

from evoframe.errors import TaskError
from evoframe.strategies.task.reading import Entry, described, entry_of

Loss = Callable[[Any, Any], Tensor]
"""Takes outputs and targets; returns a scalar with its graph."""


@attrs.frozen
class Losses:
    """The sum of losses, each over one entry of outputs and the same entry of targets."""

    functions: Mapping[Entry, Loss]

    def __call__(self, outputs: Any, targets: Any) -> Any:
        """Return the sum over all entries."""
        return sum(
            function(entry_of(outputs, name), entry_of(targets, name))
            for name, function in self.functions.items()
        )


def own_loss(outputs: Any, _targets: Any) -> Tensor:
    """Return the loss that a network has computed: the entry ``loss`` of its outputs.

    Outputs without names have it first, and a network may return nothing but its loss.

    Raises:
        TaskError: there is none.
    """
    found = outputs
    if isinstance(outputs, Mapping):
        found = outputs.get("loss")
    elif hasattr(outputs, "loss"):
        found = outputs.loss
    elif isinstance(outputs, tuple | list) and outputs:
        found = outputs[0]
    if isinstance(found, Tensor) and found.ndim == 0:
        return found
    raise TaskError(
        f"the network computes no loss: its outputs are {described(outputs)}, and without loss= "
        "evoframe.task wants a scalar 'loss' among them. Give loss=a function of outputs and "
        "targets, or let batches hold the 'labels' that the network computes it from."
    )


def loss_of(given: Any) -> Loss:
    """Return the loss that was asked for; None stands for the network's own.

    Raises:
        TaskError: it is no function, and no mapping of functions.
    """
    if given is None:
        return own_loss
    if isinstance(given, Mapping) and given and all(callable(one) for one in given.values()):
        return Losses(dict(given))
    if isclass(given):
        raise TaskError(
            f"evoframe.task(loss=...) was given the class {given.__name__}; wanted one of its "
            f"objects, as in loss={given.__name__}()."
        )
    if callable(given):
        return given  # type: ignore[no-any-return]
    raise TaskError(
        f"evoframe.task(loss=...) was given a {type(given).__name__}; wanted a function of outputs "
        "and targets, or a mapping of such functions by the entries that they are about."
    )
