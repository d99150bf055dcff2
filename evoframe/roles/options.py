"""Options that belong together: an option of a strategy that is a table of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from evoframe.roles.base import doc


def options(kind: type[Any], help_text: str) -> Any:
    """Return the field of an option that is a table, held by a frozen attrs class.

    In Python a mapping will do as well::

        arguments: Arguments = options(Arguments, "how it learns, by the names of Trainer")

    Args:
        kind: the class, each of whose fields has a default and a help text of its own.
        help_text: as for :func:`doc`.
    """

    def made(given: Any) -> Any:
        return kind(**given) if isinstance(given, Mapping) else given

    return attrs.field(
        factory=kind,
        converter=made,
        validator=attrs.validators.instance_of(kind),
        metadata=doc(help_text),
    )
