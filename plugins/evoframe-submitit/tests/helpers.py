"""Runs of a few lives, long enough to be hit in their midst."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import evoframe

EPOCHS = 300
TABLES = {
    "task": {"use": "evoframe.testing.specimens:Specimen", "width": 6},
    "run": {"generations": 2, "population": 2, "device": "cpu", "checkpoint": 0.0, "seed": 4},
    "training": {"use": "gradient", "epochs": EPOCHS},
}
QUICK = {"poll": 0.05, "patience": 3.0}


def tables(**executor):
    return {**TABLES, "executor": {"use": "submitit", **QUICK, **executor}}


def serial(folder):
    """Return the digest of the unbroken run, lived in this process."""
    return evoframe.evolve(recipe=TABLES, out=folder).digest()


def driver(folder, verb="evolve", **executor):
    """Begin a run, or go on with one, in a process of its own."""
    arguments = [str(folder)]
    if verb == "evolve":
        recipe = folder.with_suffix(".toml")
        recipe.write_text(toml(tables(**executor)))
        arguments = [f"--recipe={recipe}", f"--out={folder}"]
    command = [sys.executable, "-m", "evoframe", verb, *arguments]
    # Into a file: jobs of this machine inherit it, and a pipe would stay open until they end.
    with folder.with_suffix(".said").open("w") as said:
        return subprocess.Popen(  # noqa: S603
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=_heed_interruptions,  # noqa: PLW1509  no threads yet
        )


def _heed_interruptions():
    """Undo what a shell does to what it runs in the background, which ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def toml(said):
    """Return tables as TOML."""
    lines = []
    for name, table in said.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines)


def _value(value):
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def until(found, seconds=120.0):
    """Return what a function finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError(f"nothing came of {found} within {seconds} s")


def workers(folder):
    """Return the processes that have signed in as workers of a run, and are there."""
    signs = Path(folder).glob("submitit/*/workers/*")
    return {int(sign.name) for sign in signs if is_there(int(sign.name))}


def is_there(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def in_their_midst(folder, generation=2):
    """Return the checkpoints of lives of a generation that are on their way."""
    return [*Path(folder).glob(f"lives/g{generation}s*.safetensors")]


def kill(process, number=signal.SIGKILL):
    os.kill(process, number)
