"""Observers: watching changes nothing."""

from __future__ import annotations

from typing import Any

from evoframe.testing.catalogue import Stage, law
from evoframe.testing.trying import broken
from evoframe.testing.whole_runs import one_run


@law("observer", stage=Stage.COMPANY)
def check_changes_no_run(observer: Any) -> None:
    """A run that is watched has the same digest as one that is not.

    Events are there to be read, and stay as they are.
    """
    watched, alone = one_run(observer), one_run()
    if watched.digest != alone.digest:
        broken(f"the run's digest is {watched.digest}; unwatched it is {alone.digest}")


@law("observer", stage=Stage.COMPANY)
def check_hears_a_run_to_its_end(observer: Any) -> None:
    """No hook of it raises in a whole run, or changes the event that it is told.

    An observer that does is disabled for the rest of the run, and its user is told.
    """
    if disabled := one_run(observer).disabled:
        broken(f"it was disabled: {disabled[0]}")
