"""Due: who is to be born in a generation, as its selection says."""

from __future__ import annotations

import attrs

from evoframe.evolution.birth import Birth
from evoframe.kernel.context import Context
from evoframe.kernel.population import Population
from evoframe.kernel.rungs import Heat


@attrs.frozen(eq=False)
class Due:
    """Who is to be born in a generation.

    Attributes:
        number: of the generation.
        births: all of them.
        missing: those who are not on record.
        heats: in which rungs they live; none if lives are lived in one go.
        seen: whom they descend from.
        context: the run, with the key of the generation.
    """

    number: int
    births: tuple[Birth, ...]
    missing: list[Birth]
    heats: tuple[Heat, ...]
    seen: Population
    context: Context
