"""A strategy for evoframe, of the role executor."""

import attrs

from evoframe.plugin import Executor, hookimpl


@attrs.frozen
class Backwards(Executor):
    """Lives the lives of a generation in reverse order."""

    name = "backwards"

    def map(self, live, jobs, send):
        for job in reversed(jobs):
            yield live(job, send)


@hookimpl
def evoframe_executors():
    return [Backwards]
