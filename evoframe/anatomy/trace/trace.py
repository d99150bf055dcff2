"""Trace: what forward passes have shown of a network.

What there is thousands of are named tuples, which are made several times as quickly as other
frozen values; making them is a good part of what a survey costs.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.trace.flow import Flow
from evoframe.anatomy.trace.values import Answer
from evoframe.kernel.modules.arguments import Arguments


@attrs.frozen
class Barrier:
    """Where channels are kept because what happens to them is not understood.

    Attributes:
        operation: the ATen operation, the module, or what stopped the survey.
        reason: what it does to channels.
        module: the name of the module that ran, where this was first seen; "" if that is not told.
        line: the line of the code that was reached there, ``file:number``; "" if it is not told.
    """

    operation: str
    reason: str
    module: str = attrs.field(default="", eq=False)
    line: str = attrs.field(default="", eq=False)

    @property
    def what(self) -> str:
        """The operation, with the module and the line where it was first seen, if they are told."""
        words = [
            self.operation,
            self.module and f"in {self.module}",
            self.line and f"at {self.line}",
        ]
        return " ".join(word for word in words if word)


class Asleep(NamedTuple):
    """What writes channels with a weight that does not evolve.

    Attributes:
        name: of the parameter.
        outputs: the channels that it writes.
        is_table: whether its rows are looked up; else it is a layer.
    """

    name: str
    outputs: Tensor
    is_table: bool = False


class Result(NamedTuple):
    """A tensor that came out of a call.

    Attributes:
        shape: in the ancestor.
        signal: the channels that it carries; None if it carries none.
    """

    shape: torch.Size
    signal: Tensor | None


class RecordedCall(NamedTuple):
    """A call that a smaller network must make as well, with smaller tensors.

    Attributes:
        results: the tensors that came out.
        numbers: the plain numbers that went into arithmetic; they may not depend on widths.
        given: the shapes of tensors that are the same in smaller networks; empty if any will do.
    """

    results: tuple[Result, ...]
    numbers: tuple[float, ...]
    given: tuple[torch.Size, ...] = ()


class Operand(NamedTuple):
    """A tensor that goes into a multiplication, or comes out, as far as its shape goes.

    Attributes:
        shape: in the ancestor.
        signal: the channels that it carries, if any.
        entry: the parameter or buffer that it is, if it is one.
        axes: for each axis the axis of that entry; None for one that is none of them.
    """

    shape: tuple[int, ...]
    signal: Tensor | None = None
    entry: str = ""
    axes: tuple[int | None, ...] = ()


class Work(NamedTuple):
    """A call that multiplies and adds.

    Attributes:
        operation: its name in :data:`evoframe.costs.flops.FORMULAS`.
        operands: the tensors that go in.
        result: the tensor that comes out.
    """

    operation: str
    operands: tuple[Operand, ...]
    result: Operand


@attrs.frozen(eq=False)
class Pass:
    """One forward pass.

    Attributes:
        inputs: the arguments of the network, on its device.
        training: whether the network was in training mode.
        calls: what was called, in order; empty if nothing is known of its channels.
        work: the multiplications and additions among them, known or not.
        warns: whether the network warned of anything.
        answers: what its questions for values were answered.
    """

    inputs: Arguments
    training: bool
    calls: tuple[RecordedCall, ...]
    work: tuple[Work, ...]
    warns: bool = True
    answers: tuple[Answer, ...] = ()


@attrs.frozen(eq=False)
class Trace:
    """All that forward passes of a network have shown.

    Attributes:
        channels: all channels with their ties and grids.
        sources: channel that each synapse reads, by parameter.
        targets: channel that each synapse writes, by parameter.
        passes: the forward passes; none if the network does not run on the meta device.
        barriers: where channels are kept, and why.
        flow: which calls need which, where blocks are looked for.
        asleep: layers and tables that do not evolve.
    """

    channels: Channels
    sources: dict[str, Tensor]
    targets: dict[str, Tensor]
    passes: tuple[Pass, ...]
    barriers: tuple[Barrier, ...]
    flow: Flow | None = None
    asleep: tuple[Asleep, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """The lines of code that ask for values, which may be other ones for other inputs."""
        return tuple(dict.fromkeys(a.where for one in self.passes for a in one.answers))

    @property
    def knows_channels(self) -> bool:
        """Whether anything was learned; if not, nothing can ever be cut."""
        return any(one.calls for one in self.passes)
