"""Nested: tensors inside tuples, lists, mappings and dataclasses, as batches and outputs are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def mapped(
    value: Any, function: Callable[[Tensor], Any], *, of_list: Callable[[Any], Any] | None = None
) -> Any:
    """Return a value in which each tensor is what a function makes of it; other things stay.

    Args:
        value: a tensor, or what holds some.
        function: takes a tensor.
        of_list: takes a list; what it returns stands in its place, unless that is None.
    """
    if isinstance(value, Tensor):
        return function(value)
    if of_list is not None and isinstance(value, list) and (found := of_list(value)) is not None:
        return found
    if is_dataclass(value):
        held = _fields_of(value)
        return _with_fields(value, {n: mapped(one, function, of_list=of_list) for n, one in held})
    if isinstance(value, Mapping):
        return {name: mapped(item, function, of_list=of_list) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return _like(value, [mapped(item, function, of_list=of_list) for item in value])
    return value


def tensors_within(value: Any) -> list[Tensor]:
    """Return the tensors of a value in the order in which :func:`mapped` comes to them."""
    if isinstance(value, Tensor):
        return [value]
    return [tensor for _, item in _items_of(value) for tensor in tensors_within(item)]


def named_tensors_within(value: Any, name: str = "") -> dict[str, Tensor]:
    """Return the same by keys, fields and places, as ``heads.0``; a tensor alone is called ""."""
    if isinstance(value, Tensor):
        return {name: value}
    found: dict[str, Tensor] = {}
    for key, item in _items_of(value):
        found |= named_tensors_within(item, f"{name}.{key}" if name else str(key))
    return found


def plainly(value: Any) -> Any:
    """Return a value of tuples, lists and dictionaries alone, without the entries that are None.

    Programs, and files of them, do not know classes of dataclasses, named tuples and mappings.
    """
    if is_dataclass(value):
        value = dict(_fields_of(value))
    if isinstance(value, Mapping):
        return {name: plainly(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(map(plainly, value))
    return value


def is_dataclass(value: Any) -> bool:
    """Tell whether a value is made of fields."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


# --- examples along the first axis ----------------------------------------------------------------


def has_rows(value: Any, size: int) -> bool:
    """Tell whether all tensors of a value have this many examples along their first axis.

    A list of this many other things, such as the boxes of each picture, has them as well; tensors
    without axes do not count.
    """
    if isinstance(value, Tensor):
        return value.ndim == 0 or len(value) == size
    return _holds_examples(value, size) or all(has_rows(one, size) for _, one in _items_of(value))


def rows(value: Any, index: Tensor, size: int) -> Any:
    """Return some examples of a value that has this many; whatever has not stays as it is."""

    def listed(value: list[Any]) -> list[Any] | None:
        return [value[i] for i in index.tolist()] if _holds_examples(value, size) else None

    return mapped(
        value, lambda one: one[index] if one.ndim and len(one) == size else one, of_list=listed
    )


def joined(parts: Sequence[Any], sizes: Sequence[int | None]) -> Any:
    """Return values of one kind as one, with their examples one after another.

    Tensors without axes are stacked; what is no tensor is taken from the first.

    Args:
        parts: values, at least one.
        sizes: how many examples each holds; None where that is not known.

    Raises:
        RuntimeError: tensors differ in more than their first axis.
    """
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(list(parts)) if first.ndim else torch.stack(list(parts))
    if _holds_examples(first, sizes[0]):
        return [item for part in parts for item in part]
    if is_dataclass(first):
        held = {n: joined([getattr(one, n) for one in parts], sizes) for n, _ in _fields_of(first)}
        return _with_fields(first, held)
    if isinstance(first, Mapping):
        return {name: joined([one[name] for one in parts], sizes) for name in first}
    if isinstance(first, list | tuple):
        return _like(first, [joined(items, sizes) for items in zip(*parts, strict=True)])
    return first


def _holds_examples(value: Any, size: int | None) -> bool:
    """Tell whether a list has an item for each example, rather than tensors for all of them."""
    if not isinstance(value, list) or len(value) != size:
        return False
    return not all(isinstance(one, Tensor) and has_rows(one, size) for one in value)


def _items_of(value: Any) -> list[tuple[Any, Any]]:
    """Return the items of a value, by field, key or place."""
    if is_dataclass(value):
        return _fields_of(value)
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _like(value: Any, items: list[Any]) -> Any:
    """Return items as a list or tuple of the kind of a value."""
    # Named tuples take their fields one by one; torch's own, as of ``max``, take a sequence.
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _fields_of(value: Any) -> list[tuple[Any, Any]]:
    return [(one.name, getattr(value, one.name, None)) for one in dataclasses.fields(value)]


def _with_fields(value: Any, held: Mapping[str, Any]) -> Any:
    """Return a shallow copy of a dataclass with other things in its fields."""
    twin = copy.copy(value)
    for name, new in held.items():
        if new is getattr(value, name, None):
            continue
        if type(value).__dataclass_params__.frozen:
            object.__setattr__(twin, name, new)
        else:  # a mapping with attributes, as of transformers, must see it
            setattr(twin, name, new)
    return twin
