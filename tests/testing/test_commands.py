"""``evoframe new`` and ``evoframe check``: from nothing to a verdict."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evoframe.cli import main
from evoframe.registry.loading import import_plugin
from evoframe.roles import ROLES
from evoframe.testing.verdicts import private_imports
from evoframe.version import __version__

BROKEN = Path(__file__).parents[2] / "plugins" / "broken"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("role", ROLES)
def test_a_scaffold_of_every_role_conforms_as_it_is(role: str, tmp_path: Path) -> None:
    """Whoever starts from it starts from something that works, with its test and its CI."""
    folder = tmp_path / "mine"

    made = invoke("new", role, "my-own", "--out", str(folder))
    verdict = invoke("check", str(folder / "evoframe_my_own.py"), "--examples", "2")

    assert made.exit_code == 0, made.output
    assert sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()) == [
        ".github/workflows/conformance.yml",
        "evoframe_my_own.py",
        "pyproject.toml",
        "tests/test_my_own.py",
    ]
    assert verdict.exit_code == 0, verdict.output
    assert f"{role} MyOwn(" in verdict.output
    assert "conforms." in verdict.output


def test_the_ci_of_a_scaffold_tries_two_versions_that_can_be_named(tmp_path: Path) -> None:
    """The oldest is the one that the package asks for; where both are is for a person to say."""
    invoke("new", "mutation", "my-own", "--out", str(tmp_path / "mine"))

    written = (tmp_path / "mine/.github/workflows/conformance.yml").read_text()
    project = tomllib.loads((tmp_path / "mine/pyproject.toml").read_text())["project"]

    assert project["dependencies"] == [f"evoframe>={__version__}"]
    assert f"- ${{{{ vars.EVOFRAME_OLDEST || 'evoframe=={__version__}' }}}}" in written
    assert "- ${{ vars.EVOFRAME_NEWEST || 'evoframe' }}" in written
    assert [line.split("run: ")[1] for line in written.splitlines() if "run: " in line] == [
        'python -m pip install "${{ matrix.evoframe }}"',
        'python -m pip install ".[testing]"',
        f"evoframe check {project['name']}",
        "python -m pytest",
    ]


@pytest.mark.parametrize(
    ("role", "name", "kind"),
    [("nurture", "true", "TrueNurture"), ("heredity", "inheritance", "InheritanceHeredity")],
)
def test_a_name_that_means_something_else_in_python_is_no_trap(
    role: str, name: str, kind: str, tmp_path: Path
) -> None:
    """A keyword, or what the scaffold itself imports."""
    invoke("new", role, name, "--out", str(tmp_path / "mine"))

    verdict = invoke("check", str(tmp_path / "mine" / f"evoframe_{name}.py"), "--examples", "1")

    assert verdict.exit_code == 0, verdict.output
    assert f"{role} {kind}(" in verdict.output


REFUSED = [
    (["new", "encodings", "x"], "there is no role 'encodings'. Did you mean 'encoding'?"),
    (["new", "encoding", "My Own"], "'My Own' is no name for a strategy"),
    (
        ["new", "mutation", "noise"],
        "there is a mutation 'noise' already, which comes with evoframe",
    ),
    (["check", "evoframe-lotery-x"], "there is no plugin 'evoframe-lotery-x'."),
    (["check", "nowhere.py"], "there is no file"),
    (["check", "evoframe.strategies.mutation", "-o", "mutation/nois.strength=1"], "mutation/noise"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda part: str(part)[-40:])
def test_a_mistake_exits_with_2_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be tried is no verdict."""
    monkeypatch.chdir(tmp_path)

    result = invoke(*arguments)

    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A plugin somebody has worked on is worth more than a scaffold."""
    (tmp_path / "mine.txt").write_text("mine")

    result = invoke("new", "encoding", "mine", "--out", str(tmp_path))

    assert result.exit_code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


VERDICTS = {
    "forgets_the_marker": "evoframe_mutations is not marked: put @evoframe.hookimpl above it",
    "uses_the_global_dice": "fails leaves_global_randomness_alone",
    "reaches_inside": "imports evoframe.run.disk.journal, which is not public",
    "is_of_contract_1": "mutate takes (dna, key); wanted mutate(dna, inheritance, context)",
    "offers_nothing": "offers no strategy",
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_broken_plugin_gets_a_verdict_to_act_on(name: str) -> None:
    """Exit code 1, and what is to be repaired."""
    result = invoke("check", str(BROKEN / f"{name}.py"), "--examples", "3")

    assert result.exit_code == 1, result.output
    assert VERDICTS[name] in result.output
    assert "does not conform: 1 thing to repair" in result.output


def test_every_broken_plugin_is_judged() -> None:
    """A wrong package that no test looks at would only be wrong."""
    assert sorted(file.stem for file in BROKEN.glob("*.py")) == sorted(VERDICTS)


@pytest.mark.parametrize(
    ("line", "private"),
    [
        ("from evoframe.plugin import Mutation", ""),
        ("from evoframe import CONTRACT, hookimpl, plugin", ""),
        ("from evoframe.testing import conformance", ""),
        ("from evoframe.roles import Mutation", "evoframe.roles"),
        ("import evoframe.kernel.key", "evoframe.kernel.key"),
        ("from evoframe import hookimpl, kernel", "evoframe.kernel"),
    ],
)
def test_what_a_plugin_imports_from_deeper_inside_is_named(
    line: str, private: str, tmp_path: Path
) -> None:
    """A path that may change tomorrow is no promise today."""
    file = tmp_path / "mine.py"
    file.write_text(f"'''A plugin.'''\n{line}\n")

    found = list(private_imports(import_plugin(str(file)).__name__))

    assert len(found) == bool(private)
    assert all(f"mine.py, line 2 imports {private}, which is not public" in one for one in found)
