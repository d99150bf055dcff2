"""What damage, kills and an unkind system do to runs: nothing that is not noticed.

    python benchmarks/faults.py [--kills 60] [--tampered 3000] [--fuzzed 3000] [--seed 1]
    python benchmarks/faults.py --only-kills [--kills 60] [--executors submitit ray]

* Drivers and workers of runs are killed (SIGKILL) at random instants, with every executor in turn,
  ``submitit`` (processes of this machine) and ``ray`` (two nodes on this machine) where they are
  installed; runs are gone on with until they end. Their digests are compared with the unbroken
  run's, and nobody may be left of the killed.
* Exports, checkpoints and genotypes are tampered with; none may be taken for whole that is not.
* Journals and recipes are changed at random; each is read or refused in one line.
* A run is begun with a full disk, on a file system that may only be read, and without descriptors;
  each ends in one line, and what was written is gone on with to the same digest.

Prints a line for each, and ends with exit code 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from click.testing import CliRunner

HERE = Path(__file__).resolve()
TESTS = HERE.parents[1] / "tests"
sys.path[:0] = [str(HERE.parent), str(TESTS)]

from faults_kills import ARMS, COMMAND, killed  # noqa: E402

import evoframe  # noqa: E402
from evoframe.cli.main import main as command_line  # noqa: E402
from evoframe.config.files import built_in_recipes  # noqa: E402
from evoframe.config.request import Request  # noqa: E402
from evoframe.errors import EvoframeError  # noqa: E402
from evoframe.run.disk.weights import FileCheckpoint, load_genotype  # noqa: E402
from support.blobs import Blobs  # noqa: E402
from support.tampering import fuzzed_journal, fuzzed_recipe, fuzzed_text, tampered  # noqa: E402

TASK = f"--task={TESTS}/support/blobs.py:Blobs"
RECIPE = (
    "--seed=3", "--generations=5", "--population=2", "--heredity=mating",
    "-o", "environment.retention=0.8", "-o", "training.epochs=40", "-o", "run.checkpoint=0",
)  # fmt: skip
READ_ONLY = Path("/proc/unkind")
"""A folder that nobody can make, not even root."""


def main() -> int:
    """Do all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--tampered", type=int, default=3000)
    parser.add_argument("--fuzzed", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-kills", action="store_true")
    names = [arm.name for arm in ARMS]
    parser.add_argument("--executors", nargs="+", choices=names, default=names)
    given = parser.parse_args()
    dice, wrong = random.Random(given.seed), 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        parts = [killed(given.kills, given.executors, RECIPE, place, dice)]
        if not given.only_kills:
            parts += damaged(given, place, dice)
        for part in parts:
            for line, is_wrong in part:
                print(("WRONG " if is_wrong else "") + line, flush=True)
                wrong += is_wrong
    return 1 if wrong else 0


def damaged(
    given: argparse.Namespace, place: Path, dice: random.Random
) -> list[Iterator[tuple[str, bool]]]:
    """Return what is done to a run that is whole."""
    whole = place / "whole"
    done = evolve(whole)
    assert done.returncode == 0, done.stderr
    due = evoframe.open_run(whole).digest()
    evoframe.open_run(whole).export(place / "export")
    return [
        tampered_files(given.tampered, whole, place, dice),
        fuzzed_files(given.fuzzed, whole, place, dice),
        unkind(due, place),
    ]


def evolve(out: Path, *more: str, **how: object) -> subprocess.CompletedProcess[str]:
    """Begin a run and wait for its end."""
    words = [*COMMAND, "evolve", TASK, *RECIPE, *more, f"--out={out}"]
    return subprocess.run(words, capture_output=True, text=True, check=False, **how)  # type: ignore[call-overload, no-any-return]


# --- tampering ----------------------------------------------------------------------------------


def tampered_files(
    count: int, whole: Path, place: Path, dice: random.Random
) -> Iterator[tuple[str, bool]]:
    """Tamper with files of each kind, a third of the tries each."""
    run = evoframe.open_run(whole)
    entry = next(one for one in run.entries if one.individual.id == "g3s0")
    genotype = (whole / "individuals" / "g3s0.safetensors").read_bytes()
    tensors = {"network.w": torch.randn(32, 16), "optimiser.0.momentum_buffer": torch.randn(32, 16)}
    FileCheckpoint(place / "checkpoint", 0.0, "g3s0").save(3, tensors)
    checkpoint = (place / "checkpoint").read_bytes()
    file = place / "tampered.safetensors"

    def taken_genotype() -> bool:
        file.write_bytes(tampered(genotype, dice))
        return load_genotype(file, entry.digest).digest() != entry.digest

    def taken_checkpoint() -> bool:
        file.write_bytes(tampered(checkpoint, dice))
        found = FileCheckpoint(file, 0.0, "g3s0").load()
        if found is None:
            raise EvoframeError("told")
        same = found[1].keys() == tensors.keys() and all(
            torch.equal(found[1][name], value) for name, value in tensors.items()
        )
        return found[0] != 3 or not same

    known = evoframe.load(place / "export", lambda: Blobs().ancestor(None)).state_dict()

    def taken_export() -> bool:
        copy = place / "tampered-export"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place / "export", copy)
        if dice.random() < 0.6:
            weights = copy / "weights.safetensors"
            weights.write_bytes(tampered(weights.read_bytes(), dice))
        else:
            said = copy / "architecture.json"
            said.write_text(fuzzed_text(said.read_text(), dice).replace("=", ":"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = evoframe.load(copy, lambda: Blobs().ancestor(None)).state_dict()
        return found.keys() != known.keys() or any(
            not torch.equal(found[name], value) for name, value in known.items()
        )

    for what, attempt in (
        ("genotypes", taken_genotype), ("checkpoints", taken_checkpoint), ("exports", taken_export),
    ):  # fmt: skip
        found = outcomes(count // 3, attempt)
        bad = found["taken"] + found["traceback"]
        yield f"{count // 3} tampered {what}: {dict(found)}", bool(bad)


def outcomes(count: int, attempt: Callable[[], bool]) -> collections.Counter[str]:
    """Count what comes of tries: told, the same after all, taken silently, or a traceback."""
    found: collections.Counter[str] = collections.Counter()
    for _ in range(count):
        try:
            found["taken" if attempt() else "the same"] += 1
        except EvoframeError:
            found["told"] += 1
        except Exception as error:  # noqa: BLE001  that is what is looked for
            found["traceback"] += 1
            print(f"  {type(error).__name__}: {error}"[:300], file=sys.stderr)
    return found


# --- fuzzing ------------------------------------------------------------------------------------


def fuzzed_files(
    count: int, whole: Path, place: Path, dice: random.Random
) -> Iterator[tuple[str, bool]]:
    """Show runs with other journals, and read other recipes, half of the tries each."""
    runner, copy = CliRunner(), place / "fuzzed"
    shutil.copytree(whole, copy)
    journal, recipes = (
        (whole / "backup.sqlite").read_bytes(),
        sorted(filter(sound, built_in_recipes().values())),
    )

    def journal_is_read() -> bool:
        for old in copy.glob("journal*"):
            old.unlink()
        fuzzed_journal(journal, copy / "journal.sqlite", dice)
        words = dice.choice((["show", "--json"], ["show"], ["resume"]))
        done = runner.invoke(command_line, [*words, str(copy)])
        if done.exit_code == 2:
            raise EvoframeError(done.output)
        if done.exit_code:
            raise RuntimeError(f"{words}: {done.exception!r}")
        return False

    def recipe_is_read() -> bool:
        file = place / "fuzzed.toml"
        text = dice.choice(recipes)
        how = dice.choice((fuzzed_text, fuzzed_recipe))
        file.write_text(how(text, dice), "utf-8")
        Request(file).resolve()
        return False

    for what, attempt in (("journals", journal_is_read), ("recipes", recipe_is_read)):
        found = outcomes(count // 2, attempt)
        found["read"] = found.pop("the same", 0)
        yield f"{count // 2} fuzzed {what}: {dict(found)}", bool(found["traceback"])


def sound(text: str) -> bool:
    """Tell whether a recipe can be read as it is: some are notes on papers."""
    try:
        Request(tomllib.loads(text)).resolve()
    except EvoframeError:
        return False
    return True


# --- an unkind system ---------------------------------------------------------------------------


def unkind(due: str, place: Path) -> Iterator[tuple[str, bool]]:
    """Begin runs where little can be had, and go on with them where all is as it should be."""
    cases: dict[str, Callable[[], None]] = {
        "a full disk": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)),
        "a file system that may only be read": lambda: None,
        "12 descriptors": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12)),
    }
    for what, limit in cases.items():
        out = READ_ONLY if "read" in what else place / "unkind"
        done = evolve(out, preexec_fn=limit)
        said = done.stderr.strip().splitlines()
        digest = due
        if (out / "run.toml").exists():
            subprocess.run([*COMMAND, "resume", str(out)], capture_output=True, check=False)
            shown = subprocess.run(
                [*COMMAND, "show", "--json", str(out)], capture_output=True, text=True, check=False
            )
            digest = json.loads(shown.stdout)["digest"] if shown.returncode == 0 else "none"
        shutil.rmtree(out, ignore_errors=True)
        good = done.returncode == 2 and "Traceback" not in done.stderr and digest == due
        last = said[-1][:160].replace(str(place), ".") if said else "nothing"
        yield f"{what}: exit {done.returncode}, {last!r}", not good


if __name__ == "__main__":
    sys.exit(main())
