"""Loading plugins: the built-in ones, entry points, then files and modules named by hand.

Nothing that goes wrong with one plugin touches another: each failure is recorded with the plugin,
its distribution and version, and quoted where somebody asks for a strategy that is not there.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs
import pluggy

from evoframe import hookspecs
from evoframe.errors import ConfigError, OfferError
from evoframe.markers import PROJECT
from evoframe.registry.blocking import NO, Blocking
from evoframe.registry.checking import (
    HOOKS,
    check_contract,
    check_functions,
    check_observer,
    check_offer,
)
from evoframe.registry.file_names import FROM_FILE, module_name
from evoframe.registry.global_state import NOTICED, put_back
from evoframe.registry.neighbours import beside
from evoframe.registry.offers import LoadedPlugin, LoadFailure, Offer, Registry
from evoframe.roles import ROLES, Observer, Strategy
from evoframe.version import __version__

GROUP = "evoframe"
"""The entry-point group of plugins."""

RESERVED = re.compile(r"evoframe($|[.:])|.*(:|\.py$)|no:")
"""Names of entry points that would be taken for built-in strategies, files, or ``no:NAME``."""


def load_registry(plugins: Iterable[str] = (), *, entry_points: bool = True) -> Registry:
    """Return a registry of everything that is offered.

    Args:
        plugins: modules, or paths of Python files, to load besides installed plugins; unlike
            those they were asked for, so a failure is an error. ``no:NAME`` keeps the installed
            plugin of that name, or of that distribution, from being loaded.
        entry_points: whether to look for installed plugins.

    Raises:
        ConfigError: a plugin that was named cannot be loaded, or is not there.
    """
    named = list(plugins)
    blocking, loader = Blocking.of(named), _Loader()
    for role in ROLES.values():  # built-in strategies are ordinary plugins otherwise
        plugin = LoadedPlugin(role.built_in, PROJECT, __version__)
        loader.add(importlib.import_module(role.built_in), plugin)
    installed = list(_entry_points()) if entry_points else []
    if entry_points:
        blocking.require_there(installed)
    for entry in installed:
        loader.add_entry_point(entry, blocking.blocks(entry))
    for name in (one for one in named if not one.startswith(NO)):
        # Failures are collected for plugins that merely happen to be there; this one was asked for.
        module, before = import_plugin(name), len(loader.failures)
        if not loader.manager.is_registered(module):  # named twice, or installed as well
            changed = NOTICED.get(module.__name__, ())
            loader.add(module, LoadedPlugin(name, "", "", changed=changed))
        if len(loader.failures) > before:
            raise ConfigError(str(loader.failures[-1]))
    loader.manager.check_pending()
    return Registry(
        tuple(loader.offers), tuple(loader.plugins), tuple(loader.failures), tuple(loader.blocked)
    )


def import_plugin(name: str) -> types.ModuleType:
    """Return the module of a dotted name, or of a path that ends in ``.py``.

    Raises:
        ConfigError: it does not exist, or importing it fails.
    """
    try:
        module = _import_file(Path(name)) if name.endswith(".py") else _import_module(name)
        check_contract(module)
        return module
    except KeyboardInterrupt:
        raise
    except OfferError as error:
        raise ConfigError(f"plugin {name!r}: {error}") from error
    except BaseException as error:
        raise ConfigError(
            f"cannot import {name!r}: {type(error).__name__}: {error}. Wanted: the path of a "
            "Python file, or the dotted name of an installed module."
        ) from error


def _import_module(name: str) -> types.ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    with put_back(name):
        return importlib.import_module(name)


def _import_file(path: Path) -> types.ModuleType:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    name = module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Before it runs, as ``import`` does: attrs and pickle look a class's module up by its name.
    sys.modules[name] = module
    try:
        with put_back(name), beside(path.parent, _folders_read()):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _folders_read() -> list[Path]:
    files = [
        getattr(one, "__file__", None)
        for name, one in list(sys.modules.items())
        if name.startswith(FROM_FILE)
    ]
    return [Path(file).parent for file in files if file]


def _entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    found = importlib.metadata.entry_points(group=GROUP)
    seen: set[tuple[str, str]] = set()
    # Sorted, since the order of the search path is no reason for another registry.
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        if (entry.name, entry.value) not in seen:  # the same distribution may be on the path twice
            seen.add((entry.name, entry.value))
            yield entry


def _check_single(strategy: type[Strategy], found: Iterable[type[Strategy]]) -> None:
    if any((one.role, one.name) == (strategy.role, strategy.name) for one in found):
        raise OfferError(f"it offers {strategy.role} {strategy.name!r} more than once")


class _Loader:
    """Collects offers and failures while plugins are loaded one by one."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.offers: list[Offer] = []
        self.plugins: list[LoadedPlugin] = []
        self.failures: list[LoadFailure] = []
        self.blocked: list[LoadFailure] = []

    def add_entry_point(self, entry: importlib.metadata.EntryPoint, blocked: str) -> None:
        """Load an installed plugin, unless it is blocked; whatever it raises is recorded."""
        origin = entry.dist
        plugin = LoadedPlugin(
            entry.name, origin.name if origin else "", origin.version if origin else ""
        )
        if blocked:
            facts = plugin.name, plugin.distribution, plugin.version
            self.blocked.append(LoadFailure(*facts, blocked))
            return
        if RESERVED.match(entry.name):
            self._fail(plugin, f"its entry point is called {entry.name!r}, which is evoframe's own")
            return
        try:
            with put_back(entry.module) if entry.module not in sys.modules else nullcontext():
                module = entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  a plugin may do anything
            self._fail(plugin, f"importing {entry.value} raised {type(error).__name__}: {error}")
            return
        self.add(module, attrs.evolve(plugin, changed=NOTICED.get(entry.module, ())))

    def add(self, module: object, plugin: LoadedPlugin) -> None:
        """Register a plugin and collect what it offers; whatever it raises is recorded."""
        try:
            check_contract(module)
            check_functions(module, frozenset(HOOKS))
            # Checked first: pluggy takes misspelt hooks
            # for functions that are none of its business.
            name = self._require_other(module, plugin)
            self.manager.register(module, name=name)
        except (OfferError, ValueError, pluggy.PluginValidationError) as error:
            self._fail(plugin, str(error))
            return
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  a plugin may do anything
            self._fail(plugin, f"reading it raised {type(error).__name__}: {error}")
            return
        found: list[type[Strategy]] = []
        for role in ROLES.values():
            for strategy in self._offered(role.hook, name, plugin):
                try:
                    check_offer(strategy, role.name)
                    if role.name == Observer.role:
                        check_observer(strategy)
                    _check_single(strategy, found)
                except OfferError as error:
                    self._fail(plugin, str(error))
                else:
                    found.append(strategy)
        names = tuple(f"{strategy.role}/{strategy.name}" for strategy in found)
        self.plugins.append(attrs.evolve(plugin, offers=names))
        self.offers += [Offer(strategy, self.plugins[-1]) for strategy in found]

    def _require_other(self, module: object, plugin: LoadedPlugin) -> str:
        """Return a name that no other plugin has; two distributions may have thought of one."""
        if self.manager.is_registered(module):
            other = self.manager.get_name(module)
            raise OfferError(f"it is the same module as plugin {other!r}, which is loaded already")
        taken = self.manager.has_plugin(plugin.name)
        return f"{plugin.distribution}:{plugin.name}" if taken else plugin.name

    def _offered(self, hook: str, name: str, plugin: LoadedPlugin) -> list[Any]:
        """Call one plugin's own implementation, so that its failure is its own."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                try:
                    return list(implementation.function())
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  a plugin may do anything
                    self._fail(plugin, f"{hook}() raised {type(error).__name__}: {error}")
        return []

    def _fail(self, plugin: LoadedPlugin, reason: str) -> None:
        self.failures.append(
            LoadFailure(plugin.name, plugin.distribution, plugin.version, " ".join(reason.split()))
        )
