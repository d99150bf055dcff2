"""Recurrences: layers that torch takes apart step by step, seen as one operation each.

Step by step they are some ten operations for every position of a sequence, in which a layer's
weights are used over and over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from evoframe.anatomy.trace.beside import MAKES, made_beside

WHOLE: frozenset[Callable[..., Any]] = frozenset(
    {
        torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu,
        torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell, torch.rnn_relu_cell,
        torch._VF._pad_packed_sequence,  # noqa: SLF001  a public function calls it
    }
)  # fmt: skip
"""What is not taken apart."""


class WholeRecurrences(TorchFunctionMode):
    """Lets modes that see every dispatched operation see these as a whole."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in MAKES and (made := made_beside(func, args, kwargs or {})) is not None:
            return made
        if func not in WHOLE:
            return func(*args, **(kwargs or {}))
        # Below the layer of gradients, operations are shown before they are taken apart.
        with torch._C._AutoDispatchBelowAutograd():  # noqa: SLF001  torch has no public way
            return func(*args, **(kwargs or {}))


def sequences(gates: int, inputs: Any, *rest: Any) -> Any:
    """Return the outputs of layers on the meta device, where no step need be taken to know them.

    Args:
        gates: how many rows of a weight a unit has.
        inputs: a batch of sequences.
        rest: what the operation takes besides.

    Returns:
        None where torch itself should be asked: packed sequences, and what it would refuse.
    """
    if len(rest) != 8 or not isinstance(inputs, Tensor) or inputs.ndim != 3:
        return None
    states, weights, biased, count, _, _, both, batch_first = rest
    given, directions = [states] if isinstance(states, Tensor) else list(states), 1 + bool(both)
    if not _are_plain(inputs, *given, *weights) or min(inputs.shape) < 1:
        return None
    units, outs = weights[0].shape[0] // gates, given[0].shape[-1]
    batch, steps = inputs.shape[:2] if batch_first else inputs.shape[1::-1]
    due: list[tuple[int, ...]] = []
    due += [(count * directions, batch, size) for size in (outs, units)[: len(given)]]
    for layer in range(count):
        size = outs * directions if layer else inputs.shape[2]
        due += _weights(gates, size, units, outs, biased=biased) * directions
    if [tuple(one.shape) for one in (*given, *weights)] != due:
        return None
    made = inputs.new_empty(steps, batch, outs * directions)
    return made.transpose(0, 1) if batch_first else made, *(
        one.new_empty(one.shape) for one in given
    )


def _are_plain(*values: Tensor) -> bool:
    kind = values[0].dtype
    return kind.is_floating_point and all(one.is_meta and one.dtype == kind for one in values)


def _weights(
    gates: int, size: int, units: int, outs: int, *, biased: bool
) -> list[tuple[int, ...]]:
    """Return the shapes that the weights of one layer and direction must have, in order."""
    rows = gates * units
    # What an LSTM gives is narrower than its units where it is a projection of them.
    projection = [(outs, units)] if outs != units else []
    return [(rows, size), (rows, outs), *[(rows,)] * (2 * biased), *projection]
