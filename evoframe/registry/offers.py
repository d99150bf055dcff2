"""What was offered, by whom, and how it is found by name."""

from __future__ import annotations

from pathlib import Path

import attrs

from evoframe.errors import (
    AmbiguousStrategyError,
    ConfigError,
    NoSuchStrategyError,
    close_match,
    listing,
)
from evoframe.markers import PROJECT
from evoframe.roles import ROLES, Strategy


@attrs.frozen
class LoadedPlugin:
    """A plugin that is in use.

    Attributes:
        name: its entry point's name, or the file or module it was named by.
        distribution: the package it was installed with; empty for a file.
        version: that package's version.
        offers: ``role/name`` of everything it offers.
        changed: what it has changed of the global state while it was imported.
    """

    name: str
    distribution: str
    version: str
    offers: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with evoframe."""
        return self.distribution == PROJECT

    @property
    def whence(self) -> str:
        """Where it comes from, for people."""
        return f"{self.distribution} {self.version}" if self.distribution else self.name

    def is_called(self, name: str) -> bool:
        """Tell whether a name means this plugin; of a file, however its path is written."""
        if name in (self.name, self.distribution):
            return True
        files = name.endswith(".py") and self.name.endswith(".py")
        return files and _absolute(name) == _absolute(self.name)


@attrs.frozen
class LoadFailure:
    """A plugin, or a part of one, that is not in use, and why."""

    plugin: str
    distribution: str
    version: str
    reason: str

    def __str__(self) -> str:
        origin = f" ({self.distribution} {self.version})" if self.distribution else ""
        return f"plugin {self.plugin!r}{origin}: {self.reason}"


@attrs.frozen
class Offer:
    """One strategy that somebody offers."""

    strategy: type[Strategy]
    plugin: LoadedPlugin

    @property
    def role(self) -> str:
        """The role it plays."""
        return self.strategy.role

    @property
    def name(self) -> str:
        """The name it is chosen by."""
        return self.strategy.name


@attrs.frozen
class Registry:
    """Everything that was offered when plugins were loaded; it never changes afterwards.

    Attributes:
        offers: all strategies, each with its plugin.
        plugins: those that are in use.
        failures: those that are not, or not wholly, and why.
        blocked: those that somebody wants not to be used.
    """

    offers: tuple[Offer, ...]
    plugins: tuple[LoadedPlugin, ...]
    failures: tuple[LoadFailure, ...]
    blocked: tuple[LoadFailure, ...] = ()

    def of_role(self, role: str) -> tuple[Offer, ...]:
        """Return the offers for a role, sorted by name.

        Raises:
            ConfigError: there is no such role.
        """
        if role not in ROLES:
            raise ConfigError(
                f"there is no role {role!r}.{close_match(role, ROLES)} Roles: {', '.join(ROLES)}."
            )
        found = [offer for offer in self.offers if offer.role == role]
        return tuple(sorted(found, key=lambda offer: (offer.name, offer.plugin.name)))

    def find(self, role: str, name: str) -> Offer:
        """Return the offer of that name; ``plugin:name`` settles between several.

        A name without a plugin is the built-in strategy's, whatever else is installed.

        Raises:
            NoSuchStrategyError: nobody offers it; plugins that failed to load are quoted.
            AmbiguousStrategyError: several plugins do.
        """
        plugin, _, bare = name.rpartition(":")
        offers = self.of_role(role)
        found = [o for o in offers if o.name == bare and (not plugin or o.plugin.is_called(plugin))]
        if not plugin:
            found = [o for o in found if o.plugin.is_built_in] or found
        if len(found) == 1:
            return found[0]
        if found:
            choices = listing(f"{self.qualified(one)} ({one.plugin.whence})" for one in found)
            raise AmbiguousStrategyError(
                f"{role} {name!r} is offered by {len(found)} plugins. Say which: {choices}."
            )
        names = {offer.name for offer in offers}
        raise NoSuchStrategyError(
            f"there is no {role} {name!r}.{close_match(bare, names)} "
            f"There are: {listing(names)}.{self._failures_in_words()}"
        )

    def qualified(self, offer: Offer) -> str:
        """Return the name by which exactly this offer is found, as ``plugin:name``."""
        plugin = offer.plugin
        if plugin.is_built_in:
            return f"{PROJECT}:{offer.name}"
        alike = [one for one in self.plugins if one.is_called(plugin.name)]
        who = plugin.distribution if len(alike) > 1 and plugin.distribution else plugin.name
        return f"{who}:{offer.name}"

    def shadowed(self) -> tuple[Offer, ...]:
        """Return the offers whose bare name is another's: they need their plugin's name."""
        names = [(one.role, one.name) for one in self.offers]
        return tuple(
            one
            for one in self.offers
            if names.count((one.role, one.name)) > 1 and not one.plugin.is_built_in
        )

    def offer_of(self, strategy: type[Strategy]) -> Offer | None:
        """Return the offer of exactly this class; None when nobody offers it."""
        return next((offer for offer in self.offers if offer.strategy is strategy), None)

    def _failures_in_words(self) -> str:
        lost = (*self.failures, *self.blocked)
        return " Not loaded: " + "; ".join(map(str, lost)) + "." if lost else ""


def _absolute(path: str) -> Path:
    return Path(path).expanduser().resolve()
