"""Nested: tensors inside tuples, lists, mappings and dataclasses, as batches and outputs are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor


def mapped(value: Any, function: Callable[[Tensor], Any]) -> Any:
    """Return a value in which each tensor is what a function makes of it; other things stay."""
    if isinstance(value, Tensor):
        return function(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _mapped_fields(value, function)
    # Named tuples take their fields one by one, and are tuples, so they are asked first.
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(item, function) for item in value))
    if isinstance(value, list | tuple):
        # Several tuples of torch's own, as ``max`` over an axis gives, take one sequence too.
        return type(value)([mapped(item, function) for item in value])
    if isinstance(value, Mapping):
        return {name: mapped(item, function) for name, item in value.items()}
    return value


def tensors_within(value: Any) -> list[Tensor]:
    """Return the tensors of a value in the order in which :func:`mapped` comes to them."""
    if isinstance(value, Tensor):
        return [value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_within(item)]
    return []


def plainly(value: Any) -> Any:
    """Return a value of tuples, lists and dictionaries alone, without the entries that are None.

    Programs, and files of them, do not know classes of dataclasses, named tuples and mappings.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: plainly(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(map(plainly, value))
    return value


def _mapped_fields(value: Any, function: Callable[[Tensor], Any]) -> Any:
    """Return a shallow copy of a dataclass with other tensors in its fields."""
    twin = copy.copy(value)
    for field in dataclasses.fields(value):
        held = getattr(value, field.name, None)
        if (new := mapped(held, function)) is held:
            continue
        if getattr(type(value), "__dataclass_params__").frozen:  # noqa: B009  of every dataclass
            object.__setattr__(twin, field.name, new)
        else:  # a mapping with attributes, as of transformers, must see it
            setattr(twin, field.name, new)
    return twin
