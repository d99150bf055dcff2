"""Strategies and their options in words, made from the classes themselves."""

from __future__ import annotations

import enum
import inspect
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from evoframe.registry.checking import is_role, is_table, options
from evoframe.registry.file_names import reference_to
from evoframe.registry.offers import Registry
from evoframe.roles import ROLES, Strategy, summary


def strategy_rows(registry: Registry, role: str) -> list[tuple[str, str, str, str]]:
    """Return role, name, summary and origin of everything that is offered for a role."""
    return [
        (role, offer.name, summary(offer.strategy), offer.plugin.distribution or offer.plugin.name)
        for offer in registry.of_role(role)
    ]


def documentation(strategy: type[Strategy]) -> str:
    """Return a strategy's docstring and, if it has one, its module's."""
    module = inspect.getmodule(strategy)
    texts = [inspect.getdoc(strategy) or "", inspect.cleandoc((module and module.__doc__) or "")]
    return "\n\n".join(text for text in texts if text)


def option_rows(strategy: type[Strategy]) -> list[tuple[str, str, str, str]]:
    """Return name, type, default and meaning of every option."""
    return [
        (field.name, type_in_words(field.type), default_in_words(field), field.metadata["help"])
        for field in options(strategy)
    ]


def toml_snippet(strategy: type[Strategy]) -> str:
    """Return the table of a strategy as a recipe holds it, with all defaults."""
    head = f"[[{strategy.role}]]" if ROLES[strategy.role].several else f"[{strategy.role}]"
    lines = [head, f'use = "{strategy.name}"']
    for field in options(strategy):
        text = default_in_words(field)
        needs_value = text in ("required", "not given", "computed")
        lines.append(f"# {field.name} = ..." if needs_value else f"{field.name} = {text}")
    return "\n".join(lines) + "\n"


def default_in_words(field: attrs.Attribute[Any]) -> str:
    """Return an option's default as TOML, or "required", "computed", or "not given" for None."""
    if field.default is attrs.NOTHING:
        return "required"
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        # Made of the other options, so there is no value to write before they are known.
        if default.takes_self:
            return "computed"
        default = default.factory()
    return "not given" if default is None else _literal(default)


def type_in_words(kind: Any) -> str:
    """Return an option's type as people would say it."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return " | ".join(map(str, arguments))
    if type(None) in arguments:
        return type_in_words(next(part for part in arguments if part is not type(None)))
    if typing.get_origin(kind) is tuple:
        return f"list of {type_in_words(arguments[0])}"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " | ".join(str(member.value) for member in kind)
    if is_table(kind) or attrs.has(kind):
        return _table_in_words(kind)
    names = {bool: "true | false", int: "whole number", float: "number", str: "text", Path: "path"}
    return names[kind]


def _table_in_words(kind: Any) -> str:
    if is_role(kind):
        return f"{kind.role} strategy"
    if not attrs.has(kind):
        return f"table of {type_in_words(typing.get_args(kind)[1])}"
    attrs.resolve_types(kind)
    inside = (f"{one.name} = {type_in_words(one.type)}" for one in attrs.fields(kind))
    return f"{{ {', '.join(inside)} }}"


def _inner(strategy: Strategy) -> str:
    """Return a strategy among options as a table, with those of its options that are given."""
    kind = type(strategy)
    own = kind.__module__.startswith(ROLES[kind.role].built_in)
    given = {field.name: getattr(strategy, field.name) for field in options(kind)}
    said = {name: _literal(value) for name, value in given.items() if value is not None}
    use = _literal(strategy.name if own else reference_to(kind) or strategy.name)
    return f"{{ {', '.join(f'{name} = {text}' for name, text in {'use': use, **said}.items())} }}"


def _given(table: Any) -> dict[str, Any]:
    """Return the entries of a table that is an attrs value, without those that are not given."""
    held = {field.name: getattr(table, field.name) for field in attrs.fields(type(table))}
    return {name: one for name, one in held.items() if one is not None}


def _literal(value: Any) -> str:
    # Before numbers, since a bool is one.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Strategy):
        return _inner(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Mapping):
        entries = (f"{json.dumps(name)} = {_literal(one)}" for name, one in value.items())
        return f"{{ {', '.join(entries)} }}" if value else "{}"
    if isinstance(value, enum.Enum) or attrs.has(type(value)):
        return _literal(value.value if isinstance(value, enum.Enum) else _given(value))
    return (
        repr(value)
        if isinstance(value, int | float)
        else json.dumps(str(value), ensure_ascii=False)
    )
