"""Plugins as their users have them: from wheels, with nothing of this repository in reach."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from evoframe.cli import main

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(file.parent for file in ROOT.glob("plugins/*/pyproject.toml"))

DIGEST = """
import evoframe, sys
task = {"use": "evoframe.testing.specimens:Specimen", "width": 6}
tables = {"task": task, "run": {"generations": 2, "device": "cpu"}, "mutation": [{"use": "noise"}]}
print(evoframe.evolve(recipe=tables, out=sys.argv[1]).digest(), evoframe.__file__)
"""


def python(*arguments: str, site: Path, folder: Path) -> str:
    """Run Python with a folder of installed wheels first on its path."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site), "EVOFRAME_EXAMPLES": "2"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)  # each plugin's own tests
def test_plugins_work_from_wheels_and_change_nothing_by_being_there(tmp_path: Path) -> None:
    """Installed and not named: the same digest. Named: used, and on record. Tests: from afar."""
    CliRunner().invoke(main, ["new", "mutation", "drift", "--out", str(tmp_path / "drift")])
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    sources = [ROOT, tmp_path / "drift", *PLUGINS]
    offline = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels))
    pip("wheel", *offline, *map(str, sources))
    (host,) = wheels.glob("evoframe-*.whl")
    pip("install", "--no-deps", "--target", str(site), str(host))
    before = python("-c", DIGEST, str(tmp_path / "before"), site=site, folder=tmp_path)
    # Templates of pages are data, which a wheel leaves out if nobody looks.
    said = python("-m", "evoframe", "report", str(tmp_path / "before"), site=site, folder=tmp_path)
    assert "report.html" in said
    guests = [str(wheel) for wheel in wheels.glob("evoframe_*.whl")]
    pip("install", "--no-deps", "--target", str(site), *guests)

    after = python("-c", DIGEST, str(tmp_path / "after"), site=site, folder=tmp_path)

    assert before == after
    assert str(site) in after
    others = {"heredity": {"use": "lottery"}, "encoding": {"use": "torch-pruning"},
              "nurture": [{"use": "set"}], "observer": [{"use": "tensorboard"}]}  # fmt: skip
    named = DIGEST.replace("noise", "drift").replace("tables = {", f"tables = {others} | {{")
    assert python("-c", named, str(tmp_path / "named"), site=site, folder=tmp_path) != after
    record = tomllib.loads((tmp_path / "named" / "run.toml").read_text())["record"]
    assert record["contract"] == 2
    assert record["strategies"]["heredity"] == "lottery of evoframe-lottery 0.1.0"
    assert record["strategies"]["mutation[0]"] == "drift of evoframe-drift 0.1.0"
    assert record["strategies"]["encoding"] == "torch-pruning of evoframe-torch-pruning 0.1.0"
    assert record["strategies"]["nurture[0]"] == "set of evoframe-rewiring 0.1.0"
    assert record["strategies"]["observer[0]"] == "tensorboard of evoframe-tracking 0.1.0"
    assert (tmp_path / "named" / "tensorboard" / "best").is_dir()
    quiet = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    with ThreadPoolExecutor(2) as pool:
        tested = pool.map(lambda one: python(*quiet, site=site, folder=one), sources[1:])
        assert all("passed" in output for output in tested)
    verdict = python("-m", "evoframe", "check", "evoframe-drift", site=site, folder=tmp_path)
    assert "evoframe-drift 0.1.0, with evoframe" in verdict
    assert "conforms." in verdict
