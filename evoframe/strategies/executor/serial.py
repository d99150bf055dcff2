"""Serial: one life after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import attrs

from evoframe.roles import Executor
from evoframe.roles.executor import Job, Result, Send


@attrs.frozen
class Serial(Executor):
    """Runs one life after another, in this process."""

    name: ClassVar[str] = "serial"

    def map(
        self, live: Callable[[Job, Any], Result], jobs: Sequence[Job], send: Send
    ) -> Iterator[Result]:
        """Yield the results in the order of the jobs."""
        for job in jobs:
            yield live(job, send)
