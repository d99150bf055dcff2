"""Naming: a strategy from the table that names it, and the table that names a strategy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from evoframe.config import references
from evoframe.config.inner import Make, inner, with_inner
from evoframe.config.values import Describe, structure, unstructure
from evoframe.errors import ConfigError, NoSuchStrategyError
from evoframe.registry.checking import is_accepted, options
from evoframe.registry.file_names import reference_to
from evoframe.registry.offers import Registry
from evoframe.roles import Role, Strategy

IN_SESSION = "made in Python"
"""What stands for a strategy that no file or module holds, in the record of a run."""


def strategy_from(
    table: Mapping[str, Any], entry: str, role: Role, registry: Registry, sources: dict[str, str]
) -> Strategy:
    """Return the strategy that a table names, with its options and those inside of it.

    Args:
        table: ``use``, the name, and options.
        entry: what the table is called, as in ``mutation[0]``.
        role: that it must play.
        registry: where it is found by name.
        sources: takes the reference of each that nobody offers, by entry.

    Raises:
        ConfigError: an unknown option or a wrong type, or no name.
        NoSuchStrategyError: nobody offers it.
    """
    given = dict(table)
    use = given.pop("use", None)
    if not isinstance(use, str):
        raise ConfigError(f'[{entry}] says no strategy; wanted use = "NAME". Found: {dict(table)}.')
    if use == IN_SESSION:
        raise ConfigError(
            f"the {entry} of this run was made in a Python session and cannot be rebuilt from its "
            f"record. Pass it from Python: evoframe.resume(path, {entry}=...) continues, "
            f"evoframe.open_run(path, {entry}=...) reads the run.{_for_exports(entry)}"
        )
    found = _find(use, role.name, registry)
    # Where nobody offers the class, only the reference itself leads back to it.
    if registry.offer_of(found if inspect.isclass(found) else type(found)) is None:
        sources[entry] = use
    if inspect.isclass(found):
        make = partial(strategy_from, registry=registry, sources=sources)
        return options_from(given, found, entry, make)
    if given:
        raise ConfigError(
            f"{use} is a ready-made {role.name} and takes no options; found {', '.join(given)}. "
            "Name its class to give options."
        )
    return found


S = TypeVar("S", bound=Strategy)


def options_from(table: Mapping[str, Any], kind: type[S], entry: str, make: Make) -> S:
    """Return a strategy of a class with the options of a table, those that are strategies too.

    Raises:
        ConfigError: every option that is unknown, missing or of the wrong type.
    """
    return structure(with_inner(table, kind, entry, make), kind, entry)


def _for_exports(entry: str) -> str:
    if entry != "task":
        return ""
    return " `evoframe export --network FILE:factory` needs nothing of it but the network."


def _find(use: str, role: str, registry: Registry) -> type[Strategy] | Strategy:
    if not references.is_reference(use):
        return registry.find(role, use).strategy
    try:
        return registry.find(role, use).strategy  # "plugin:name", where the name has no hyphen
    except NoSuchStrategyError:
        return references.resolve(use, role)


def made_by(registry: Registry) -> Make:
    """Return a function that makes strategies of tables, where their names are not asked for."""
    return partial(strategy_from, registry=registry, sources={})


def told_by(registry: Registry) -> Describe:
    """Return a function that tells strategies as tables which :func:`made_by` can read."""
    return partial(described, sources={}, registry=registry)


def described(
    value: Strategy, entry: str, sources: Mapping[str, str], registry: Registry
) -> dict[str, Any]:
    """Return the table of a strategy, from which it can be made again.

    Args:
        value: the strategy.
        entry: what its table is called.
        sources: the references of those that nobody offers, by entry.
        registry: where all others are found.
    """
    told = unstructure(value, entry, partial(described, sources=sources, registry=registry))
    use = _use(value, entry, sources, registry)
    if use in (IN_SESSION, sources.get(entry)) and _is_ready(use, value.role):
        return {"use": use}
    inside = (_use(one, name, sources, registry) for name, one in inner(value, entry))
    return {"use": IN_SESSION} if IN_SESSION in inside else {"use": use, **told}


def _use(value: Strategy, entry: str, sources: Mapping[str, str], registry: Registry) -> str:
    """Return the name or reference by which a strategy is found again."""
    if (offer := registry.offer_of(type(value))) is not None:
        # With its plugin, for what is installed tomorrow may offer the same name.
        return references.absolute(registry.qualified(offer), Path.cwd())
    if entry in sources:
        return sources[entry]
    use = reference_to(type(value)) or IN_SESSION
    can_be_written = all(is_accepted(option.type) for option in options(type(value)))
    return use if use != IN_SESSION and can_be_written else IN_SESSION


def _is_ready(use: str, role: str) -> bool:
    """Tell whether a reference names a value, which has its options already."""
    return use == IN_SESSION or not inspect.isclass(references.resolve(use, role))
