"""Rule: what one ATen operation does to channels.

A rule gets the call and returns the signal of its (first) output; a list of signals for an
operation with several outputs; None when the output carries no channel. It raises
:class:`Unknown` with a reason when it cannot tell, and is never asked to guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.made import Made


class Unknown(Exception):  # noqa: N818  it is a finding rather than an error
    """What an operation does to channels is not known; the message says why."""


class Even(Protocol):
    """What rules may ask of tensors that hold one number everywhere, or repeat along axes."""

    def along(self, value: Tensor, axis: int) -> bool:
        """Tell whether a tensor is the same at all positions of an axis."""

    def value(self, value: Any) -> float | None:
        """Return the number that a tensor holds everywhere: NaN if unknown; None if it may not."""


class Entries(Protocol):
    """What rules may ask of tensors that carry no channels."""

    @property
    def even(self) -> Even:
        """Tensors that are the same everywhere."""

    def made(self, value: Any) -> Made | None:
        """Return the entries of which each slice of a tensor was made; itself, if it is one."""

    def size(self, entry: str, axis: int) -> int:
        """Return the length of an axis of an entry."""

    def matrix(self, value: Any, first: int) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that an operation is given as its weight, with its axes in order."""

    def rows(self, value: Any) -> object | None:
        """Return the rows of an entry that a tensor is; None if it is something else."""


class Tracer(Protocol):
    """What rules may ask of the forward pass that is traced, and tell it."""

    channels: Channels
    approximate: bool

    @property
    def entries(self) -> Entries:
        """Parameters and buffers, and what is made of them."""

    def signal(self, value: Any) -> Tensor | None:
        """Return the signal of a tensor; None if it carries no channel."""

    def entry(self, value: Any) -> tuple[str, tuple[int, ...]] | None:
        """Return the entry that a tensor is, with the entry's axis for each of its own."""

    def stop(self, call: Call, reason: str) -> None:
        """Put on record that a call is a barrier, and where it was made."""

    def layer(self, call: Call, inputs: Tensor, weight: Tensor, bias: Any) -> Tensor | None:
        """Return the output channels of a layer with synapses."""

    def incoming(self, inputs: Tensor, axis: int) -> Tensor | None:
        """Return one channel for each position of an axis; None if inputs carry no channel."""

    def recurrence(
        self, incoming: Tensor | None, weights: Sequence[Tensor], *, biased: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the units of a recurrent layer, and the channels that it gives."""

    def table(self, name: str, axis: int) -> Tensor:
        """Return the channels of the columns of a table whose rows are looked up."""

    def counts_here(self, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of the module that runs count an axis; tell whether it has it."""

    def idle_width(self) -> tuple[str, int] | None:
        """Return the attribute and the axis of the channels that a running idle layer gives."""

    def counts_in(self, entry: str, attribute: str, signal: Tensor, axis: int) -> bool:
        """Let an attribute of an entry's module count an axis; tell whether it has it."""


Signal = Tensor | list[Tensor | None] | None
Rule = Callable[[Tracer, Call], Signal]
RULES: dict[str, Rule] = {}
"""Every rule by the name of its operation; filled when the files of this folder are imported."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of operations."""

    def register(function: Rule) -> Rule:
        assert not (twice := RULES.keys() & set(names)), f"two rules for {sorted(twice)}"
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def required(signal: Tensor | None) -> Tensor:
    """Return the signal of an operand that must have one for its rule to hold."""
    if signal is None:
        raise Unknown("a channel enters as a parameter of the operation")
    return signal
