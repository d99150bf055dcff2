"""Process replay: the working tree must do what an earlier commit did, bit for bit.

    python tests/replay/replay.py [--base COMMIT]
    python tests/replay/replay.py --write-reference

Both trees run the same small recipes and survey the same networks, on this machine and with this
environment, side by side; digests of trained weights hang on the CPU, so none is ever committed.
A commit that means to change what runs do says so in its message, on a line of its own:

    changes-digest: the reason

The base is the last commit with such a line, else the first one that was ever replayed. Exit
code 0 if nothing differs, 1 if something does, 2 if the base is not there.

What is committed is integer, and the same on every machine: ``reference.json`` holds bundles,
wiring, barriers, masks and shapes of all test networks; a test compares with it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIRST = "4da4506"
MARK = "^changes-digest: .+"
REFERENCE = HERE / "reference.json"
SHOWN = 40
"""How many differences are printed at most."""


class NoBaseError(Exception):
    """The commit to compare with is not in this clone."""


def git(*arguments: str) -> str:
    """Return what a git command prints; raises NoBaseError with what it complains of."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoBaseError(done.stderr.strip())
    return done.stdout.strip()


def base_commit(asked: str | None) -> str:
    """Return the commit to compare with."""
    name = asked or git("log", "-1", "--format=%H", "-E", f"--grep={MARK}") or FIRST
    try:
        return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except NoBaseError as error:
        raise NoBaseError(
            f"the commit {name} is not in this clone. Fetch it with `git fetch --unshallow`, or "
            "name another one with BASE=COMMIT."
        ) from error


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Give a worktree of a commit, and take it away again."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base"
        git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def facts_of(trees: Mapping[str, Path], *options: str) -> dict[str, dict[str, Any]]:
    """Return the facts of several trees, found at the same time by a process for each."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.json" for name in trees}
        running = [
            subprocess.Popen(
                [sys.executable, HERE / "driver.py", "--tree", tree, "--out", files[name], *options]
            )
            for name, tree in trees.items()
        ]
        codes = [process.wait() for process in running]
        if any(codes):
            raise SystemExit("a tree could not be asked; see above")
        return {name: json.loads(file.read_text()) for name, file in files.items()}


def differences(base: Any, here: Any, path: str = "") -> Iterator[str]:
    """Yield a line for every fact that differs."""
    if isinstance(base, dict) and isinstance(here, dict):
        for name in sorted(base.keys() | here.keys()):
            yield from differences(base.get(name), here.get(name), f"{path}/{name}")
    elif base != here:
        yield f"{path[1:]}: was {base}, is {here}"


def main() -> int:
    """Replay, print what differs, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", help="the commit to compare with")
    parser.add_argument("--write-reference", action="store_true")
    given = parser.parse_args()
    if given.write_reference:
        found = facts_of({"here": ROOT}, "--integers")["here"]
        REFERENCE.write_text(json.dumps(found["networks"], indent=1, sort_keys=True) + "\n")
        return 0
    try:
        commit = base_commit(given.base)
        with checked_out(commit) as tree:
            facts = facts_of({"base": tree, "here": ROOT})
    except NoBaseError as error:
        print(f"nothing was replayed: {error}", file=sys.stderr)
        return 2
    found = list(differences(facts["base"], facts["here"]))
    for line in found[:SHOWN]:
        print(line)
    counts = f"{len(facts['here']['runs'])} runs, {len(facts['here']['networks'])} networks"
    print(f"{counts} against {commit[:7]}: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
