"""The library: submitit's own executor with the options of ours, made when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoframe.plugin import ConfigError, RunError

if TYPE_CHECKING:
    from evoframe_submitit.executor import Submitit

OURS = ("array", "job-name", "open-mode", "output", "error", "signal", "requeue", "no-requeue")
"""Options of sbatch that say what the executor depends on."""


def needed() -> Any:
    """Return submitit; it is imported late, because only who names it needs it.

    Raises:
        ConfigError: it is not installed, and how to get it.
    """
    try:
        return import_module("submitit")
    except ImportError as error:
        raise ConfigError(
            f"the executor 'submitit' needs the package submitit, which is not there ({error}). "
            "Try `pip install evoframe-submitit[submitit]`."
        ) from error


def check(options: Submitit) -> None:
    """Refuse what submitit or sbatch would refuse; nothing is submitted.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    name = Path(options.folder)
    if name.is_absolute() or ".." in name.parts or not name.parts:
        raise ConfigError(
            f"executor.folder is {options.folder!r}; wanted a name within the folder of the run."
        )
    if taken := sorted({flag.replace("_", "-") for flag in options.flags} & {*OURS}):
        raise ConfigError(
            f"executor.flags says {', '.join(taken)}, which the executor 'submitit' sets itself."
        )
    with tempfile.TemporaryDirectory() as folder:
        found = made(options, Path(folder), "evoframe")
        if options.cluster == "slurm":
            _tested(found, Path(folder))


def made(options: Submitit, folder: Path, name: str) -> Any:
    """Return submitit's executor.

    Args:
        options: ours.
        folder: for its files.
        name: of its jobs.

    Raises:
        ConfigError: it refuses them.
    """
    submitit = needed()
    cluster, several = options.cluster, {}
    if cluster != "debug":
        several = {f"{cluster}_max_num_timeout": options.timeouts}
    try:
        found = submitit.AutoExecutor(folder=folder, cluster=cluster, **several)
        found.update_parameters(**parameters(options, name))
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise ConfigError(f"the executor 'submitit' refuses cluster {cluster!r}: {said}") from error
    return found


def parameters(options: Submitit, name: str) -> dict[str, Any]:
    """Return what submitit is told of a job."""
    said: dict[str, Any] = {
        "name": name,
        "timeout_min": options.minutes,
        "cpus_per_task": options.cpus,
        "gpus_per_node": options.gpus or None,
        "mem_gb": options.memory or None,
        "slurm_partition": options.partition,
    }
    if options.setup and options.cluster != "debug":
        said[f"{options.cluster}_setup"] = list(options.setup)
    flags: dict[str, Any] = {
        flag.replace("_", "-"): True if value == "true" else value
        for flag, value in options.flags.items()
    }
    # A job whose node dies waits for another one; all of an array may run that are submitted.
    said["slurm_additional_parameters"] = {"requeue": True, **flags}
    said["slurm_array_parallelism"] = 100_000
    return said


def submitted(executor: Any, calls: list[Any]) -> list[Any]:
    """Submit calls, as one array where there are several, and return their jobs.

    Raises:
        RunError: they were refused.
    """
    try:
        with outside_of_jobs():
            return list(executor.submit_array(calls))
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise RunError(
            f"the cluster refuses {len(calls)} jobs: {said}. The table [executor] of run.toml may "
            "be changed; then continue with `evoframe resume`."
        ) from error


@contextmanager
def outside_of_jobs() -> Iterator[None]:
    """Hide from new jobs that the driver is in a job itself, whose limits are not theirs."""
    hidden = {
        name: os.environ[name]
        for name in os.environ
        if name.startswith(("SLURM_", "SUBMITIT_"))
        and name != "SLURM_CONF"
        and "SLURM_JOB_ID" in os.environ
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def asked(*command: str) -> str | None:
    """Return what a command of Slurm says; None if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _tested(executor: Any, folder: Path) -> None:
    """Ask sbatch whether it would take such a job.

    Raises:
        ConfigError: it would not.
    """
    script = folder / "test.sh"
    make = getattr(getattr(executor, "_executor", None), "_make_submission_file_text", None)
    if make is None:
        return
    script.write_text(make(f"{sys.executable} --version", "test"), "utf-8")
    with suppress(OSError, subprocess.TimeoutExpired), outside_of_jobs():
        command = ["sbatch", "--test-only", str(script)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
        if done.returncode != 0:
            said = " ".join(done.stderr.split()).removeprefix("sbatch: error: ")[:300]
            raise ConfigError(f"sbatch would refuse the jobs of the executor 'submitit': {said}")
