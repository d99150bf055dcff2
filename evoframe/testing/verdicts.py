"""Verdicts: what the kit has to say of a whole plugin, without pytest."""

from __future__ import annotations

import ast
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.naming import made_by, options_from
from evoframe.errors import ConfigError, ConformanceError, close_match, listing
from evoframe.registry import LoadedPlugin, LoadFailure, Registry, load_registry
from evoframe.registry.file_names import FROM_FILE
from evoframe.registry.loading import import_plugin
from evoframe.roles import ROLES, Strategy
from evoframe.testing.catalogue import NotTried, Stage, checks_for
from evoframe.testing.remarks import not_tried, remarks
from evoframe.testing.trying import LITTLE, in_a_hurry, is_deep
from evoframe.testing.variants import variants

PUBLIC = ("plugin", "testing")
"""The modules of evoframe that plugins may import from, besides ``evoframe`` itself."""

SECONDS = 0.25
"""CPU seconds that one check may take for examples, unless everything is to be tried."""

OTHERS = 1.5
"""CPU seconds after which no further variant is begun, unless everything is to be tried."""

_ASSIGNMENT = re.compile(r"([\w-]+)/([\w-]+)\.(\w+)=(.*)", re.DOTALL)


@attrs.frozen
class Judged:
    """What came of the checks of one strategy.

    Attributes:
        strategy: with the options that it was tried with.
        held: how many checks it holds.
        failures: those that it does not, in words.
        not_tried: names of the checks that had to wait for others.
        variants: how many times other options than these were tried, and how many there are.
        remarks: what else is to be known.
        left_out: what was not tried at all.
    """

    strategy: Strategy
    held: int
    failures: tuple[str, ...]
    not_tried: tuple[str, ...]
    variants: tuple[int, int] = (0, 0)
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@attrs.frozen
class Candidate:
    """A plugin that is to be judged.

    Attributes:
        plugin: its name, distribution and version.
        faults: what is wrong with it as a whole.
        strategies: what it offers, to be tried one by one.
    """

    plugin: LoadedPlugin
    faults: tuple[str, ...]
    strategies: tuple[Strategy, ...]


def candidate(name: str, options: tuple[str, ...] = ()) -> Candidate:
    """Return a plugin, with its strategies made and what can be told without trying them.

    Args:
        name: of an installed plugin or its distribution, a module, or the path of a Python file.
        options: values for its strategies, as in ``mutation/drift.rate=0.5``.

    Raises:
        ConfigError: there is no such plugin, or an option that it needs was not given.
    """
    registry, plugins = _loaded(name)
    faults = tuple(str(fault) for fault in registry.failures if _is_called(fault, name))
    offers = [offer for offer in registry.offers if offer.plugin in plugins]
    given = _given(options, [f"{offer.role}/{offer.name}" for offer in offers])
    strategies = tuple(
        _made(offer.strategy, given.get(f"{offer.role}/{offer.name}", {}), registry)
        for offer in offers
    )
    modules = dict.fromkeys(type(one).__module__ for one in strategies)
    foreign = tuple(text for module in modules for text in private_imports(module))
    if not offers and not faults:
        faults = (f"{name} offers no strategy: a function such as evoframe_encodings is missing",)
    plugin = plugins[0] if plugins else LoadedPlugin(name, "", "")
    return Candidate(plugin, faults + foreign, strategies)


def judge(strategy: Strategy) -> Judged:
    """Return the verdict of all checks on a strategy, and on its variants if it holds them."""
    held, failures, waiting = 0, [], []
    with in_a_hurry(math.inf if is_deep() else SECONDS):
        for check in checks_for(strategy):
            try:
                check(strategy)
            except ConformanceError as error:
                failures.append(error)
            except NotTried:
                waiting.append(check.name)
            else:
                held += 1
    told, left_out = _told_once(failures), tuple(not_tried(strategy))
    others = [] if told else variants(strategy)
    tried, found = _judged_variants(others)
    if tried < len(others) and not found:
        left_out += (f"{len(others) - tried} of {len(others)} other options; --deep tries them",)
    return Judged(
        strategy, held, told + found, tuple(waiting), (tried, len(others)),
        tuple(remarks(strategy)), left_out,
    )  # fmt: skip


def _judged_variants(others: list[Strategy]) -> tuple[int, tuple[str, ...]]:
    """Return the number of variants that were tried, and the faults of the first bad one."""
    end = math.inf if is_deep() else time.process_time() + OTHERS
    for tried, other in enumerate(others, 1):
        if time.process_time() > end:
            return tried - 1, ()
        checks = [one for one in checks_for(other) if one.stage in (Stage.ANSWER, Stage.CALL)]
        checks += [one for one in checks_for(other) if one.stage is Stage.LAW]
        failures: list[ConformanceError] = []
        with in_a_hurry(math.inf if is_deep() else LITTLE):
            for check in checks:
                # Laws take for granted what the stages before them have tried.
                if not failures and (found := check.attempt(other)) is not None:
                    failures.append(found)
        if failures:
            return tried, _told_once(failures)
    return len(others), ()


def _told_once(failures: list[ConformanceError]) -> tuple[str, ...]:
    """Return failures in words; what several checks have met is told with the first of them."""
    told: dict[str, list[ConformanceError]] = {}
    for one in failures:
        told.setdefault(one.happened or str(one), []).append(one)
    return tuple(
        "\n".join([str(first), *([f"so too:   {_names(others)}"] if others else [])])
        for first, *others in told.values()
    )


def _names(failures: list[ConformanceError]) -> str:
    return ", ".join(one.check for one in failures)


def private_imports(module: str) -> Iterator[str]:
    """Yield a sentence for every import in a module from what is not public in evoframe."""
    file = getattr(sys.modules[module], "__file__", None)
    # Built-in strategies may import what they like.
    ours = module.startswith("evoframe.") and not module.startswith(FROM_FILE)
    if ours or file is None:
        return
    # Read instead of run: imports inside functions, and for type checkers alone, count as well.
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "evoframe":
                # ``from evoframe import x``: only where x is a module may it be a private one.
                names = [name for one in node.names if find_spec(name := f"evoframe.{one.name}")]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            top, _, rest = name.partition(".")
            if top == "evoframe" and rest and rest.partition(".")[0] not in PUBLIC:
                line = getattr(node, "lineno", 0)
                yield (
                    f"{Path(file).name}, line {line} imports {name}, which is not public and may "
                    "change; import what a plugin needs from evoframe.plugin, and from "
                    "evoframe.testing for its tests"
                )


def _loaded(name: str) -> tuple[Registry, list[LoadedPlugin]]:
    """Return a registry and the plugins in it that have a name."""
    if not name.endswith(".py"):
        registry = load_registry()
        if found := [one for one in registry.plugins if _is_called(one, name)]:
            return registry, found
        if any(_is_called(failure, name) for failure in registry.failures):
            return registry, []
        _require_module(name, registry)
    import_plugin(name)
    try:
        registry = load_registry([name], entry_points=False)
    except ConfigError as error:  # it is there, and something that it offers is not well-formed
        return _broken(name, str(error)), []
    return registry, [one for one in registry.plugins if one.name == name][-1:]


def _broken(name: str, reason: str) -> Registry:
    prefix = f"plugin {name!r}: "
    return Registry((), (), (LoadFailure(name, "", "", reason.removeprefix(prefix)),))


def _require_module(name: str, registry: Registry) -> None:
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        names = {one.distribution or one.name for one in registry.plugins}
        raise ConfigError(
            f"there is no plugin {name!r}.{close_match(name, names)} Wanted: an installed plugin "
            f"({listing(names)}), a module, or the path of a Python file."
        )


def _is_called(plugin: Any, name: str) -> bool:
    origin = getattr(plugin, "name", "") or getattr(plugin, "plugin", "")
    plain = re.sub(r"[-_.]+", "-", name).lower()
    names = (origin, plugin.distribution)
    return any(plain == re.sub(r"[-_.]+", "-", one).lower() for one in names if one)


def _given(options: tuple[str, ...], names: list[str]) -> dict[str, dict[str, Any]]:
    given: dict[str, dict[str, Any]] = {}
    for option in options:
        match = _ASSIGNMENT.fullmatch(option)
        who = f"{match[1]}/{match[2]}" if match else ""
        if match is None or who not in names:
            raise ConfigError(
                f"-o {option!r} cannot be used; wanted role/name.option=value, with one of "
                f"{listing(names)}.{close_match(who, names)}"
            )
        given.setdefault(who, {})[match[3]] = files.literal(match[4])
    return given


def _made(strategy: type[Strategy], given: Mapping[str, Any], registry: Registry) -> Strategy:
    where = f"{strategy.role}[0]" if ROLES[strategy.role].several else strategy.role
    try:
        return options_from(given, strategy, where, made_by(registry))
    except ConfigError as error:
        raise ConfigError(
            f"{strategy.role} {strategy.name!r} cannot be made: {error} Give options as in "
            f"-o {strategy.role}/{strategy.name}.OPTION=VALUE."
        ) from error
