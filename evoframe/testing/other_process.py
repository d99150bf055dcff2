"""Another process that is asked what strategies answer there; one for all that are tried.

It has other hashes: ``PYTHONHASHSEED`` is fixed, and another than in this process.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, BinaryIO

CODE = "from evoframe.testing.other_process import serve; serve()"

SEEDS = ("4711", "1147")
"""Seeds of hashes; the second if this process has the first."""


class NotThere(Exception):  # noqa: N818  it is no failure
    """The other process cannot have the strategy: no module there has its class."""


def asked(strategy: Any, cases: Sequence[Any]) -> list[str]:
    """Return the fingerprints of a strategy's answers in another process, or what it raised there.

    Raises:
        NotThere: the strategy cannot be sent there.
    """
    if type(strategy).__module__ == "__main__" or "<locals>" in type(strategy).__qualname__:
        raise NotThere
    try:
        question = pickle.dumps((list(sys.path), pickle.dumps((strategy, list(cases)))))
    except Exception as error:
        raise NotThere from error
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        _send(process.stdin, question)
        kind, answer = pickle.loads(_received(process.stdout))  # noqa: S301  it comes from there
    except (OSError, EOFError) as error:
        _process.cache_clear()
        raise NotThere from error
    if kind == "missing":
        raise NotThere(answer)
    found: list[str] = answer
    return found


def serve() -> None:
    """Answer questions until nobody asks any more."""
    # What strategies print would be taken for an answer.
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            path, question = pickle.loads(_received(questions))  # noqa: S301  it comes from there
        except EOFError:
            return
        sys.path[:] = path
        _send(answers, pickle.dumps(_answer(question)))


def answered(strategy: Any, case: Any) -> str:
    """Return the fingerprint of a strategy's answer, computed as in a run: with one thread."""
    import torch

    from evoframe.kernel.device import arithmetic
    from evoframe.testing.fingerprints import fingerprint
    from evoframe.testing.prepared import prepared

    with arithmetic(torch.device("cpu"), threads=1, strict=True):
        return fingerprint(prepared(strategy, case).call())


def _answer(question: bytes) -> tuple[str, Any]:
    from evoframe.testing.trying import in_words

    try:
        strategy, cases = pickle.loads(question)  # noqa: S301  it comes from there
    except Exception as error:  # noqa: BLE001  a module may be missing, or raise anything
        return "missing", in_words(error)
    found = []
    for case in cases:
        try:
            found.append(answered(strategy, case))
        except Exception as error:  # noqa: BLE001  a strategy may do anything
            found.append(in_words(error))
    return "answers", found


@cache
def _process() -> subprocess.Popen[bytes]:
    seed = SEEDS[os.environ.get("PYTHONHASHSEED") == SEEDS[0]]
    process = subprocess.Popen(  # noqa: S603  it is this program
        [sys.executable, "-c", CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it keeps nothing
    process.communicate()


def _send(stream: Any, message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "little") + message)
    stream.flush()


def _received(stream: BinaryIO | Any) -> bytes:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    message: bytes = stream.read(int.from_bytes(head, "little"))
    return message
