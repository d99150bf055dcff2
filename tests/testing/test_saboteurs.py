"""The kit catches what it is there to catch: every check has a saboteur that it alone finds."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from evoframe.errors import ConformanceError
from evoframe.registry.loading import import_plugin
from evoframe.testing import checks_for
from evoframe.testing.catalogue import PAGE, NotTried, all_checks

SABOTEURS = import_plugin(str(Path(__file__).with_name("saboteurs.py"))).SABOTEURS


def test_every_check_has_a_saboteur() -> None:
    """A check that has never failed may be one that cannot."""
    assert [check.name for check in all_checks()] == list(SABOTEURS)


@pytest.mark.parametrize("name", SABOTEURS)
def test_a_saboteur_is_caught_by_its_check_alone(name: str) -> None:
    """One mistake, one message: an author is told what to repair, and only that."""
    saboteur, caught = SABOTEURS[name], {}
    for check in checks_for(saboteur):
        with contextlib.suppress(NotTried):
            try:
                check(saboteur)
            except ConformanceError as error:
                caught[check.name] = str(error)

    assert list(caught) == [name], caught
    assert "promised: " in caught[name]
    assert "happened: " in caught[name]
    assert f"{PAGE}#{name.replace('_', '-')}" in caught[name]
    assert sys.getsizeof(caught[name]) < 2_000
