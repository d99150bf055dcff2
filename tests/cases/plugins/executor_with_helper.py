"""An executor in a file, over processes of its own, with a helper function: nothing is wrong.

Right: conforms, from a file as well; a worker that unpickles the helper finds the file's module.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import attrs

from evoframe.plugin import Executor, hookimpl

EXPECT = "conforms"


def lived(live, job):
    events = []
    return live(job, lambda *event: events.append(event)), events


@attrs.frozen
class Pool(Executor):
    """Two spawned processes."""

    name = "pool"

    def map(self, live, jobs, send):
        if not jobs:
            return
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            for future in [pool.submit(lived, live, job) for job in jobs]:
                result, events = future.result()
                for event in events:
                    send(*event)
                yield result


@hookimpl
def evoframe_executors():
    return [Pool]
