"""Executor: where the lives of a generation are lived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs

from evoframe.roles.base import Strategy

if TYPE_CHECKING:
    from evoframe.kernel.events import Event

Job = TypeVar("Job")
Result = TypeVar("Result")

Send = Callable[[str, "Event"], None]
"""Takes an event with the name of its hook to the run's observers."""


@attrs.frozen
class Executor(Strategy, ABC):
    """Maps a function over the births of a generation.

    The function is pure but for the files it writes, and can be pickled; so the results do not
    depend on where, when and in what order it is called.
    """

    role: ClassVar[str] = "executor"

    other_machines: ClassVar[bool] = False
    """Whether lives may be lived on other machines. A journal that is being written cannot be read
    from there, so they are given a copy; and what a worker runs is compared with the driver's."""

    def check(self, *, can_be_rebuilt: bool) -> None:
        """Refuse a recipe that cannot be lived here, before anything is written.

        Args:
            can_be_rebuilt: whether the run's record is enough to make its strategies again.

        Raises:
            TaskError: what cannot work, and what to do instead.
        """

    def open(self) -> AbstractContextManager[Executor]:
        """Return a context that lasts as long as a run, and gives who maps its generations.

        What takes long to make can be kept in it, from one generation to the next. As it is,
        nothing is kept, and it gives the executor itself.
        """
        return nullcontext(self)

    @abstractmethod
    def map(
        self, live: Callable[[Job, Any], Result], jobs: Sequence[Job], send: Send
    ) -> Iterator[Result]:
        """Yield ``live(job, send)`` for each job, as soon as each is there.

        Args:
            live: the function to call. That of a run has ``folder``, the path of the run.
            jobs: what to call it with. Births and cohorts of them have an ``id``.
            send: takes events; to be called in the thread that iterates.
        """
