"""Loading plugins: the built-in ones, entry points, then files and modules named by hand.

Nothing that goes wrong with one plugin touches another: each failure is recorded with the plugin,
its distribution and version, and quoted where somebody asks for a strategy that is not there.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pluggy

from evoframe import hookspecs
from evoframe.errors import ConfigError, OfferError
from evoframe.markers import PROJECT
from evoframe.registry.checking import HOOKS, check_functions, check_observer, check_offer
from evoframe.registry.neighbours import beside
from evoframe.registry.offers import LoadedPlugin, LoadFailure, Offer, Registry
from evoframe.roles import ROLES, Observer, Strategy
from evoframe.version import __version__

GROUP = "evoframe"
"""The entry-point group of plugins."""

FROM_FILE = "evoframe_file_"
"""How the names of modules begin that were loaded from files."""


def load_registry(plugins: Iterable[str] = (), *, entry_points: bool = True) -> Registry:
    """Return a registry of everything that is offered.

    Args:
        plugins: modules, or paths of Python files, to load besides installed plugins; unlike
            those they were asked for, so a failure is an error.
        entry_points: whether to look for installed plugins.

    Raises:
        ConfigError: a plugin that was named cannot be loaded.
    """
    loader = _Loader()
    for role in ROLES.values():  # built-in strategies are ordinary plugins otherwise
        plugin = LoadedPlugin(role.built_in, PROJECT, __version__)
        loader.add(importlib.import_module(role.built_in), plugin)
    for entry in _entry_points() if entry_points else ():
        loader.add_entry_point(entry)
    for name in plugins:
        # Failures are collected for plugins that merely happen to be there; this one was asked for.
        module, before = import_plugin(name), len(loader.failures)
        if not loader.manager.is_registered(module):  # named twice, or installed as well
            loader.add(module, LoadedPlugin(name, "", ""))
        if len(loader.failures) > before:
            raise ConfigError(str(loader.failures[-1]))
    loader.manager.check_pending()
    return Registry(tuple(loader.offers), tuple(loader.plugins), tuple(loader.failures))


def import_plugin(name: str) -> types.ModuleType:
    """Return the module of a dotted name, or of a path that ends in ``.py``.

    Raises:
        ConfigError: it does not exist, or importing it fails.
    """
    try:
        return _import_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"cannot import {name!r}: {type(error).__name__}: {error}. Wanted: the path of a "
            "Python file, or the dotted name of an installed module."
        ) from error


def _import_file(path: Path) -> types.ModuleType:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    # One name for each path, the same in every process, so its classes can be told apart.
    name = f"{FROM_FILE}{path.stem}_{hashlib.blake2b(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Before it runs, as ``import`` does: attrs and pickle look a class's module up by its name.
    sys.modules[name] = module
    try:
        with beside(path.parent, _folders_read()):
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

    def add_entry_point(self, entry: importlib.metadata.EntryPoint) -> None:
        """Load an installed plugin; whatever it raises is recorded."""
        origin = entry.dist
        plugin = LoadedPlugin(
            entry.name, origin.name if origin else "", origin.version if origin else ""
        )
        try:
            module = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may do anything
            self._fail(plugin, f"importing {entry.value} raised {type(error).__name__}: {error}")
            return
        self.add(module, plugin)

    def add(self, module: object, plugin: LoadedPlugin) -> None:
        """Register a plugin and collect what it offers; whatever it raises is recorded."""
        try:
            check_functions(module, frozenset(HOOKS))
            # Checked first: pluggy takes misspelt hooks
            # for functions that are none of its business.
            self.manager.register(module, name=plugin.name)
        except (OfferError, ValueError, pluggy.PluginValidationError) as error:
            self._fail(plugin, str(error))
            return
        except Exception as error:  # noqa: BLE001  a plugin may do anything
            self._fail(plugin, f"reading it raised {type(error).__name__}: {error}")
            return
        found: list[type[Strategy]] = []
        for role in ROLES.values():
            for strategy in self._offered(role.hook, plugin):
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

    def _offered(self, hook: str, plugin: LoadedPlugin) -> list[Any]:
        """Call one plugin's own implementation, so that its failure is its own."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == plugin.name:
                try:
                    return list(implementation.function())
                except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may do anything
                    self._fail(plugin, f"{hook}() raised {type(error).__name__}: {error}")
        return []

    def _fail(self, plugin: LoadedPlugin, reason: str) -> None:
        self.failures.append(
            LoadFailure(plugin.name, plugin.distribution, plugin.version, " ".join(reason.split()))
        )
