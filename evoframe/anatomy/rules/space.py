"""Operations along the axes of space, on each channel alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.meeting import Term, lifted, multiplied
from evoframe.anatomy.rules.operands import admit, require_spread
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d",
    "upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_nearest_exact2d",
    "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
    "_upsample_nearest_exact1d", "_upsample_nearest_exact3d",
    "reflection_pad1d", "reflection_pad2d", "reflection_pad3d",
    "replication_pad1d", "replication_pad2d", "replication_pad3d",
)  # fmt: skip
def spatial(tracer: Tracer, call: Call) -> Signal:
    """Acts along the last axes of a batch, on each channel alone."""
    signal = required(tracer.signal(call.args[0]))
    dimensions = next(int(digit) for digit in call.name if digit.isdigit())
    over_channels = varying(signal) == (signal.ndim - dimensions,)
    if tracer.approximate and over_channels and call.name in ("avg_pool2d", "avg_pool3d"):
        return _neighbours(call, signal, signal.ndim - dimensions)
    # Inputs come with or without a batch, so the axes of space are counted from the last.
    if any(axis >= signal.ndim - dimensions for axis in varying(signal)):
        raise Unknown("space and channels are mixed")
    return signal


def _neighbours(call: Call, signal: Tensor, axis: int) -> Tensor:
    """Return the channels in the middle of windows over channels, as of local response norm.

    Where some leave, others come into their windows, so what stays computes something else.
    """
    size = call.args[0].shape[axis] - call.out.shape[axis] + 1  # of a window that moves by ones
    return signal.narrow(axis, size // 2, call.out.shape[axis])


@rule("max_unpool2d", "max_unpool3d")
def unpooled(tracer: Tracer, call: Call) -> Signal:
    """Puts every number where the pooling that is undone had found it, in its own channel."""
    signal, places = required(tracer.signal(call.args[0])), tracer.signal(call.args[1])
    if places is None:
        require_spread(tracer, call.args[1], signal)
        return signal
    return multiplied(tracer, signal.ndim, [Term(None, signal), lifted(tracer, Term(None, places))])


@rule("grid_sampler_2d", "grid_sampler_3d")
def sampled(tracer: Tracer, call: Call) -> Signal:
    """Samples maps at other places, which are the same for all channels."""
    signal, places = (tracer.signal(one) for one in call.args[:2])
    if places is not None:  # two coordinates, which no network can do without
        tracer.channels.keep(places)
    if signal is not None and varying(signal) not in ((), (1,)):
        raise Unknown("space and channels are mixed")
    return signal


@rule("fractional_max_pool2d", "fractional_max_pool3d")
def pooled_at_random(tracer: Tracer, call: Call) -> Signal:
    """Pools regions that are drawn, or given, for each channel."""
    signal, samples = required(tracer.signal(call.args[0])), call.args[3]
    if varying(signal) not in ((), (1,)):
        raise Unknown("space and channels are mixed")
    if tracer.signal(samples) is not None:
        raise Unknown("channels decide where others are pooled")
    if samples.shape[1] > 1:  # (N, C, 2), where maps are (N, C, H, W)
        admit(tracer, samples, signal.reshape(1, -1, 1))
    return signal


@rule("channel_shuffle", "native_channel_shuffle")
def shuffled(tracer: Tracer, call: Call) -> Signal:
    """Takes turns between groups of channels, which all lose as many, at the same positions."""
    signal, groups = required(tracer.signal(call.args[0])), call.args[1]
    if signal.numel() == 1:
        return signal
    if varying(signal) != (1,):
        raise Unknown("space and channels are mixed")
    block = signal.reshape(groups, -1)
    tracer.channels.grids.append(Grid(block, fixed=(0,)))
    return block.t().reshape(signal.shape)


@rule("unfold")
def windows(tracer: Tracer, call: Call) -> Signal:
    """Windows along an axis without channels, as a new last axis."""
    signal = required(tracer.signal(call.args[0]))
    if call.args[1] % signal.ndim in varying(signal):
        raise Unknown("space and channels are mixed")
    return signal.unsqueeze(-1)


@rule("constant_pad_nd")
def padding(tracer: Tracer, call: Call) -> Signal:
    """Padding with zeros along other axes; along the channels' axis it adds channels that stay."""
    signal, pads = required(tracer.signal(call.args[0])), list(call.args[1])
    rank = signal.ndim  # pads come in pairs, before and after, from the last axis to the first
    padded = [rank - 1 - index // 2 for index, size in enumerate(pads) if size]
    if any(size < 0 for size in pads):
        raise Unknown("padding crops")
    value = call.argument(2, "value", 0)
    if not set(padded) & set(varying(signal)):
        return signal if value == 0 else tracer.channels.derive([signal], fed=True)
    # Shortcuts of early residual networks pad channels with zeros; anything else is unheard of.
    if value != 0 or set(padded) != set(varying(signal)):
        raise Unknown("channels are padded with something")
    (axis,) = set(padded)
    before, after = pads[2 * (rank - 1 - axis)], pads[2 * (rank - 1 - axis) + 1]
    pieces = [_zeros(tracer, before, signal, axis), signal, _zeros(tracer, after, signal, axis)]
    return torch.cat(pieces, axis)


def _zeros(tracer: Tracer, count: int, signal: Tensor, axis: int) -> Tensor:
    """Return channels that are always zero and cannot be removed."""
    channels = tracer.channels.new(count, fed=False)
    tracer.channels.keep(channels)
    return channels.reshape([-1 if at == axis else 1 for at in range(signal.ndim)])


@rule("im2col")
def unfolded(tracer: Tracer, call: Call) -> Signal:
    """Neighbourhoods as columns: every channel becomes as many rows as the kernel has positions."""
    signal = required(tracer.signal(call.args[0]))
    if varying(signal) not in ((), (1,)):
        raise Unknown("space and channels are mixed")
    # (N, C, H, W) -> (N, C * kernel positions, blocks); the rows of one channel follow each other.
    rows = signal.reshape(-1).repeat_interleave(math.prod(call.args[1]))
    return rows.reshape(1, -1, 1) if signal.numel() > 1 else signal.reshape(1, 1, 1)


@rule("col2im")
def folded(tracer: Tracer, call: Call) -> Signal:
    """The reverse: the rows of one channel are added up in space."""
    signal, positions = required(tracer.signal(call.args[0])), math.prod(call.args[2])
    if signal.numel() == 1:
        return signal.reshape(1, 1, 1, 1)
    if varying(signal) != (1,):
        raise Unknown("space and channels are mixed")
    # (C, kernel positions): a channel comes out for each row, derived from all in it.
    rows = signal.reshape(-1, positions)
    return tracer.channels.derive(list(rows.unbind(1))).reshape(1, -1, 1, 1)
