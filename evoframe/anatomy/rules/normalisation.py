"""Norms and softmax: exact where each channel is normalised by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.grid import Grid
from evoframe.anatomy.channels.signals import varying
from evoframe.anatomy.rules.blocks import fix, mixed, within
from evoframe.anatomy.rules.operands import hold_all
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule(
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
)  # fmt: skip
def batch_norm(tracer: Tracer, call: Call) -> Signal:
    """Each channel by itself; its parameters and statistics belong to it."""
    signal = required(tracer.signal(call.args[0]))
    if varying(signal) not in ((), (1,)):
        raise Unknown("batch norm over an axis that carries other channels")
    if tracer.entry(call.args[3]) is None and call.args[0].shape[0] == 1:
        _count_features(tracer, signal)
    # Weight, bias, running mean, running variance: (C,) each, or None.
    at_rest = [
        hold_all(tracer, one, signal) if isinstance(one, Tensor) else 0.0 for one in call.args[1:5]
    ]
    return signal if at_rest[1] == 0 == at_rest[2] else tracer.channels.derive([signal], fed=True)


def _count_features(tracer: Tracer, signal: Tensor) -> None:
    """Let the number of features of an instance norm follow, which folds examples into channels."""
    row = signal.reshape(-1)[: len(torch.unique(signal))]
    tracer.counts_here("num_features", row.reshape(1, -1), 1)


@rule("native_group_norm")
def group_norm(tracer: Tracer, call: Call) -> Signal:
    """Mixes the channels of a group, so groups leave as a whole, and their number follows."""
    signal, groups = required(tracer.signal(call.args[0])), call.args[6]
    if varying(signal) not in ((), (1,)):
        raise Unknown("group norm over an axis that carries other channels")
    block = signal.reshape(groups, -1) if signal.numel() > 1 else signal.reshape(1, 1)
    mixes = block.shape[1] > 1
    if mixes and tracer.approximate:  # each group loses as many channels, and their number stays
        tracer.channels.grids.append(Grid(block, fixed=(0,)))
    elif mixes and groups == 1:
        raise Unknown("group norm mixes all channels in one group")
    elif not _counts_groups(tracer, call.args[1], block):
        if mixes:
            raise Unknown("group norm mixes the channels of a group, and their number stays")
        tracer.channels.keep(signal)  # their number is written somewhere in the code
    elif mixes:
        tracer.channels.grids.append(Grid(block, fixed=(1,)))
    at_rest = [hold_all(tracer, one, signal) for one in call.args[1:3] if isinstance(one, Tensor)]
    if not mixes or (len(at_rest) == 2 and at_rest == [0.0, 0.0]):  # scaled by nothing
        return signal
    return _mixed(tracer, block).reshape(signal.shape)


def _counts_groups(tracer: Tracer, weight: Any, block: Tensor) -> bool:
    """Let the module's number of groups follow its channels; tell whether it has one to follow."""
    found = tracer.entry(weight)
    if found is not None and tracer.counts_in(found[0], "num_groups", block, 0):
        return True
    return tracer.counts_here("num_groups", block, 0)


def _mixed(tracer: Tracer, block: Tensor) -> Tensor:
    """Return channels that are no zero while anything in their row is none."""
    rows = [block.roll(places, 1) for places in range(block.shape[1])]
    return tracer.channels.derive(rows)


@rule("native_layer_norm", "_fused_rms_norm")
def layer_norm(tracer: Tracer, call: Call) -> Signal:
    """Mixes what it normalises over, which stays; channels along other axes pass."""
    signal = required(tracer.signal(call.args[0]))
    # The last so many axes are averaged over together.
    over = len(call.args[1])
    if not any(axis >= signal.ndim - over for axis in varying(signal)):
        # Each channel is normalised by itself, over positions. Its shift makes a dead one live.
        return tracer.channels.derive([signal], fed=True)
    normalised = range(signal.ndim - over, signal.ndim)
    if within(signal, normalised):
        return _within_blocks(tracer, signal, normalised)
    if not tracer.approximate:
        raise Unknown("a norm mixes the channels that it normalises over")
    # Weights of (C, H, W) have no axis that is the channels' alone.
    if over > 1 or len(varying(signal)) > 1:
        raise Unknown("a norm mixes channels along several axes")
    for value in call.args[2:4]:
        if isinstance(value, Tensor):
            hold_all(tracer, value, signal)
    return signal


@rule("_softmax", "_safe_softmax", "_log_softmax")
def softmax(tracer: Tracer, call: Call) -> Signal:
    """Mixes along one axis, along which no channel may leave; what comes out is never zero."""
    signal = required(tracer.signal(call.args[0]))
    if within(signal, [call.args[1] % signal.ndim]):
        return _within_blocks(tracer, signal, [call.args[1] % signal.ndim])
    if call.args[1] % signal.ndim in varying(signal):
        raise Unknown("softmax mixes channels")
    return tracer.channels.derive([signal], fed=True)


def _within_blocks(tracer: Tracer, signal: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the signal of heads each of which is normalised by itself, over its dimensions."""
    fix(tracer, signal, axes)
    whole = mixed(tracer, signal, axes)  # each result reads all that was normalised with it
    return tracer.channels.derive([signal, whole.expand(signal.shape)], fed=True)
