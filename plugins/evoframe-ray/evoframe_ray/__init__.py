"""Ray as an executor: the lives of an evolution are lived on the nodes of a cluster."""

from __future__ import annotations

from evoframe.plugin import hookimpl
from evoframe_ray.executor import Ray as Ray


@hookimpl
def evoframe_executors() -> list[type]:
    return [Ray]
