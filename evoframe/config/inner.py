"""Inner strategies: options of a strategy that are strategies themselves, in tables and back.

``arms: tuple[Mutation, ...]`` is written ``arms = ["noise", { use = "regrowth", rate = 0.1 }]``; a
name alone stands for the strategy with its default options.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from evoframe.errors import ConfigError
from evoframe.registry.checking import is_role, is_table, options
from evoframe.roles import ROLES, Role, Strategy

Make = Callable[[Mapping[str, Any], str, Role], Strategy]
"""Makes a strategy of a role from its table; the second argument is what its entry is called."""


def with_inner(table: Mapping[str, Any], kind: type, entry: str, make: Make) -> dict[str, Any]:
    """Return the options of an attrs class in which tables of strategies have become strategies.

    Args:
        table: the options that are given.
        kind: the class.
        entry: what its own entry is called, as in ``mutation[0]``.
        make: makes each of them.

    Raises:
        ConfigError: what stands for a strategy is neither a name nor a table.
    """
    types = {field.name: field.type for field in options(kind)}
    return {
        name: _made(types[name], given, f"{entry}.{name}", make) if name in types else given
        for name, given in table.items()
    }


def inner(strategy: Strategy, entry: str) -> Iterator[tuple[str, Strategy]]:
    """Yield each inner strategy of one, and of those, with what its entry is called."""
    for field in attrs.fields(type(strategy)):
        for name, one in _strategies(getattr(strategy, field.name), f"{entry}.{field.name}"):
            yield name, one
            yield from inner(one, name)


def evolved(strategy: Strategy, change: Callable[[Strategy], Strategy]) -> Strategy:
    """Return a strategy with all that are inside of it changed, and then changed itself."""
    fields = [field for field in attrs.fields(type(strategy)) if field.init]
    given = {field.name: getattr(strategy, field.name) for field in fields}
    changes = {name: _changed(value, change) for name, value in given.items() if _holds(value)}
    return change(attrs.evolve(strategy, **changes) if changes else strategy)


def _made(kind: Any, given: Any, entry: str, make: Make) -> Any:
    """Return the value of an option, with strategies for their tables."""
    arguments = typing.get_args(kind)
    if type(None) in arguments:
        kind = next(part for part in arguments if part is not type(None))
        return given if given is None else _made(kind, given, entry, make)
    if is_role(kind):
        return _one(kind, given, entry, make)
    if typing.get_origin(kind) is tuple and isinstance(given, list | tuple):
        return [
            _made(arguments[0], one, f"{entry}[{index}]", make) for index, one in enumerate(given)
        ]
    if is_table(kind) and isinstance(given, Mapping):
        return {
            name: _made(arguments[1], one, f"{entry}.{name}", make) for name, one in given.items()
        }
    if attrs.has(kind) and isinstance(given, Mapping):
        return with_inner(given, kind, entry, make)
    return given


def _one(kind: type[Strategy], given: Any, entry: str, make: Make) -> Strategy:
    if isinstance(given, kind):
        return given
    table = {"use": given} if isinstance(given, str) else given
    if not isinstance(table, Mapping):
        raise ConfigError(
            f"{entry} is {given!r}; wanted a {kind.role}: its name, or a table as in "
            '{ use = "NAME", OPTION = VALUE }.'
        )
    return make(table, entry, ROLES[kind.role])


def _strategies(value: Any, entry: str) -> Iterator[tuple[str, Strategy]]:
    """Yield the strategies that a value is or holds, not those inside of them."""
    if isinstance(value, Strategy):
        yield entry, value
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _strategies(one, f"{entry}[{index}]")
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _strategies(one, f"{entry}.{name}")
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _strategies(getattr(value, field.name), f"{entry}.{field.name}")


def _holds(value: Any) -> bool:
    return any(_strategies(value, ""))


def _changed(value: Any, change: Callable[[Strategy], Strategy]) -> Any:
    if isinstance(value, Strategy):
        return evolved(value, change)
    if isinstance(value, tuple):
        return tuple(_changed(one, change) for one in value)
    if isinstance(value, Mapping):
        return type(value)({name: _changed(one, change) for name, one in value.items()})  # type: ignore[call-arg]
    if attrs.has(type(value)):
        fields = {one.name: getattr(value, one.name) for one in attrs.fields(type(value))}
        held = {name: _changed(one, change) for name, one in fields.items() if _holds(one)}
        return attrs.evolve(value, **held)
    return value
