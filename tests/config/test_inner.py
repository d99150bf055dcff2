"""Strategies that are options of strategies: the same in Python, TOML, records and on the line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import attrs
import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

import evoframe
from evoframe.cli import main
from evoframe.config import files
from evoframe.config.convert import recipe_from, tables_from
from evoframe.config.inner import evolved, inner
from evoframe.errors import ConfigError, NoSuchStrategyError
from evoframe.plugin import FrozenDict, Mutation, Training, doc
from evoframe.registry import load_registry
from evoframe.registry.checking import check_options
from evoframe.registry.describe import option_rows, toml_snippet
from evoframe.strategies.mutation import Noise, Regrowth
from evoframe.strategies.training import Gradient


@attrs.frozen
class Mixed(Mutation):
    """One mutation after the other."""

    name: ClassVar[str] = "mixed"

    arms: tuple[Mutation, ...] = attrs.field(
        default=(Noise(), Regrowth()), metadata=doc("the mutations")
    )
    by_name: Mapping[str, Mutation] = attrs.field(
        factory=FrozenDict, converter=FrozenDict, metadata=doc("more of them")
    )
    teacher: Training | None = attrs.field(default=None, metadata=doc("another role"))

    def mutate(self, dna, inheritance, context):
        for index, arm in enumerate(self.arms):
            dna = arm.mutate(dna, inheritance, context.at("arm", index))
        return dna


HERE = f"{Path(__file__).resolve()}:Mixed"
BLOBS = f"{Path(__file__).resolve().parents[1] / 'support' / 'blobs.py'}:Blobs"
TASK = {"task": {"use": BLOBS}}


def read(table: Mapping[str, object]) -> Mixed:
    recipe = recipe_from({**TASK, "mutation": [table]}, load_registry(entry_points=False))
    return recipe.mutation[0]


ARMS = st.recursive(
    st.one_of(
        st.builds(Noise, strength=st.floats(0, 1)), st.builds(Regrowth, rate=st.floats(0, 1))
    ),
    lambda inside: st.builds(
        Mixed,
        arms=st.lists(inside, max_size=2).map(tuple),
        by_name=st.dictionaries(st.sampled_from("abc"), inside, max_size=2),
        teacher=st.one_of(st.none(), st.builds(Gradient, epochs=st.integers(1, 9))),
    ),
    max_leaves=5,
)


@given(ARMS)
def test_what_is_inside_survives_the_record_of_a_run(arm: Mutation) -> None:
    """Tables say all of it, however deep it is, and other processes get the same value."""
    registry = load_registry(entry_points=False)
    recipe = attrs.evolve(recipe_from(TASK, registry), mutation=(Mixed(arms=(arm,)),))

    text = files.write(tables_from(recipe, registry))
    again = recipe_from(files.parse(text, "a record"), registry).mutation

    assert again == recipe.mutation
    assert hash(again) == hash(recipe.mutation)
    assert pickle.loads(pickle.dumps(again)) == again


def test_a_name_alone_means_the_default_options() -> None:
    """Most arms are written in one word."""
    made = read({"use": HERE, "arms": ["noise", {"use": "regrowth", "rate": 0.5}]})

    assert made.arms == (Noise(), Regrowth(rate=0.5))


def test_everything_inside_is_named_by_its_entry() -> None:
    """Messages, fingerprints and versions need to say which one is meant."""
    made = Mixed(arms=(Noise(), Mixed(arms=())), by_name={"x": Noise()}, teacher=Gradient())

    names = [name for name, _ in inner(made, "mutation[0]")]

    assert names == [
        "mutation[0].arms[0]",
        "mutation[0].arms[1]",
        "mutation[0].by_name.x",
        "mutation[0].teacher",
    ]


def test_a_change_reaches_everything_inside() -> None:
    """Paths are made absolute wherever they stand."""
    made = Mixed(arms=(Mixed(arms=(Noise(0.1),)),), by_name={"x": Noise(0.2)})

    doubled = evolved(
        made, lambda one: attrs.evolve(one, strength=1.0) if isinstance(one, Noise) else one
    )

    assert doubled == Mixed(arms=(Mixed(arms=(Noise(1.0),)),), by_name={"x": Noise(1.0)})


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        ({"arms": [3]}, ConfigError, r"mutation\[0\]\.arms\[0\] is 3; wanted a mutation"),
        ({"arms": "noise"}, ConfigError, r"wanted a list"),
        ({"arms": [{"rate": 1}]}, ConfigError, r"\[mutation\[0\]\.arms\[0\]\] says no strategy"),
        ({"arms": ["nois"]}, NoSuchStrategyError, r"'nois'.*Did you mean 'noise'"),
        ({"arms": ["synaptic"]}, NoSuchStrategyError, r"no mutation 'synaptic'"),
        (
            {"arms": [{"use": "noise", "strenght": 1}]},
            ConfigError,
            r"no option mutation\[0\]\.arms\[0\]\.strenght",
        ),
        ({"teacher": "noise"}, NoSuchStrategyError, r"no training 'noise'"),
    ],
)
def test_what_is_wrong_inside_is_told_where_it_stands(table, error, words) -> None:
    """Who, what was found and what was wanted, as for any other option."""
    with pytest.raises(error, match=words):
        read({"use": HERE, **table})


def test_options_inside_are_set_on_the_command_line() -> None:
    """By the entry's name and the option's, in the order in which they are said."""
    tables = files.assigned({"mutation": [{"use": HERE}]}, "mutation.arms=['noise', 'regrowth']")
    tables = files.assigned(tables, "mutation[0].arms[1].rate=0.25")
    tables = files.assigned(tables, "mutation.by_name={ x = 'noise' }")
    tables = files.assigned(tables, "mutation.by_name.x.strength=0.5")

    made = read(tables["mutation"][0])

    assert (made.arms, made.by_name) == ((Noise(), Regrowth(rate=0.25)), {"x": Noise(0.5)})
    with pytest.raises(ConfigError, match=r"no table 'arms\[7\]'"):
        files.assigned(tables, "mutation.arms[7].rate=1")


def test_it_is_shown_as_a_recipe_holds_it() -> None:
    """People copy what they are shown."""
    check_options(Mixed)

    assert 'arms = [{ use = "noise", strength = 0.02 }, ' in toml_snippet(Mixed)
    assert [row[1] for row in option_rows(Mixed)] == [
        "list of mutation strategy",
        "table of mutation strategy",
        "training strategy",
    ]


@pytest.mark.slow
def test_a_run_shows_its_inner_strategies_and_goes_on(tmp_path: Path) -> None:
    """Their versions are on record, a life lived in another process is the same."""
    plugin = tmp_path / "mixed.py"
    plugin.write_text(Path(__file__).read_text("utf-8"), "utf-8")
    given = ["--task", BLOBS, "--mutation", f"{plugin}:Mixed", "--generations", "3"]
    inside = ["-o", "mutation.arms=[{ use = 'noise', strength = 0.1 }]", "-o", "training.epochs=1"]
    digests = []
    for executor in ("serial", "processes"):
        path = tmp_path / executor
        asked = ["evolve", *given, *inside, "--executor", executor, "--out", str(path)]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        shown = CliRunner().invoke(main, ["show", str(path), "--json"])
        strategies = json.loads(shown.stdout)["recipe"]["mutation"][0]["arms"]
        assert strategies[0]["strength"] == 0.1
        digests.append(evoframe.open_run(path).digest())
    assert digests[0] == digests[1]
