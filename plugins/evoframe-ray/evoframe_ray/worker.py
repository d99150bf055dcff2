"""Worker: what runs on a node. It lives one life, and tells of it as it goes."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from evoframe.plugin import Outcome


def lived(call: bytes) -> Iterator[bytes]:
    """Yield, packed, what a life tells of itself, and at last its outcome."""
    said: SimpleQueue[bytes | Outcome] = SimpleQueue()
    # In a thread of its own, because a life calls to tell, and a stream is asked. The thread ends
    # with the process, whatever it is doing.
    threading.Thread(target=_live, args=(call, said), name="life", daemon=True).start()
    while not isinstance(next_ := said.get(), Outcome):
        yield next_
    yield pickle.dumps(next_)


def _live(call: bytes, said: SimpleQueue[bytes | Outcome]) -> None:
    def send(hook: str, event: Any) -> None:
        said.put(pickle.dumps((hook, event)))  # here, where what cannot be pickled is told

    said.put(Outcome.of(_called, call, send))


def _called(call: bytes, send: Any) -> Any:
    function, job = pickle.loads(call)  # noqa: S301  it comes from who carries the run
    return function(job, send)
