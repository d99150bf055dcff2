"""Batches of a task as a loader, over which another library passes epoch after epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evoframe.errors import TaskError
from evoframe.kernel.life import Batch
from evoframe.roles import Task
from evoframe.roles.measuring import batches_in


class Batches:
    """A loader whose passes may differ: what it gives is asked for whenever a pass begins."""

    def __init__(self, one_pass: Callable[[], Iterable[Batch]]) -> None:
        """Take what returns a pass of a known length."""
        self._one_pass = one_pass

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        return len(self._one_pass())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of a pass."""
        # The epoch is known when the first batch is asked for, and not before.
        yield from self._one_pass()


def require_length(task: Task, batch_size: int | None, who: str) -> None:
    """Refuse a training split whose number of batches nobody knows.

    Args:
        task: whose split it is.
        batch_size: examples in a batch; None for the task's own choice.
        who: the name of the training.

    Raises:
        TaskError: it is a stream.
    """
    if batches_in(task.batches("train", batch_size=batch_size)) is None:
        raise TaskError(
            f"training {who!r} plans a life by the number of its steps, and the training split of "
            f"task {task.name!r} is a streamof unknown length. Give it a length, or use training "
            "'gradient'."
        )
