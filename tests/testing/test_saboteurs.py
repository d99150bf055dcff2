"""The kit catches what it is there to catch: every check has a saboteur that it alone finds."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest

from evoframe.errors import ConformanceError
from evoframe.registry.loading import import_plugin
from evoframe.testing import checks_for
from evoframe.testing.catalogue import PAGE, NotTried, all_checks
from evoframe.testing.verdicts import judge

HERE = Path(__file__)
KINDS = import_plugin(str(HERE.with_name("kinds.py")))
SOUND = import_plugin(str(HERE.with_name("sound.py"))).SOUND
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


@pytest.mark.parametrize(("name", "saboteur"), KINDS.KINDS, ids=lambda part: str(part)[:40])
def test_what_breaks_late_or_seldom_is_caught_too(name: str, saboteur: Any) -> None:
    """In late generations and long lives, on large layers, of many jobs, by what is kept."""
    (check,) = [one for one in checks_for(saboteur) if one.name == name]

    assert check.attempt(saboteur) is not None


def test_an_option_that_nobody_has_tried_is_tried() -> None:
    """The defaults keep all promises, and a user will choose something else."""
    verdict = judge(KINDS.Sudden())

    assert verdict.held == len(checks_for(KINDS.Sudden()))
    (told,) = verdict.failures
    assert "Sudden(wild=True) fails adds_synapses_only_if_it_grows" in told


@pytest.mark.slow
@pytest.mark.parametrize("strategy", SOUND, ids=repr)
def test_a_sound_strategy_is_not_accused(strategy: Any) -> None:
    """Caches, rare events, early ends, tables and infinity break no promise."""
    verdict = judge(strategy)

    assert not verdict.failures, verdict.failures


def test_one_fault_is_reported_once() -> None:
    """Whatever is tried, it raises: that is one thing to repair."""
    verdict = judge(KINDS.Panic())

    (told,) = verdict.failures
    assert "SystemExit" in told
