"""Stores one finished and one unfinished run of a format, to be read by tests for ever.

    python tests/run/stored/make.py [--tree FOLDER] [--suffix TEXT]

Run it with the commit that is to be remembered, in this tree or in a worktree of its own, whenever
`evoframe.run.disk.formats.FORMAT` was raised, and also when a run of the latest format can no
longer be gone on with on purpose (then say so in the facts of the old one: ``"resumes": false``).

Writes ``format-N.tar.xz``, with the folders ``finished`` and ``unfinished``, and ``format-N.json``,
what there is to know of them. The unfinished run was killed in the last life of its last
generation, whose checkpoint it has. The task is a built-in one that draws its pictures, so that
nothing in the folders names a place on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RECIPE = (
    "--task=saliency", "--heredity=mating", "--encoding=cluster", "--environment=retention",
    "--seed=3", "--generations=3", "--population=2", "--device=cpu",
    *("-o", "task.width=0.01"), *("-o", "task.image_size=32"), *("-o", "task.train_size=20"),
    *("-o", "task.validation_size=10"), *("-o", "task.test_size=10"),
    *("-o", "encoding.of=bundle"), *("-o", "environment.retention=0.97"),
    *("-o", "training.epochs=12"), *("-o", "run.checkpoint=0"),
)  # fmt: skip
LAST = "g3s1"
LEFT_OUT = ("*-shm", "lock.sqlite*", "log.jsonl", ".new-*", "__pycache__")


def main() -> None:
    """Make both runs with one tree, look at them, and store them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT, help="whose evoframe writes the runs")
    parser.add_argument("--suffix", default="", help="of the name, for another one of a format")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        facts = {
            "evoframe": _evoframe(given.tree, place, "--version").stdout.split()[-1],
            "commit": _commit(given.tree),
            "finished": _finished(given.tree, Path(place)),
            "unfinished": {**_unfinished(given.tree, Path(place)), "resumes": True},
        }
        name = f"format-{_format(Path(place, 'finished'))}{given.suffix}"
        _store(name, Path(place), facts)


def _finished(tree: Path, place: Path) -> dict[str, Any]:
    done = _evoframe(tree, place, "evolve", *RECIPE, "--out=finished")
    assert done.returncode == 0, done.stderr
    return _shown(tree, place, "finished")


def _unfinished(tree: Path, place: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "evoframe", "evolve", *RECIPE, "--out=unfinished"]
    process = subprocess.Popen(command, cwd=place, env=_variables(tree), stderr=subprocess.DEVNULL)
    checkpoint = place / "unfinished" / "lives" / f"{LAST}.safetensors"
    while not checkpoint.exists():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    process.wait()
    return _shown(tree, place, "unfinished")


def _shown(tree: Path, place: Path, name: str) -> dict[str, Any]:
    """Return what is to be seen in a run for ever, and on every machine."""
    shown = json.loads(_evoframe(tree, place, "show", "--json", name).stdout)
    assert (shown["finished"] is not None) == (name == "finished")
    individuals = {
        one["id"]: {"parents": one["parents"], "synapses": one["synapses"]}
        for one in shown["individuals"]
    }
    return {"digest": shown["digest"], "best": shown["best"], "individuals": individuals}


def _evoframe(tree: Path, place: Path | str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evoframe", *words]
    return subprocess.run(
        command, cwd=place, env=_variables(tree), capture_output=True, text=True, check=False
    )


def _variables(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1"}


def _commit(tree: Path) -> str:
    command = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _format(run: Path) -> int:
    import tomllib

    return tomllib.loads((run / "run.toml").read_text())["record"].get("format", 0)


def _store(name: str, place: Path, facts: dict[str, Any]) -> None:
    archive = HERE / f"{name}.tar.xz"
    if archive.exists():
        raise SystemExit(f"{archive} is there: stored runs are kept. Name another with --suffix.")
    with tempfile.TemporaryDirectory() as folder:
        for run in ("finished", "unfinished"):
            shutil.copytree(
                place / run, Path(folder, run), ignore=shutil.ignore_patterns(*LEFT_OUT)
            )
        with tarfile.open(archive, "w:xz", preset=9) as packed:
            for run in ("finished", "unfinished"):
                packed.add(Path(folder, run), run, filter=_anonymous)
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{archive}: {archive.stat().st_size:,} bytes")  # noqa: T201  scripts print


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode |= 0o644
    return member


if __name__ == "__main__":
    main()
