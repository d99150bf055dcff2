"""Observers: watching changes nothing."""

from __future__ import annotations

from typing import Any

from evoframe.testing.catalogue import Stage, law
from evoframe.testing.trying import broken
from evoframe.testing.whole_runs import one_run


@law("observer", stage=Stage.COMPANY)
def check_changes_no_run(observer: Any) -> None:
    """A run that is watched has the same digest as one that is not, and so have its events.

    Events are shared with all observers: read them, and leave them as they are.
    """
    watched, alone = one_run(observer), one_run()
    if watched.edited:
        broken(f"the event of {watched.edited[0]} was another after it had heard it")
    if watched.digest != alone.digest:
        broken(f"the run's digest is {watched.digest}; unwatched it is {alone.digest}")


@law("observer", stage=Stage.COMPANY)
def check_hears_a_run_to_its_end(observer: Any) -> None:
    """No hook of it raises in a whole run.

    An observer that raises is disabled for the rest of the run, and its user is told.
    """
    if disabled := one_run(observer).disabled:
        broken(f"it was disabled: {disabled[0]}")
