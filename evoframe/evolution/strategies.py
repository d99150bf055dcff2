"""Strategies: those that make one generation out of another, one value for all."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from evoframe.roles.encoding import Encoding
from evoframe.roles.environment import Environment
from evoframe.roles.heredity import Heredity
from evoframe.roles.litter import Litter
from evoframe.roles.mutation import Mutation
from evoframe.roles.nurture import Nurture
from evoframe.roles.selection import Selection
from evoframe.roles.training import Training


@attrs.frozen(eq=False)
class Strategies:
    """The strategies that make one generation out of another.

    Attributes:
        encoding, environment, ...: one for each role, or several in their order.
        litter: who chooses among siblings; None if there is an only child.
        states: what they keep across generations, as text, by entry of the recipe.
    """

    encoding: Encoding
    environment: tuple[Environment, ...]
    heredity: Heredity
    mutation: tuple[Mutation, ...]
    training: Training
    nurture: tuple[Nurture, ...]
    selection: Selection
    litter: Litter | None = None
    states: Mapping[str, str] = attrs.field(factory=dict)
