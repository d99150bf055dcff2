"""Texts: values that a run keeps for strategies, as text from which the same values are read.

JSON, in which arrays and tensors stand as their bytes. What is read is equal in every bit to what
was written, whatever machine reads it; tuples come back as lists, and tensors on the CPU.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoframe.errors import ContractError

ARRAY, TENSOR = "__array__", "__tensor__"
"""Under which name a kind of numbers stands in a text, with shape and bytes."""

KINDS = "biuf"
"""Kinds of numbers that arrays may hold, as NumPy calls them: bools, whole numbers, floats."""

DEPTH = 32
"""How deep lists and tables may lie in each other."""


def text_of(value: Any, what: str) -> str:
    """Return a value as text.

    Args:
        value: numbers, texts, bools, None, arrays, tensors, and lists and tables of those.
        what: it is, for people.

    Raises:
        ContractError: it holds something else: what, and what is possible.
    """
    return json.dumps(_plain(value, what, DEPTH), sort_keys=True)


def value_of(text: str) -> Any:
    """Return the value that was written as a text, made of objects of its own.

    Raises:
        ValueError, TypeError, KeyError: it is no such text.
    """
    return json.loads(text, object_hook=_opened)


def plain_number(value: Any) -> bool | int | float | None:
    """Return a number of Python, NumPy or torch as Python's own; None if it is no single number."""
    if isinstance(value, Tensor | np.ndarray) and not value.ndim:
        value = value.item()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else None


def _plain(value: Any, what: str, depth: int) -> Any:
    if value is None or isinstance(value, str):
        return value
    if (number := plain_number(value)) is not None:
        return number
    if isinstance(value, Tensor | np.ndarray):
        return _closed(value, what)
    if not depth:
        raise ContractError(f"{what} lies deeper than {DEPTH} lists and tables in each other")
    if isinstance(value, list | tuple):
        return [_plain(one, f"{what}[{index}]", depth - 1) for index, one in enumerate(value)]
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str) or name in (ARRAY, TENSOR):
                raise ContractError(f"{what} has the name {name!r}; wanted names that are texts")
        return {name: _plain(one, f"{what}[{name!r}]", depth - 1) for name, one in value.items()}
    raise ContractError(
        f"{what} is a {type(value).__name__}; wanted numbers, texts, arrays, tensors, None, or "
        "lists and tables of those"
    )


def _closed(value: Tensor | np.ndarray[Any, Any], what: str) -> dict[str, Any]:
    """Return an array or a tensor as a table: its kind, its shape, its bytes."""
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or value.is_complex() or value.is_quantized:
            raise ContractError(f"{what} is a {value.dtype} {value.layout}; wanted a dense tensor")
        held = value.detach().cpu().contiguous()
        raw = held.reshape(-1).view(torch.uint8).numpy().tobytes()
        kind, shape = str(held.dtype).removeprefix("torch."), list(held.shape)
        return {TENSOR: [kind, shape, base64.b64encode(raw).decode()]}
    if value.dtype.kind not in KINDS:
        raise ContractError(f"{what} is an array of {value.dtype}; wanted numbers")
    # Little-endian whatever the machine, so that one file is read everywhere.
    held_ = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    raw, shape = held_.tobytes(), list(value.shape)
    return {ARRAY: [held_.dtype.str, shape, base64.b64encode(raw).decode()]}


def _opened(table: dict[str, Any]) -> Any:
    if set(table) == {ARRAY}:
        kind, shape, text = table[ARRAY]
        if np.dtype(kind).kind not in KINDS:
            raise ValueError(f"an array of {kind!r}")
        found = np.frombuffer(base64.b64decode(text, validate=True), np.dtype(kind))
        return found.reshape(shape).astype(np.dtype(kind).newbyteorder("="))
    if set(table) == {TENSOR}:
        kind, shape, text = table[TENSOR]
        found_kind = getattr(torch, str(kind), None)
        if not isinstance(found_kind, torch.dtype):
            raise ValueError(f"a tensor of {kind!r}")
        raw = bytearray(base64.b64decode(text, validate=True))
        flat = torch.frombuffer(raw, dtype=found_kind) if raw else torch.empty(0, dtype=found_kind)
        return flat.reshape(shape)
    return table
