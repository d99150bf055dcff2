"""In company: a whole run, and many ways to interrupt and reorder one."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, errors, settings
from hypothesis.stateful import run_state_machine_as_test

from evoframe.testing.catalogue import Stage, law
from evoframe.testing.machine import IN_GENERATIONS, interleavings
from evoframe.testing.trying import Broken, broken, profile
from evoframe.testing.whole_runs import one_run

IN_COMPANY = ("heredity", "mutation", "selection", "litter", "training", "nurture")
"""The roles that are tried with two encodings."""

STEPS = 5
"""How many things happen to a run in one example, at most."""


@law(stage=Stage.COMPANY)
def check_works_in_a_run(strategy: Any) -> None:
    """Named in a recipe with built-in company, it carries a run of a small network to its end.

    Seven generations, with an encoding that draws and with one that ranks. Offspring may be
    stillborn, but not all of them.
    """
    # How environments do with rankings is a check of its own; others have no run of two kinds.
    kinds = ("synaptic", "magnitude") if strategy.role in IN_COMPANY else ("synaptic",)
    for encoding in kinds:
        happened = one_run(strategy, encoding=encoding)
        if happened.alive < 2:
            where = f" with encoding {encoding!r}" if len(kinds) > 1 else ""
            broken(f"every offspring was stillborn{where}: {happened.stillborn[0]}")


@law(*IN_GENERATIONS, stage=Stage.COMPANY)
def check_survives_any_interleaving(strategy: Any) -> None:
    """Whatever is interleaved, generations are those of the straight run.

    Steps, checkpoints, restores with strategies made anew, lives in another order, and foreign
    draws: what an individual becomes depends on its parents and its key alone.
    """
    __tracebackhide__ = True
    # Not shrunk, which would take long: there are few steps in the first place.
    steps = settings(profile(0.5), stateful_step_count=STEPS, phases=[Phase.generate])
    try:
        run_state_machine_as_test(interleavings(strategy), settings=steps)
    except Broken as told:
        told.case = _steps(told)
        raise
    except errors.Flaky as unsteady:
        raise Broken("it failed at first, and not when the same was tried again") from unsteady


def _steps(error: BaseException) -> str | None:
    """Return the steps that hypothesis has noted, in one line."""
    notes = "\n".join(getattr(error, "__notes__", ()))
    lines = [line.strip() for line in notes.splitlines() if line.strip().startswith("state.")]
    calls = [line.removeprefix("state.") for line in lines if "go_on" in line or "begin" in line]
    return "; ".join(calls) or None
