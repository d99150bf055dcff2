"""Observers of one run: told of everything, able to change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pluggy

from evoframe import hookspecs
from evoframe.kernel.events import Event, Phase
from evoframe.kernel.key import untouched
from evoframe.kernel.splits import sight_of
from evoframe.markers import PROJECT
from evoframe.roles import Observer


class Observers:
    """The run's own plugin manager, with the observers that its recipe names and nobody else.

    Global randomness that an observer uses is put back. One that raises is disabled for the rest
    of the run, and ``on_failure`` is told its entry in the recipe and the exception.
    """

    def __init__(
        self, observers: Sequence[Observer], on_failure: Callable[[str, Exception], None]
    ) -> None:
        # Its own, so that what is installed or was used by another run in this process is not told.
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._on_failure = on_failure
        for index, observer in enumerate(observers):
            self._manager.register(observer, name=f"observer[{index}] {observer.name}")

    def heard(self) -> frozenset[str]:
        """Return the hooks that anybody listens to; other events need not be made."""
        callers = (
            c for plugin in self._plugins() for c in self._manager.get_hookcallers(plugin) or ()
        )
        return frozenset(caller.name for caller in callers)

    def send(self, hook: str, event: Event) -> None:
        """Tell every observer of an event."""
        for plugin in self._plugins():
            self._call(plugin, hook, event=event)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Run a phase inside the contexts that observers wrap around it."""
        with ExitStack() as stack:
            for plugin in self._plugins():
                for context in self._call(plugin, "evoframe_phase", phase=phase):
                    stack.enter_context(self._isolated(plugin, context))
            yield

    def _plugins(self) -> list[Any]:
        return [plugin for _, plugin in self._manager.list_name_plugin() if plugin is not None]

    def _call(self, plugin: Any, hook: str, **arguments: Any) -> list[Any]:
        others = [other for other in self._plugins() if other is not plugin]
        # One observer at a time, so that one that raises keeps nothing from the others.
        caller = self._manager.subset_hook_caller(hook, others)
        try:
            # An observer decides nothing, so it may look at whatever it likes.
            with untouched(), sight_of(None):
                return list(caller(**arguments))
        except Exception as error:  # noqa: BLE001  an observer may do anything
            self._disable(plugin, error)
            return []

    @contextmanager
    def _isolated(self, plugin: Any, context: Any) -> Iterator[None]:
        """Enter and leave a foreign context; its own exceptions never reach the phase."""
        entered = False
        try:
            with untouched():
                context.__enter__()
            entered = True
        except Exception as error:  # noqa: BLE001
            self._disable(plugin, error)
        try:
            yield
        finally:
            if entered:
                try:
                    with untouched():
                        # Never told of an exception: a context
                        # that swallows it would change the run.
                        context.__exit__(None, None, None)
                except Exception as error:  # noqa: BLE001
                    self._disable(plugin, error)

    def _disable(self, plugin: Any, error: Exception) -> None:
        name = self._manager.get_name(plugin)
        if name is not None:
            self._manager.unregister(plugin)
            self._on_failure(name, error)
