"""What was offered, by whom, and how it is found by name."""

from __future__ import annotations

import attrs

from evoframe.errors import (
    AmbiguousStrategyError,
    ConfigError,
    NoSuchStrategyError,
    close_match,
    listing,
)
from evoframe.roles import ROLES, Strategy


@attrs.frozen
class LoadedPlugin:
    """A plugin that is in use.

    Attributes:
        name: its entry point's name, or the file or module it was named by.
        distribution: the package it was installed with; empty for a file.
        version: that package's version.
        offers: ``role/name`` of everything it offers.
    """

    name: str
    distribution: str
    version: str
    offers: tuple[str, ...] = ()


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
    """Everything that was offered when plugins were loaded; it never changes afterwards."""

    offers: tuple[Offer, ...]
    plugins: tuple[LoadedPlugin, ...]
    failures: tuple[LoadFailure, ...]

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

        Raises:
            NoSuchStrategyError: nobody offers it; plugins that failed to load are quoted.
            AmbiguousStrategyError: several plugins do.
        """
        plugin, _, bare = name.rpartition(":")
        offers = self.of_role(role)
        found = [o for o in offers if o.name == bare and plugin in ("", o.plugin.name)]
        if len(found) == 1:
            return found[0]
        if found:
            choices = listing(f"{offer.plugin.name}:{bare}" for offer in found)
            raise AmbiguousStrategyError(
                f"{role} {name!r} is offered by {len(found)} plugins. Say which: {choices}."
            )
        names = {offer.name for offer in offers}
        raise NoSuchStrategyError(
            f"there is no {role} {name!r}.{close_match(bare, names)} "
            f"There are: {listing(names)}.{self._failures_in_words()}"
        )

    def offer_of(self, strategy: type[Strategy]) -> Offer | None:
        """Return the offer of exactly this class; None when nobody offers it."""
        return next((offer for offer in self.offers if offer.strategy is strategy), None)

    def _failures_in_words(self) -> str:
        if not self.failures:
            return ""
        return " Not loaded: " + "; ".join(map(str, self.failures))
