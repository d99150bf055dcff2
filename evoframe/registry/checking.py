"""Checking offers at the border: what a plugin hands over must be a well-formed strategy."""

from __future__ import annotations

import enum
import inspect
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

import attrs

from evoframe import hookspecs
from evoframe.errors import OfferError, close_match
from evoframe.registry.signatures import check_signatures
from evoframe.roles import ROLES, Strategy, summary
from evoframe.version import CONTRACT, __version__

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

SCALARS = (bool, int, float, str, Path)

HOOK_PREFIX = "evoframe_"

HOOKS = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(hookspecs).items()
    if name.startswith(HOOK_PREFIX)
}
"""The arguments of every hook; offers have none, lifecycle hooks have one."""


def check_offer(strategy: Any, role: str) -> None:
    """Refuse what is not a well-formed strategy of a role.

    Raises:
        OfferError: what was found, what was wanted, and what to try.
    """
    base = ROLES[role].base
    if not inspect.isclass(strategy) or not issubclass(strategy, base):
        raise OfferError(
            f"it offers {strategy!r} as {role}; wanted a class derived from "
            f"evoframe.plugin.{base.__name__}"
        )
    check_name(strategy)
    check_value(strategy)
    if missing := sorted(getattr(strategy, "__abstractmethods__", ())):
        raise OfferError(f"{_who(strategy)} does not define {', '.join(missing)}")
    check_signatures(strategy)
    check_options(strategy)


def check_name(strategy: type[Strategy]) -> None:
    """Refuse a strategy that people could not choose.

    Raises:
        OfferError: it has no proper name, or nothing is said of it.
    """
    who = _who(strategy)
    if not isinstance(strategy.name, str) or not NAME.fullmatch(strategy.name):
        raise OfferError(
            f"{who} has the name {strategy.name!r}; wanted lower-case words joined by hyphens, "
            "as in name = 'my-strategy'"
        )
    if not summary(strategy):
        raise OfferError(f"{who} has no docstring; its first line is shown to people who choose")


def check_value(strategy: type[Strategy]) -> None:
    """Refuse a strategy that is no frozen value.

    Raises:
        OfferError: its class is not decorated.
    """
    # In the class itself: an undecorated subclass
    # inherits the attribute, and its fields are ignored.
    if "__attrs_attrs__" not in vars(strategy) or not _is_frozen(strategy):
        raise OfferError(f"{_who(strategy)} is not frozen; decorate it with @attrs.frozen")


def check_options(strategy: type[Strategy]) -> None:
    """Refuse a strategy with an option that cannot be explained, or written in a recipe.

    Raises:
        OfferError: the option and what is wrong with it.
    """
    who = _who(strategy)
    try:
        given = options(strategy)
    except Exception as error:
        raise OfferError(f"an option of {who} has a type that is not there: {error}") from error
    for option in given:
        _check_option(option, who)


def check_observer(observer: type[Strategy]) -> None:
    """Refuse an observer that would never be told, or could not be.

    Raises:
        OfferError: the class, the method, and what is wrong with it.
    """
    lifecycle = {name: arguments for name, arguments in HOOKS.items() if arguments}
    try:
        check_functions(observer, frozenset(lifecycle))
        check_arguments(observer, lifecycle)
    except OfferError as error:
        raise OfferError(f"observer class {observer.__name__}: {error}") from error


def options(strategy: type[Strategy]) -> tuple[attrs.Attribute[Any], ...]:
    """Return the options of a strategy: its fields that can be given, with resolved types."""
    # Annotations are texts where a module begins with ``from __future__ import annotations``.
    attrs.resolve_types(strategy)
    return tuple(field for field in attrs.fields(strategy) if field.init)


def is_accepted(kind: Any) -> bool:
    """Tell whether recipes can hold an option of this type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return all(isinstance(value, str | int | bool) for value in arguments)
    if origin in (Union, types.UnionType):
        rest = [part for part in arguments if part is not type(None)]
        # "One type or None": of two types, a value read back could not tell which was meant.
        return len(rest) == 1 and len(rest) < len(arguments) and is_accepted(rest[0])
    if origin is tuple:
        return len(arguments) == 2 and arguments[1] is Ellipsis and is_accepted(arguments[0])
    if inspect.isclass(kind) and attrs.has(kind) and not issubclass(kind, Strategy):  # a table
        attrs.resolve_types(kind)
        return all(is_accepted(field.type) for field in attrs.fields(kind) if field.init)
    if is_table(kind):
        return len(arguments) == 2 and arguments[0] is str and is_accepted(arguments[1])
    is_enum = inspect.isclass(kind) and issubclass(kind, enum.Enum)
    return kind in SCALARS or is_enum or is_role(kind)


def check_contract(plugin: object) -> None:
    """Refuse a plugin that says it was written for another contract.

    Its module may have ``CONTRACT = 2``, or several as in ``CONTRACT = (2, 3)``.

    Raises:
        OfferError: which contracts it was written for, and which this is.
    """
    declared = inspect.getattr_static(plugin, "CONTRACT", CONTRACT)
    several = declared if isinstance(declared, tuple | list | set | frozenset) else (declared,)
    if not several or not all(type(one) is int for one in several):
        raise OfferError(f"CONTRACT is {declared!r}; wanted a number, or several, as in (1, 2)")
    if CONTRACT not in several:
        raise OfferError(
            f"it was written for contract {' and '.join(map(str, sorted(several)))}, and evoframe "
            f"{__version__} has contract {CONTRACT}: try another version of it, or of evoframe"
        )


def is_table(kind: Any) -> bool:
    """Tell whether an option of this type is a table: values by names."""
    origin = typing.get_origin(kind)
    return inspect.isclass(origin) and issubclass(origin, Mapping)


def is_role(kind: Any) -> bool:
    """Tell whether an option of this type is a strategy: its type is the class of a role."""
    return inspect.isclass(kind) and any(kind is role.base for role in ROLES.values())


def check_functions(plugin: object, hooks: frozenset[str]) -> None:
    """Refuse a plugin with a misspelt hook, or with a hook that lacks its marker.

    Args:
        plugin: a module, an object, or the class of an observer.
        hooks: the names of all hooks.

    Raises:
        OfferError: the function, and the nearest hook.
    """
    for name in dir(plugin):
        function = getattr(plugin, name, None)
        marked = hasattr(function, "evoframe_impl")
        # A marked function of any name is looked at too: its marker shows what was meant.
        if not callable(function) or not (marked or _is_own(plugin, name, function)):
            continue
        if name not in hooks:
            # Of another contract perhaps, as pluggy has it.
            if marked and dict(function.evoframe_impl).get("optionalhook"):
                continue
            raise OfferError(f"there is no hook {name!r}.{close_match(name, hooks)}")
        if not marked:
            raise OfferError(f"{name} is not marked: put @evoframe.hookimpl above it")


def check_arguments(observer: type[Strategy], hooks: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse an observer whose hook methods take what the hooks do not give.

    Raises:
        OfferError: the method, what it takes, and what there is.
    """
    for name, given in hooks.items():
        if (method := getattr(observer, name, None)) is None:
            continue
        taken = list(inspect.signature(method).parameters)[1:]
        if extra := [argument for argument in taken if argument not in given]:
            raise OfferError(f"{name} takes {', '.join(extra)}; the hook gives {', '.join(given)}")


def _who(strategy: type[Strategy]) -> str:
    return f"{strategy.role} class {strategy.__name__}"


def _is_own(plugin: object, name: str, function: Any) -> bool:
    """Tell a hook that was meant to be one from a function that was only imported."""
    if not name.startswith(HOOK_PREFIX):
        return False
    if not inspect.ismodule(plugin):
        return True
    return getattr(function, "__module__", plugin.__name__) == plugin.__name__


def _is_frozen(strategy: type[Strategy]) -> bool:
    return attrs.inspect(strategy).is_frozen


def _check_option(option: attrs.Attribute[Any], who: str) -> None:
    if not option.metadata.get("help"):
        raise OfferError(
            f"option {option.name!r} of {who} has no help; give it metadata=doc('...')"
        )
    if not is_accepted(option.type):
        raise OfferError(
            f"option {option.name!r} of {who} has type {option.type}; wanted bool, int, float, "
            "str, Path, Literal, an Enum, tuple[one of these, ...], Mapping[str, one of these], an "
            "attrs class of these, the class of a role as Mutation, or one of these or None"
        )
