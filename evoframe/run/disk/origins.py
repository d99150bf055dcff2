"""Origins: where a strategy comes from, and in which version."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import attrs

from evoframe.registry import Registry
from evoframe.registry.file_names import FROM_FILE
from evoframe.registry.neighbours import files_beside, module_in_words
from evoframe.roles import Strategy


@attrs.frozen
class StrategyOrigin:
    """Where a strategy comes from.

    Attributes:
        name: what it is chosen by, or its class where nobody offers it.
        place: a distribution, a module, or the name of a file.
        version: of the distribution, or a digest of what the file and its neighbours hold; empty if
            unknown.
    """

    name: str
    place: str
    version: str

    def __str__(self) -> str:
        """Return the origin in words, without the version."""
        return f"{self.name} of {self.place}"

    @property
    def with_version(self) -> str:
        """The same with the version, as it is in the record."""
        return f"{self} {self.version}".rstrip()


def origin(strategy: type[Strategy], registry: Registry) -> StrategyOrigin:
    """Return the origin of a strategy: its distribution, or its module or file."""
    offer = registry.offer_of(strategy)
    name = offer.name if offer is not None else strategy.__qualname__
    if offer is not None and offer.plugin.distribution:
        return StrategyOrigin(name, offer.plugin.distribution, offer.plugin.version)
    module = strategy.__module__
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    # Built-in strategies go by evoframe's version, which is on record already.
    ours = module.startswith("evoframe.") and not module.startswith(FROM_FILE)
    if not file.is_file() or ours:
        return StrategyOrigin(name, module, "")
    place = file.name if module.startswith(FROM_FILE) else module_in_words(module)
    content = b"".join(one.read_bytes() for one in (file, *files_beside(file)) if one.is_file())
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return StrategyOrigin(name, place, f"with content {digest}")
