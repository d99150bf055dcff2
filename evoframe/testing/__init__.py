"""The conformance kit: what a strategy of each role promises, tried on generated networks.

One line is enough for an author::

    test_conformance = conformance(MyStrategy(), MyStrategy(option=2))

Nothing is imported before it is used, because pytest loads this package in every session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evoframe.lazy import from_modules

if TYPE_CHECKING:
    from evoframe.errors import ConformanceError as ConformanceError
    from evoframe.testing.case import Case as Case
    from evoframe.testing.catalogue import Check as Check, checks_for as checks_for
    from evoframe.testing.lives import lived as lived, taken_up as taken_up
    from evoframe.testing.machine import interleavings as interleavings
    from evoframe.testing.pytest import conformance as conformance
    from evoframe.testing.specimens import Specimen as Specimen
    from evoframe.testing.strategies import (
        cases as cases,
        dna as dna,
        genotypes as genotypes,
        keys as keys,
        networks as networks,
        populations as populations,
        recipes as recipes,
    )

_PLACES = {
    "Case": "evoframe.testing.case",
    "Check": "evoframe.testing.catalogue",
    "ConformanceError": "evoframe.errors",
    "Specimen": "evoframe.testing.specimens",
    "cases": "evoframe.testing.strategies",
    "checks_for": "evoframe.testing.catalogue",
    "conformance": "evoframe.testing.pytest",
    "dna": "evoframe.testing.strategies",
    "genotypes": "evoframe.testing.strategies",
    "interleavings": "evoframe.testing.machine",
    "keys": "evoframe.testing.strategies",
    "lived": "evoframe.testing.lives",
    "networks": "evoframe.testing.strategies",
    "populations": "evoframe.testing.strategies",
    "recipes": "evoframe.testing.strategies",
    "taken_up": "evoframe.testing.lives",
}

__all__ = [*_PLACES]  # noqa: PLE0604  the keys are strings

if not TYPE_CHECKING:  # a type checker is to refuse names that are not there
    __getattr__ = from_modules(__name__, _PLACES)


def __dir__() -> list[str]:
    return sorted(__all__)
