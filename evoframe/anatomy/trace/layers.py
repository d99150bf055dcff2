"""Layers: the channels at both ends of every synapse of a parameter."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.replacements import HeadwiseAttention
from evoframe.anatomy.rules import Unknown

PRODUCTS = frozenset({"mm", "addmm", "bmm"})
"""Operations that are given a matrix as it is; others transpose it."""


@attrs.frozen(eq=False)
class Layer:
    """One use of a parameter that holds a weight for every synapse.

    Attributes:
        name: of the parameter.
        weight: the parameter itself.
        groups: into how many parts both ends are divided; synapses stay inside a part.
        transposed: whether rows of the weight read and its columns write.
        out_axis: the axis of the weight along which outputs lie.
        channel_axis: the axis of the layer's input and output along which channels lie.
    """

    name: str
    weight: Tensor
    groups: int
    transposed: bool
    out_axis: int
    channel_axis: int

    @classmethod
    def of(
        cls, call: Call, inputs: Tensor, name: str, weight: Tensor, axes: tuple[int, ...]
    ) -> Layer:
        """Return the layer of a call.

        Args:
            call: a convolution or a product.
            inputs: what the layer reads.
            name: of its parameter.
            weight: the parameter.
            axes: for each axis of the call's weight the parameter's; a linear layer transposes it.

        Raises:
            Unknown: inputs and outputs lie along other axes of the parameter than the first two.
        """
        convolves = call.name == "convolution"
        # A matrix on the right, (inputs, outputs), weighs the last axis of what is
        # on its left; one on the left, (outputs, inputs), the rows of the other.
        left = call.name in PRODUCTS and inputs is not call.args[int(call.name == "addmm")]
        transposed = bool(call.args[6]) if convolves else False
        groups = int(call.args[8]) if convolves else 1
        if set(axes[:2]) != {0, 1} or (groups > 1 and axes[0] != 0):
            raise Unknown("the axes of a layer's weight are moved in a way that is not followed")
        # A product is given its weight as (inputs, outputs), a transposed convolution too.
        return cls(
            name=name,
            weight=weight,
            groups=groups,
            transposed=transposed,
            out_axis=axes[int(not left)] if call.name in PRODUCTS else axes[int(transposed)],
            channel_axis=1 if convolves else inputs.ndim - 1 - int(left),
        )

    @property
    def outputs(self) -> int:
        """How many output channels it has; each group of a transposed one has its own columns."""
        return self.weight.shape[self.out_axis] * (self.groups if self.transposed else 1)

    def ends(self, incoming: Tensor, outgoing: Tensor) -> tuple[Tensor, Tensor]:
        """Return the channels that synapses read and write, broadcastable to the weight.

        Args:
            incoming: the channels of the input, (inputs,).
            outgoing: the channels of the output, (outputs,).
        """
        if self.groups == 1:
            shapes = [[1] * self.weight.ndim, [1] * self.weight.ndim]
            shapes[0][1 - self.out_axis], shapes[1][self.out_axis] = -1, -1
            return incoming.reshape(shapes[0]), outgoing.reshape(shapes[1])
        # A weight (rows, columns, ...) of G groups stands for G blocks below each other: a row
        # belongs to the group of its number, and its columns are those of that group's part.
        tail = [1] * (self.weight.ndim - 2)
        rows = torch.arange(self.weight.shape[0]) // (self.weight.shape[0] // self.groups)
        if self.transposed:
            outs = outgoing.reshape(self.groups, -1)[rows]
            return incoming.reshape(-1, 1, *tail), outs.reshape(*outs.shape, *tail)
        ins = incoming.reshape(self.groups, -1)[rows]
        return ins.reshape(*ins.shape, *tail), outgoing.reshape(-1, 1, *tail)


def holds_its_width(network: nn.Module, name: str) -> bool:
    """Tell whether a parameter belongs to attention that takes its inner width for its outer."""
    owner = network.get_submodule(name.rpartition(".")[0])
    return isinstance(owner, nn.MultiheadAttention) and not isinstance(owner, HeadwiseAttention)


def incoming_of(
    channels: Channels, signal: Tensor | None, inputs: Tensor, axis: int, *, zero: bool = False
) -> Tensor:
    """Return one channel for each position of the axis that a layer sums over.

    Args:
        channels: all of them so far; grows where channels are read together.
        signal: of the inputs, if they carry channels.
        inputs: what the layer reads.
        axis: along which it sums.
        zero: whether the inputs are nothing but zeros, as a first state is: nobody writes them.

    Raises:
        Unknown: the channels lie along other axes.
    """
    size = inputs.shape[axis]
    if signal is None and zero:
        return channels.new(size, fed=False)
    if signal is None:  # inputs of the network, or something computed from them alone
        new = channels.new(size, fed=True)
        channels.keep(new)
        return new
    if signal.shape[axis] != size and signal.numel() > 1:
        raise Unknown("a layer sums over an axis without channels")
    if signal.shape[axis] != size:  # one channel stands at all positions
        channels.keep(signal)
        return signal.reshape(-1).expand(size)
    rows = signal.movedim(axis, 0).reshape(size, -1)
    if rows.shape[1] == 1:
        return rows[:, 0]
    # (size, others): channels vary along other axes too, and whichever lives is read.
    return channels.derive(list(rows.unbind(1)))


def bind_groups(
    network: nn.Module, channels: Channels, layer: Layer, incoming: Tensor, outgoing: Tensor
) -> None:
    """Let groups of a layer go as a whole, or lose the same positions in each."""
    ins, outs = incoming.reshape(layer.groups, -1), outgoing.reshape(layer.groups, -1)
    counted = channels.count_by(network, layer.name.rpartition(".")[0], "groups", ins, 0)
    if ins.shape[1] == 1 and outs.shape[1] == 1:  # depthwise: a channel in, the same one out
        channels.ties.append((ins.reshape(-1), outs.reshape(-1)))
        return
    fixed = () if counted else (0,)  # else their number is written somewhere in the code
    # A row for each group, inputs left and outputs right: all lose the same columns of a side.
    parts = (ins.shape[1], outs.shape[1])
    channels.grids.append(Grid(torch.cat([ins, outs], 1), fixed, parts))


def hold_weight(channels: Channels, name: str, ins: Tensor, outs: Tensor) -> None:
    """Let the weight of a layer that does not evolve lose rows and columns with channels."""
    for signal in (ins, outs):
        if len(varying(signal)) > 1:  # a group's columns: no slice of them belongs to one
            channels.keep(signal)
        for axis in varying(signal):
            if len(varying(signal)) == 1:
                channels.hold(name, axis, signal)
