"""A run that is killed at any instant goes on where it was, and ends bit-identical."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evoframe
from evoframe.config import files

BLOBS = Path(__file__).parents[1] / "support" / "blobs.py"

RECIPE = [
    f"--task={BLOBS}:Blobs",
    "--seed=3",
    "--generations=4",
    "--population=2",
    *("-o", "training.epochs=60"),
    *("-o", "run.checkpoint=0"),
    *("-o", "environment.retention=0.7"),
]


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evoframe", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def lines_in(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def kill_while_it_works(process: subprocess.Popen[bytes], folder: Path, delay: float) -> bool:
    """Kill the process some time after it has begun to work; tell whether it was still alive."""
    before = lines_in(folder / "log.jsonl")
    while process.poll() is None and lines_in(folder / "log.jsonl") <= before:
        time.sleep(0.005)
    time.sleep(delay)
    alive = process.poll() is None
    if alive:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "kills", "longest"), [("serial", 5, 0.9), ("processes", 3, 5.0)]
)
def test_a_killed_run_ends_like_an_unbroken_one(
    executor: str, kills: int, longest: float, tmp_path: Path
) -> None:
    """Nothing finished is ever lost, and an interruption never shows in the result."""
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    process = start("evolve", *RECIPE, f"--out={unbroken}")
    process.communicate()
    assert process.returncode == 0
    delays = random.Random(11)

    process = start("evolve", *RECIPE, f"--executor={executor}", f"--out={broken}")
    alive = [kill_while_it_works(process, broken, delays.uniform(0.0, longest))]
    while alive[-1] and len(alive) < kills:
        process = start("resume", str(broken))
        alive.append(kill_while_it_works(process, broken, delays.uniform(0.0, longest)))
    evoframe.resume(broken)

    assert any(alive)
    expected, found = evoframe.open_run(unbroken), evoframe.open_run(broken)
    assert expected.digest() == found.digest()
    assert expected.ending == found.ending
    assert list((broken / "lives").iterdir()) == []


def test_a_life_in_flight_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    """A long life is not lived again from its start."""
    folder = tmp_path / "run"
    process = start(
        "evolve", *RECIPE, "-o", "training.epochs=400", "--generations=1", f"--out={folder}"
    )
    while not list(folder.glob("lives/g1s0.safetensors")):
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    watcher = tmp_path / "watcher.py"
    watcher.write_text(WATCHER)
    tables = files.parse((folder / "run.toml").read_text(), "run.toml")
    tables["observer"] = [{"use": f"{watcher}:Watcher", "to": str(tmp_path / "first")}]
    (folder / "run.toml").write_text(files.write(tables))

    evoframe.resume(folder)

    first = json.loads((tmp_path / "first").read_text())
    assert first["individual"] == "g1s0"
    assert first["epoch"] > 1


WATCHER = """
import json
from pathlib import Path

import attrs
from evoframe import hookimpl
from evoframe.roles import Observer, doc


@attrs.frozen(eq=False)
class Watcher(Observer):
    \"\"\"Writes down the first epoch that it sees.\"\"\"

    name = "watcher"
    to: Path = attrs.field(metadata=doc("the file to write"))

    @hookimpl
    def evoframe_epoch_finished(self, event):
        if not self.to.exists():
            self.to.write_text(json.dumps({"individual": event.individual, "epoch": event.epoch}))
"""


@pytest.mark.slow
def test_a_run_goes_on_from_a_network_that_lost_a_block(tmp_path: Path) -> None:
    """Blocks that left stay away, and a run that is killed meanwhile ends as an unbroken one."""
    recipe = [
        f"--task={BLOBS}:Branched", "--seed=3", "--generations=4", "--population=1",
        "--encoding=cluster", "--environment=budget", *("-o", "environment.trials=1"),
        *("-o", "encoding.of=bundle"), *("-o", "environment.share=0.5"),
        *("-o", "anatomy.depth=true"), *("-o", "training.epochs=20"),
    ]  # fmt: skip
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    start("evolve", *recipe, f"--out={unbroken}").communicate()
    kill_while_it_works(start("evolve", *recipe, f"--out={broken}"), broken, 0.5)
    evoframe.resume(broken)

    expected, found = evoframe.open_run(unbroken), evoframe.open_run(broken)
    assert expected.digest() == found.digest()
    left = {
        one.id: {block.name for block in found.anatomy.left(found.genotype(one.id))}
        for one in found.individuals
        if one.is_alive
    }
    assert any(left.values())
    for one in found.individuals:
        for parent in one.parents if one.id in left else ():
            assert left[parent] <= left[one.id]
