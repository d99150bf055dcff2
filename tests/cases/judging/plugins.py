"""Judge what evoframe says of plugins, by its command line.

A case is a plugin in a file of ``plugins/``. It says in ``EXPECT`` what is wanted of it:

* *caught*: ``evoframe check`` names a check that fails; *caught by CHECK*: this one first;
* *caught or said*: a check fails, or the output matches ``SAYS``; *said*: the output matches it;
* *conforms*: ``evoframe check`` finds nothing;
* *runs*: installed as a distribution, a run ends well, and can be read afterwards;
* *runs or refused*: the same, or exit code 2 before a run folder exists;
* *stops*: installed, the run ends with exit code 2 and a sentence that names the strategy, its
  distribution and its version;
* *listed*: installed, ``evoframe plugins`` tells why it is not loaded, and a run ends well.

``USE`` is how a run names it; ``FROM_FILE`` says that it is used from its file, not installed.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

FOLDER = Path(__file__).resolve().parents[1] / "plugins"
TASK = FOLDER.with_name("runs") / "tiny.py"
VERSION = "7.8.9"
QUICK = ("-o", "run.generations=4", "-o", "run.population=2", "-o", "training.epochs=1")


@attrs.frozen
class Plugin:
    """A case: its file, and what it says of itself."""

    file: Path
    facts: dict[str, Any]

    @property
    def distribution(self) -> str:
        """The name under which it is installed."""
        return f"evoframe-{self.file.stem}".replace("_", "-")

    @property
    def strategy(self) -> str:
        """The name of its strategy."""
        found = re.search(r'^    name = "([\w-]+)"', self.file.read_text(), re.MULTILINE)
        return found[1] if found else ""

    @property
    def expected(self) -> str:
        """What is wanted of it."""
        return str(self.facts["EXPECT"])


def names() -> list[str]:
    """The names of all cases."""
    return sorted(file.stem for file in FOLDER.glob("*.py"))


def loaded(name: str) -> Plugin:
    """A case, read without being imported."""
    file, facts = FOLDER / f"{name}.py", {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                facts[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:  # computed, so it is none of the facts
                continue
    return Plugin(file, facts)


def judged(case: Plugin) -> tuple[bool, str]:
    """Whether a case is as it should be, and what was got."""
    runs = case.expected.split()[0] in {"runs", "stops", "listed"}
    with tempfile.TemporaryDirectory() as place:
        return (_by_run if runs else _by_kit)(case, Path(place))


def _by_kit(case: Plugin, folder: Path) -> tuple[bool, str]:
    """What the kit says, with the names of checks that fail."""
    shutil.copy(case.file, folder)
    code, said = evoframe("check", case.file.name, folder=folder)
    failed = re.findall(r"^\w+ .* fails (\w+)$", said, re.MULTILINE)
    if code == 0 and said.strip().endswith(" conforms."):
        got = "conforms"
    elif code == 1 and failed:
        got = "caught by " + ", ".join(dict.fromkeys(failed))
    else:
        got = f"no verdict, exit {code}: {_last(said)}"
    says = case.facts.get("SAYS")
    spoken = bool(says and re.search(says, said.replace(case.file.stem, "")))
    holds = {
        "caught": got.startswith("caught"),
        "conforms": got == "conforms",
        "said": spoken and not got.startswith("no verdict"),
        "caught or said": got.startswith("caught") or spoken,
    }.get(case.expected, got.startswith(case.expected))
    return holds, got


def _by_run(case: Plugin, folder: Path) -> tuple[bool, str]:
    """How a quick run with a case ends."""
    from_file = case.facts.get("FROM_FILE", False)
    path = () if from_file else (_installed(case, folder),)
    shutil.copy(TASK, folder)
    words = ["evolve", "--task", "tiny.py:Tiny", *QUICK, "--out", "run"]
    if from_file:
        shutil.copy(case.file, folder)
        words += ["-p", case.file.name]
    used = case.facts.get("USE", [])
    if "--environment" not in used:
        words += ["-o", "environment.retention=0.7"]
    code, said = evoframe(*words, *used, folder=folder, path=path)
    if case.expected == "stops":
        return _stopped(case, code, said)
    if case.expected == "listed":
        shown, listed = evoframe("plugins", folder=folder, path=path)
        holds = shown == code == 0 and case.distribution in listed and "unwrap" in listed
        return holds, f"plugins: exit {shown}, run: exit {code}: {_last(said)}"
    if code == 2 and not (folder / "run").exists() and case.expected == "runs or refused":
        return True, f"refused: {_last(said)}"
    if code:
        return False, f"run: exit {code}: {_last(said)}"
    return _read(folder / "run", path)


def _stopped(case: Plugin, code: int, said: str) -> tuple[bool, str]:
    """Whether a run was stopped by a sentence that names who is at fault."""
    if code == 0:
        return False, "ran to its end, with" + (" a warning" if "arning" in said else "out a word")
    missing = [one for one in (case.strategy, case.distribution, VERSION) if one not in said]
    if code == 2 and "Traceback" not in said and not missing:
        return True, f"stopped: {_last(said)}"
    how = "traceback" if "Traceback" in said else f"exit {code}"
    return False, f"{how}: {_last(said)}" + (f", without {', '.join(missing)}" if missing else "")


def _read(run: Path, path: tuple[Path, ...]) -> tuple[bool, str]:
    """Whether a finished run can be read from another folder, and has living offspring."""
    elsewhere = run.parent / "elsewhere"
    elsewhere.mkdir()
    said = ""
    for words in (
        ["show", run],
        ["resume", run],
        ["export", "--no-measure", run, "--out", "small"],
        ["show", "--json", run],
    ):
        code, said = evoframe(*words, folder=elsewhere, path=path)
        if code:
            return False, f"ran; then {words[0]}: exit {code}: {_last(said)}"
    people = json.loads(said[said.index("{") :])["individuals"]
    dead = [one for one in people if one.get("stillborn")]
    if len(dead) >= len(people) - 1:
        return False, f"ran: all {len(dead)} offspring stillborn: {dead[0]['stillborn']}"
    return True, "ran, and can be read"


def _installed(case: Plugin, folder: Path) -> Path:
    """A folder for the path in which a case looks like an installed distribution."""
    site, module = folder / "site", f"evoframe_{case.file.stem}"
    facts = site / f"{module}-{VERSION}.dist-info"
    facts.mkdir(parents=True)
    shutil.copy(case.file, site / f"{module}.py")
    metadata = f"Metadata-Version: 2.1\nName: {case.distribution}\nVersion: {VERSION}\n"
    (facts / "METADATA").write_text(metadata)
    (facts / "entry_points.txt").write_text(f"[evoframe]\n{case.file.stem} = {module}\n")
    return site


def evoframe(*words: Any, folder: Path, path: tuple[Path, ...] = ()) -> tuple[int, str]:
    """The exit code of the command line, and all that it said."""
    every = [*map(str, path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "2000",
        "PYTHONPATH": os.pathsep.join(one for one in every if one),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "evoframe", *map(str, words)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return lines[-1][:150] if lines else "nothing"
