"""What a strategy holds: its own fields, and the variables of the modules it is from."""

from __future__ import annotations

import collections
import functools
import gc
import itertools
import random
import sys
import types
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from evoframe.registry.file_names import FROM_FILE
from evoframe.testing.fingerprints import fingerprint

_CACHED = type(functools.cache(lambda: None))
"""What ``functools`` makes of a function that remembers its answers."""

LARGE = 2**20
"""Elements up to which a tensor is read; of larger ones its version counts."""

MANY = 1_000
"""Items up to which all of a collection are read; of more its length, and those at its ends."""

DEEP = 6
"""How many steps are taken from a variable into what it holds."""


def held(strategy: Any) -> dict[str, str]:
    """Return a fingerprint of each thing that a strategy holds, by what to call it."""
    gc.collect(1)  # weak references to what the last call has left behind
    found = {
        f"its field {field.name!r}": _digest(getattr(strategy, field.name, None))
        for field in attrs.fields(type(strategy))
    }
    for module in modules_of(type(strategy)):
        for name, value in list(vars(module).items()):
            if not name.startswith("__") and not _is_foreign(value, module):
                found[f"{name!r} in {_file(module)}"] = _digest(value)
    return found


def modules_of(kind: type) -> list[types.ModuleType]:
    """Return the modules that a class and its bases are from, and those that come with them.

    Of evoframe's own modules that of the class alone: what the rest holds is no strategy's.
    """
    own = dict.fromkeys(one.__module__ for one in kind.__mro__ if not _is_known(one.__module__))
    if not own:
        return [sys.modules[kind.__module__]]
    return [module for name, module in list(sys.modules.items()) if _comes_with(name, module, own)]


def _comes_with(name: str, module: Any, own: Mapping[str, None]) -> bool:
    if name in own:
        return True
    if _is_known(name) or not isinstance(module, types.ModuleType):
        return False
    for one in own:
        if one.startswith(FROM_FILE):  # helpers lie in the folder of the file
            here, there = (getattr(m, "__file__", None) for m in (sys.modules[one], module))
            if here and there and Path(here).parent == Path(there).parent:
                return True
        elif name.partition(".")[0] == one.partition(".")[0]:
            return True
    return False


def _is_known(module: str) -> bool:
    if module.startswith(FROM_FILE):
        return False
    top = module.partition(".")[0]
    return top in ("evoframe", "attr", "attrs", "abc", "__main__") or top in sys.stdlib_module_names


def _is_foreign(value: Any, module: types.ModuleType) -> bool:
    """Tell what a module has only imported: modules, functions and classes of others."""
    if isinstance(value, types.ModuleType):
        return True
    if isinstance(value, type | types.FunctionType | _CACHED):
        return getattr(value, "__module__", "") != module.__name__
    return False


def _file(module: types.ModuleType) -> str:
    return Path(getattr(module, "__file__", None) or module.__name__).name


def _digest(value: Any) -> str:
    return fingerprint(tuple(_parts(value, DEEP, {})))


def _parts(value: Any, depth: int, seen: dict[int, Any]) -> Iterator[Any]:  # noqa: C901, PLR0912  one kind a branch
    """Yield what there is to tell of a value, as texts, numbers and tensors."""
    yield type(value).__name__
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        yield repr(value)
        return
    if id(value) in seen or depth == 0:
        return
    seen[id(value)] = value  # kept, so that no other takes its place in memory and its number
    inside = functools.partial(_parts, depth=depth - 1, seen=seen)
    if isinstance(value, Tensor):
        yield value if value.numel() <= LARGE else f"{tuple(value.shape)} {value._version}"  # noqa: SLF001
    elif isinstance(value, np.ndarray):
        yield value if value.size <= LARGE else str(value.shape)
    elif isinstance(value, nn.Module):
        yield from inside(dict(value.state_dict()))
    elif isinstance(
        value, weakref.WeakKeyDictionary | weakref.WeakValueDictionary | weakref.WeakSet
    ):
        yield len(value)
    elif isinstance(value, Mapping):
        yield len(value)
        for name in _ends(list(value)):
            yield repr(name)
            yield from inside(value[name])
    elif isinstance(value, list | tuple | collections.deque):
        yield len(value)
        for one in _ends(list(value)):
            yield from inside(one)
    elif isinstance(value, set | frozenset):
        yield len(value)
        yield from _ends(sorted(map(repr, value)))
    elif isinstance(value, bytearray):
        yield bytes(value[:LARGE])
    elif (state := _randomness(value)) is not None:
        yield state
    elif isinstance(value, _CACHED):
        yield value.cache_info().currsize
    elif isinstance(value, types.FunctionType | types.MethodType):
        yield from inside(_of_function(getattr(value, "__func__", value)))
    elif isinstance(value, types.GeneratorType):
        yield from inside(value.gi_frame.f_locals if value.gi_frame else None)
    elif isinstance(value, itertools.count):
        yield repr(value)
    elif isinstance(value, type):
        names = [name for name in vars(value) if not name.startswith(("__", "_abc"))]
        yield from inside({name: vars(value)[name] for name in names})
    elif not _is_known(type(value).__module__) and not _is_of_library(value):
        slots = (n for kind in type(value).__mro__ for n in getattr(kind, "__slots__", ()))
        there = {n: getattr(value, n) for n in slots if hasattr(value, n) and n != "__weakref__"}
        yield from inside(there | getattr(value, "__dict__", {}))


def _of_function(function: Any) -> dict[str, Any]:
    """Return the values that a function carries from one call to the next."""
    cells = getattr(function, "__closure__", None) or ()
    return {
        "defaults": function.__defaults__,
        "keywords": function.__kwdefaults__,
        "attributes": dict(vars(function)),
        "closure": [cell.cell_contents for cell in cells if _is_filled(cell)],
    }


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  an empty one raises
    except ValueError:
        return False
    return True


def _is_of_library(value: Any) -> bool:
    """Tell objects of libraries, into which nobody looks: files, loggers, loaders."""
    module = sys.modules.get(type(value).__module__)
    file = str(getattr(module, "__file__", "") or "")
    return "site-packages" in file and type(value).__module__.partition(".")[0] in (
        "torch", "numpy", "torchvision", "pluggy", "structlog", "rich", "click", "hypothesis",
    )  # fmt: skip


def _randomness(value: Any) -> Any:
    """Return the state of a random generator, or None for anything else."""
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, random.Random):
        return repr(value.getstate())
    return None


def _ends(items: list[Any]) -> list[Any]:
    return items if len(items) <= MANY else [*items[: MANY // 2], *items[-MANY // 2 :]]
