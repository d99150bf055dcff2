"""Rows that are moved, added up or written over by their numbers, as messages in a graph are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from evoframe.anatomy.channels.calls import Call
from evoframe.anatomy.channels.signals import narrowed, ranked, varying
from evoframe.anatomy.rules.meeting import Term, lifted, multiplied, summed, term
from evoframe.anatomy.rules.operands import require_spread
from evoframe.anatomy.rules.rule import Signal, Tracer, Unknown, required, rule


@rule("gather")
def gathered(tracer: Tracer, call: Call) -> Signal:
    """Takes rows by their numbers, which are the same for all channels or go with them."""
    signal = required(tracer.signal(call.args[0]))
    _require_rows(signal, call.args[1])
    index = tracer.signal(call.args[2])
    if index is None:
        require_spread(tracer, call.args[2], signal)
        return signal
    return multiplied(tracer, signal.ndim, [Term(None, signal), lifted(tracer, Term(None, index))])


@rule("scatter", "scatter_add", "scatter_reduce")
def scattered(tracer: Tracer, call: Call) -> Signal:
    """Puts rows at their places, or adds them up there: lives while old or new ones do."""
    target, (axis, index, source) = call.args[0], call.args[1:4]
    terms = [term(tracer, target), term(tracer, source)]
    met = required(summed(tracer, call.out.ndim, terms))
    _require_rows(met, axis)
    if (places := tracer.signal(index)) is not None:
        return multiplied(tracer, met.ndim, [Term(None, met), lifted(tracer, Term(None, places))])
    require_spread(tracer, index, met)
    return met


@rule("index_add", "index_copy", "index_reduce", "index_fill")
def by_numbers(tracer: Tracer, call: Call) -> Signal:
    """The same with one number for each row."""
    target, (axis, index, source) = call.args[0], call.args[1:4]
    if tracer.signal(index) is not None:
        raise Unknown("channels decide which rows are written")
    met = required(summed(tracer, call.out.ndim, [term(tracer, target), term(tracer, source)]))
    _require_rows(met, axis)
    return met


@rule("index_put", "_index_put_impl", "_unsafe_index_put")
def put(tracer: Tracer, call: Call) -> Signal:
    """Writes or adds rows, by numbers or by a condition; or a number where channels meet one."""
    target, (indices, values) = call.args[0], call.args[1:3]
    known, source = tracer.signal(target), tracer.signal(values)
    indices = list(indices)
    if len(indices) == 1 and _is_condition(indices[0]) and indices[0].ndim == target.ndim:
        return _where(tracer, target, indices[0], values)
    if any(tracer.signal(one) is not None for one in indices if one is not None):
        raise Unknown("channels decide which rows are written")
    # Signals are aligned from the last axis, so the channels must lie behind all that is indexed.
    first = _behind(indices)
    for signal, rank in ((known, target.ndim), (source, values.ndim)):
        if signal is not None and any(
            axis - rank + target.ndim < first for axis in varying(signal)
        ):
            raise Unknown("channels are written by their positions, or by a condition")
    return summed(tracer, target.ndim, [term(tracer, target), _last(tracer, values, target.ndim)])


def _last(tracer: Tracer, values: Tensor, rank: int) -> Term:
    """Return a term of the rank of the whole for what is written; its front axes are rows."""
    signal = tracer.signal(values)
    if signal is None:
        return Term(values, None)
    front = signal.ndim - rank
    return Term(None, signal.reshape(signal.shape[front:]) if front > 0 else ranked(signal, rank))


def _behind(indices: list[Tensor | None]) -> int:
    """Return the number of first axes that are indexed, or lie between those that are."""
    rank = 0
    for at, one in enumerate(indices):
        if one is not None:
            rank = at + 1
    conditions = sum(one.ndim - 1 for one in indices if one is not None and _is_condition(one))
    return rank + conditions


def _is_condition(index: Any) -> bool:
    return isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)


def _where(tracer: Tracer, target: Tensor, condition: Tensor, values: Tensor) -> Signal:
    """Return the signal of ``x[x < 0] = number``."""
    if values.numel() != 1 or tracer.signal(values) is not None:
        raise Unknown("what is written where channels meet a condition is no number")
    terms = [term(tracer, target), lifted(tracer, term(tracer, condition))]
    met = required(multiplied(tracer, target.ndim, terms))
    zero = tracer.entries.even.value(values) == 0
    return met if zero else tracer.channels.derive([met], fed=True)


@rule("slice_scatter", "select_scatter")
def part_written(tracer: Tracer, call: Call) -> Signal:
    """Writes a part along an axis without channels: lives while old or new ones do."""
    target, source = (tracer.signal(one) for one in call.args[:2])
    axis = call.argument(2, "dim", 0) % call.out.ndim
    if call.name == "select_scatter" and source is not None:
        source = source.unsqueeze(axis)
    if source is None and call.args[1].numel() > 1:
        require_spread(tracer, call.args[1], required(target))
    met = required(
        summed(tracer, call.out.ndim, [Term(call.args[0], target), Term(call.args[1], source)])
    )
    _require_rows(met, axis)
    return met


@rule("index", "index_select", "_unsafe_index")
def looked_up(tracer: Tracer, call: Call) -> Signal:
    """Takes places by their numbers, along axes without channels."""
    signal = required(tracer.signal(call.args[0]))
    if call.name == "index_select":
        if tracer.signal(call.args[2]) is not None:
            raise Unknown("channels decide what is taken")
        _require_rows(signal, call.args[1])
        return signal
    indices = list(call.args[1])
    if any(tracer.signal(one) is not None for one in indices if one is not None):
        raise Unknown("channels decide what is taken")
    for axis, index in enumerate(indices):
        # A condition takes as many positions as its
        # contents say, and on meta there are no contents.
        if index is not None and (axis in varying(signal) or index.dtype == torch.bool):
            raise Unknown("channels are taken by their positions, or by a condition")
    # Which positions are taken does not matter, since no channel varies along them: the first is.
    zeros = [None if one is None else torch.zeros(one.shape, dtype=torch.long) for one in indices]
    return narrowed(call.func(signal.expand(call.args[0].shape), zeros))


def _require_rows(signal: Tensor, axis: int) -> None:
    """Refuse a signal that varies along the axis on which rows are numbered."""
    if axis % signal.ndim in varying(signal):
        raise Unknown("channels are taken by their positions")
