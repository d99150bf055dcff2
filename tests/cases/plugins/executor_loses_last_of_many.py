"""An executor that loses the last of six jobs or more.

Right: lives_every_job_once fails, with numbers of jobs from none to some tens.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Executor, hookimpl

EXPECT = "caught"


@attrs.frozen
class Sieve(Executor):
    """One after the other."""

    name = "sieve"

    def map(self, live, jobs, send):
        for number, job in enumerate(jobs):
            if number < 5 or number + 1 < len(jobs):
                yield live(job, send)


@hookimpl
def evoframe_executors():
    return [Sieve]
