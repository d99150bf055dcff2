"""Worker: what runs on a node. It lives one life, and tells of it as it goes."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

EVENT, RESULT, ERROR = "event", "result", "error"
"""What is sent home."""


def lived(call: bytes) -> Iterator[bytes]:
    """Yield, packed, what a life tells of itself, and at last what came of it."""
    said: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    # In a thread of its own, because a life calls to tell, and a stream is asked. The thread ends
    # with the process, whatever it is doing.
    threading.Thread(target=_live, args=(call, said), name="life", daemon=True).start()
    kind = EVENT
    while kind == EVENT:
        kind, packed = said.get()
        yield packed


def _live(call: bytes, said: SimpleQueue[tuple[str, bytes]]) -> None:
    def say(kind: str, value: Any) -> None:
        said.put((kind, pickle.dumps((kind, value))))

    def send(hook: str, event: Any) -> None:
        say(EVENT, (hook, event))

    try:
        function, job = pickle.loads(call)  # noqa: S301  it comes from who carries the run
        say(RESULT, function(job, send))
    # All that a life may raise goes home; ``sys.exit`` too, which would be a silent death.
    except BaseException as error:  # noqa: BLE001
        say(ERROR, (_portable(error), traceback.format_exc()))


def _portable(error: BaseException) -> BaseException:
    """Return an exception as it can be sent home; another in its place where it cannot."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  it was made here
    except Exception:  # noqa: BLE001  exceptions may do anything when they are copied
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
