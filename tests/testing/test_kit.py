"""The kit itself: what an author sees and can say."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

import evoframe
from evoframe import testing
from evoframe.errors import ConfigError, ConformanceError
from evoframe.kernel.dna import DNA
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.population import Population
from evoframe.registry.loading import import_plugin
from evoframe.strategies.mutation import Noise
from evoframe.testing import (
    Case,
    Specimen,
    cases,
    checks_for,
    conformance,
    dna,
    genotypes,
    keys,
    networks,
    populations,
    recipes,
)
from evoframe.testing.catalogue import Check, Stage
from evoframe.testing.fingerprints import fingerprint

SABOTEURS = import_plugin(str(Path(__file__).with_name("saboteurs.py"))).SABOTEURS


def test_importing_the_pytest_plugin_imports_nothing_heavy() -> None:
    """Pytest loads it in every session, also in those that have nothing to do with networks."""
    code = (
        "import sys, evoframe.testing, evoframe.testing.plugin\n"
        "heavy = {'torch', 'numpy', 'hypothesis', 'attrs', 'click', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


AUTHORS = """
import sys
sys.path.insert(0, {folder!r})
import saboteurs
from evoframe.testing import conformance
from evoframe.strategies.mutation import Noise

test_sound = conformance(Noise(strength=0.5))
test_broken = conformance(saboteurs.Restless())
test_excused = conformance(
    saboteurs.Restless(), expected_failures={{"zero_of_its_dial_changes_nothing": "known"}}
)
test_excused_in_vain = conformance(Noise(), expected_failures={{"ignores_its_key_": "no"}})
"""


@pytest.mark.slow
def test_an_author_gets_one_test_a_check_and_a_message_to_act_on(tmp_path: Path) -> None:
    """One line in, readable ids and failures out; excuses are strict."""
    file = tmp_path / "test_mine.py"
    source = AUTHORS.format(folder=str(Path(__file__).parent))
    file.write_text(source[: source.index("test_excused_in_vain")])

    known = any(one.name == "evoframe" for one in entry_points(group="pytest11"))
    registered = [] if known else ["-p", "evoframe.testing.plugin"]  # an older installation

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--tb=short",
         *registered, "--evoframe-examples=4", str(file)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "test_broken[Restless(strength=0.5)-zero_of_its_dial_changes_nothing]" in failed[0]
    assert "happened: the DNA changes although strength is 0" in done.stdout
    assert "checks.md#zero-of-its-dial-changes-nothing" in done.stdout
    assert "XFAIL" in done.stdout
    assert "test_sound[Noise(strength=0.5)-is_a_frozen_value]" in done.stdout
    assert "catalogue.py" not in done.stdout  # the kit's own frames are no news to an author


def test_every_public_name_is_what_it_says() -> None:
    """A module of the same name would take its place as soon as it is imported."""
    for name, place in testing._PLACES.items():
        module = import_module(place)
        assert getattr(testing, name) is getattr(module, name)
        assert not inspect.ismodule(getattr(testing, name))


def test_an_excuse_for_nothing_is_an_error() -> None:
    """A misspelt name would excuse nothing, and one that does not apply would never end."""
    with pytest.raises(ConfigError, match="Did you mean 'survives_pickling'"):
        conformance(Noise(), expected_failures={"survives_pickle": "why not"})
    with pytest.raises(ConfigError, match="no check 'hands_on_failures' applies here"):
        conformance(Noise(), expected_failures={"hands_on_failures": "why not"})


def test_a_class_is_not_a_strategy_and_nothing_is_no_test() -> None:
    """People forget the parentheses, or all of it."""
    with pytest.raises(ConfigError, match="was given no strategy"):
        conformance()
    with pytest.raises(ConfigError, match="Give it its options, in parentheses"):
        checks_for(Noise)


PUBLISHED: list[tuple[SearchStrategy, type]] = [
    (cases(), Case),
    (keys(), Key),
    (networks(), Specimen),
    (genotypes(), Genotype),
    (dna(), DNA),
    (populations(), Population),
]


@pytest.mark.parametrize(
    ("strategy", "kind"), PUBLISHED, ids=lambda part: getattr(part, "__name__", "")
)
def test_published_strategies_give_what_they_say(strategy, kind) -> None:
    """Authors build tests of their own on them."""

    @settings(max_examples=10)
    @given(strategy)
    def attempt(value) -> None:
        assert isinstance(value, kind)
        assert fingerprint(value) == fingerprint(value)

    attempt()


@settings(max_examples=4)
@given(tables=recipes())
def test_generated_recipes_can_be_run(tables, tmp_path_factory) -> None:
    """And give the same digest twice."""
    folder = tmp_path_factory.mktemp("recipes")
    one, two = (evoframe.evolve(recipe=tables, out=folder / name) for name in ("one", "two"))

    assert one.digest() == two.digest()
    assert one.ending


def test_a_check_tells_what_was_promised_what_happened_and_the_smallest_example() -> None:
    """The message is all that an author has."""
    (check,) = [c for c in checks_for(SABOTEURS["offers_only_what_a_parent_has"])
                if c.name == "offers_only_what_a_parent_has"]  # fmt: skip

    with pytest.raises(ConformanceError) as caught:
        check(SABOTEURS["offers_only_what_a_parent_has"])

    head, *lines = str(caught.value).splitlines()
    assert head == "heredity Resurrecting() fails offers_only_what_a_parent_has"
    assert [line.split(":")[0] for line in lines] == [
        "promised", "happened", "example", "advice", "see",
    ]  # fmt: skip
    assert "synapses of '0.weight' were nobody's" in lines[1]
    assert "width=1" in lines[2]


def test_a_check_runs_with_one_thread_as_lives_do() -> None:
    seen = []
    check = Check(
        "check_threads", "it sees them", "", ("mutation",),
        lambda _: seen.append(torch.get_num_threads()), lambda _: True, Stage.FORM,
    )  # fmt: skip
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert check.attempt(Noise()) is None
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

    assert seen == [1]
