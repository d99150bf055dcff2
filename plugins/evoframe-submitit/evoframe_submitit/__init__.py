"""Lives as jobs of a Slurm cluster, through submitit, as an executor of evoframe."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_submitit.executor import Submitit as Submitit


@hookimpl
def evoframe_executors() -> list[type]:
    return [Submitit]
