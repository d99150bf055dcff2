"""Submitit: each life is a job of a Slurm cluster, or of submitit's stand-ins for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs

from evoframe.plugin import Executor, FrozenDict, Send, TaskError, doc
from evoframe_submitit import library
from evoframe_submitit.jobs import Jobs
from evoframe_submitit.session import Session


@attrs.frozen
class Submitit(Executor):
    """Lives every life as a job of its own, submitted through submitit."""

    name: ClassVar[str] = "submitit"
    other_machines: ClassVar[bool] = True

    cluster: Literal["slurm", "local", "debug"] = attrs.field(
        default="slurm",
        validator=attrs.validators.in_(("slurm", "local", "debug")),
        metadata=doc("slurm; local for processes of this machine; debug for this process"),
    )
    partition: str | None = attrs.field(
        default=None, metadata=doc("partition of Slurm; its default if not given")
    )
    minutes: int = attrs.field(
        default=60,
        validator=attrs.validators.ge(1),
        metadata=doc("time limit of a job; a life that needs longer goes on from its checkpoint"),
    )
    timeouts: int = attrs.field(
        default=10,
        validator=attrs.validators.ge(0),
        metadata=doc("how often a life may run into the time limit and go on"),
    )
    cpus: int = attrs.field(
        default=1, validator=attrs.validators.ge(1), metadata=doc("CPU cores of a job")
    )
    gpus: int = attrs.field(
        default=0, validator=attrs.validators.ge(0), metadata=doc("GPUs of a job")
    )
    memory: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("gigabytes of a job; 0 for the default of the cluster"),
    )
    most: int = attrs.field(
        default=0,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "jobs that are submitted at a time; 0 for all that are due, with local for as many as "
            "there are CPU cores"
        ),
    )
    tries: int = attrs.field(
        default=3,
        validator=attrs.validators.ge(1),
        metadata=doc("how often a life is submitted whose job is lost"),
    )
    folder: str = attrs.field(
        default="submitit",
        metadata=doc("where logs and pickles of jobs are put, in the folder of the run"),
    )
    setup: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("lines of shell before a job, such as 'module load cuda'")
    )
    flags: Mapping[str, str] = attrs.field(
        factory=FrozenDict,
        converter=FrozenDict,
        metadata=doc("further options of sbatch, by their long names: qos = 'low'"),
    )
    poll: float = attrs.field(
        default=1.0,
        validator=attrs.validators.ge(0.01),
        metadata=doc("seconds between looks at files; Slurm is asked every ten looks"),
    )
    patience: float = attrs.field(
        default=120.0,
        validator=attrs.validators.ge(1),
        metadata=doc("seconds without a sign of the driver after which a job ends itself"),
    )

    def check(self, *, can_be_rebuilt: bool) -> None:
        """Refuse strategies that jobs could not make again, and what submitit refuses."""
        if not can_be_rebuilt:
            raise TaskError(
                "the executor 'submitit' must rebuild the task in jobs, and a strategy of this "
                "recipe exists only in this Python session. Put it in a file and name it as "
                "--task file.py:Name, or use the executor 'serial'."
            )
        library.check(self)

    def map(
        self, live: Callable[[Any, Any], Any], jobs: Sequence[Any], send: Send
    ) -> Iterator[Any]:
        """Yield the results as they come; the first failure ends all other jobs.

        Raises:
            RunError: a job cannot be submitted, or was lost too often.
        """
        if not jobs:
            return
        run: Path | None = getattr(live, "folder", None)
        with Session.begun(run, self) as session:
            yield from Jobs(self, session, live, send).lived(jobs)
