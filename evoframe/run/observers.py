"""Observers of one run: told of everything, able to change nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pluggy

from evoframe import hookspecs
from evoframe.errors import ContractError
from evoframe.kernel.events import Event, Phase
from evoframe.kernel.key import untouched
from evoframe.kernel.splits import sight_of
from evoframe.markers import PROJECT
from evoframe.roles import Observer
from evoframe.run import patience


class Observers:
    """The run's own plugin manager, with the observers that its recipe names and nobody else.

    Global randomness that an observer uses is put back. One that raises, hangs, or changes what it
    is told, is disabled for the rest of the run, and ``on_failure`` is told its entry in the recipe
    and the exception; one that hangs where it cannot be left behind is waited for, and
    ``on_hanging`` is told.
    """

    def __init__(
        self,
        observers: Sequence[Observer],
        on_failure: Callable[[str, BaseException], None],
        on_hanging: Callable[[str], None] = print,
    ) -> None:
        # Its own, so that what is installed or was used by another run in this process is not told.
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._on_failure, self._on_hanging = on_failure, on_hanging
        for index, observer in enumerate(observers):
            self._manager.register(observer, name=f"observer[{index}] {observer.name}")

    def heard(self) -> frozenset[str]:
        """Return the hooks that anybody listens to; other events need not be made."""
        return frozenset(hook for plugin in self._plugins() for hook in self._hooks_of(plugin))

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
        if hook not in self._hooks_of(plugin):
            return []
        others = [other for other in self._plugins() if other is not plugin]
        # One observer at a time, so that one that raises keeps nothing from the others.
        caller = self._manager.subset_hook_caller(hook, others)
        with self._guarded(plugin):
            # A copy, so that whoever writes into it deceives nobody but itself.
            given = copy.deepcopy(arguments)
            returned = list(caller(**given))
            # Not by ``==``, to which NaN is never the same.
            if repr(given) != repr(arguments):
                raise ContractError("it changed its arguments, which are read-only")
            return returned
        return []

    def _hooks_of(self, plugin: Any) -> set[str]:
        return {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}

    @contextmanager
    def _guarded(self, plugin: Any) -> Iterator[None]:
        """Run foreign code; whatever it raises disables its observer, and goes no further."""
        try:
            # An observer decides nothing, so it may look at whatever it likes.
            with untouched(), sight_of(None), self._limited(plugin):
                yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  an observer may do anything
            self._disable(plugin, error)

    @contextmanager
    def _isolated(self, plugin: Any, context: Any) -> Iterator[None]:
        """Enter and leave a foreign context; its own exceptions never reach the phase."""
        entered = False
        with self._guarded(plugin):
            context.__enter__()
            entered = True
        try:
            yield
        finally:
            if entered:
                with self._guarded(plugin):
                    # Never told of an exception: a context that swallows it would change the run.
                    context.__exit__(None, None, None)

    def _limited(self, plugin: Any) -> AbstractContextManager[None]:
        """Return a context that is left when somebody hangs in it, or in which that is told."""
        name = self._manager.get_name(plugin)
        return patience.limited(lambda words: self._on_hanging(f"{name} {words}"))

    def _disable(self, plugin: Any, error: BaseException) -> None:
        name = self._manager.get_name(plugin)
        if name is not None:
            self._manager.unregister(plugin)
            self._on_failure(name, error)
