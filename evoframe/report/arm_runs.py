"""Arm runs: the runs of a comparison, one after another or side by side.

For each seed a run of nobody but the ancestor comes first, and every arm that would train the
same ancestor begins with that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.convert import recipe_from, run_options
from evoframe.errors import EvoframeError, RunError
from evoframe.registry import Registry, load_registry
from evoframe.report.arms import FOUNDER, Arm
from evoframe.run import starting
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import is_finished
from evoframe.strategies.executor.processes import Processes
from evoframe.strategies.executor.serial import Serial

Say = Callable[[str], None]
"""Takes a line of progress."""


@attrs.frozen
class ArmRun:
    """One run of a comparison.

    Attributes:
        arm: whose it is.
        seed: of the run.
        tables: its recipe, but for the seed.
        path: its folder, OUT/NAME/seed-N.
        founder: the folder of the run whose ancestor it begins with; None if it trains its own.
    """

    arm: str
    seed: int
    tables: files.Tables
    path: Path
    founder: Path | None = None

    def __str__(self) -> str:
        """Return the name of its folder and its seed, in words."""
        return f"{self.path.parent.name}, seed {self.seed}"


def founder_of(first: Arm, seed: int, out: Path) -> ArmRun:
    """Return the run of nobody but the ancestor that the arms of a seed begin with."""
    (tables,) = first.recipes
    run = {**tables["run"], "generations": 1}
    path = (out / FOUNDER / f"seed-{seed}").absolute()
    return ArmRun(FOUNDER, seed, {**tables, "run": run}, path)


def arm_runs_of(arm: Arm, founder: ArmRun) -> list[ArmRun]:
    """Return the runs of an arm with the seed of a founder, one for each of its recipes."""
    out, several = founder.path.parents[1], len(arm.recipes) > 1
    return [
        ArmRun(
            arm=arm.name,
            seed=founder.seed,
            tables=tables,
            path=out / (f"{arm.name}-{index}" if several else arm.name) / founder.path.name,
            founder=founder.path if _origin(tables) == _origin(founder.tables) else None,
        )
        for index, tables in enumerate(arm.recipes)
    ]


def _origin(tables: files.Tables) -> list[Any]:
    """Return all that an ancestor comes from, besides the seed."""
    run = [tables["run"].get(name) for name in ("device", "threads", "strict")]
    # Device and threads too: they decide the last bits of its weights.
    return [*(tables.get(name) for name in ("task", "ancestor", "anatomy")), *run]


def carry_all(
    batches: Sequence[Sequence[ArmRun]], registry: Registry, say: Say, *, jobs: int
) -> None:
    """Carry runs to their end, a batch when the one before is done.

    Raises:
        RunError: of the first run that failed; what was finished is kept.
    """
    total, done = sum(map(len, batches)), 0
    say(f"{total} runs, {jobs} at a time, in {batches[0][0].path.parents[1]}")
    with ExitStack() as kept:
        for executor in [Processes(workers=jobs)] if jobs > 1 else _processes_of(batches, registry):
            kept.enter_context(executor.open())
        for batch in batches:
            if jobs == 1:
                finished = Serial().map(partial(_carry, registry=registry), batch, _unheard)
            else:
                # A registry holds modules, which do not travel, so each process loads its own.
                finished = Processes(workers=jobs).map(_carry_beside_others, batch, _unheard)
            for arm_run in finished:
                done += 1
                say(f"{done} of {total}: {arm_run}")


def _processes_of(batches: Sequence[Sequence[ArmRun]], registry: Registry) -> list[Processes]:
    """Return the executors of all runs that have processes, so that they are started once."""
    found: list[Processes] = []
    for arm_run in (one for batch in batches for one in batch):
        executor = recipe_from(arm_run.tables, registry).executor
        if isinstance(executor, Processes) and executor not in found:
            found.append(executor)
    return found


def _unheard(_hook: str, _event: Any) -> None:
    """Drop an event: nobody hears those of a comparison."""


def _carry(arm_run: ArmRun, _send: Any, *, registry: Registry) -> ArmRun:
    return _carried(arm_run, registry, {})


def _carry_beside_others(arm_run: ArmRun, _send: Any) -> ArmRun:
    """Carry a run in a process that knows nothing yet, and that starts no processes itself."""
    registry = load_registry(run_options(arm_run.tables).plugins)
    return _carried(arm_run, registry, {"executor": Serial()})


def is_done(arm_run: ArmRun) -> bool:
    """Tell whether a run has come to its end.

    Raises:
        RunError: its journal cannot be read.
    """
    try:
        return is_finished(RunFolder(arm_run.path).journal)
    except EvoframeError as error:
        raise RunError(f"{arm_run}: {error}") from error


def _carried(arm_run: ArmRun, registry: Registry, ready: dict[str, Any]) -> ArmRun:
    """Begin a run or go on with it, to its end."""
    if is_done(arm_run):
        return arm_run
    try:
        if RunFolder(arm_run.path).exists():
            starting.resume(arm_run.path, ready=ready, founder=arm_run.founder)
        else:
            recipe = recipe_from(arm_run.tables, registry, ready)
            recipe = attrs.evolve(recipe, run=attrs.evolve(recipe.run, seed=arm_run.seed))
            starting.start(recipe, registry, arm_run.path, founder=arm_run.founder)
    except EvoframeError as error:
        raise RunError(f"{arm_run}: {error}") from error
    return arm_run
