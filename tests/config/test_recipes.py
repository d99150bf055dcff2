"""Recipes: the same value in Python and TOML, and clear words for every mistake."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given, strategies as st

from evoframe.config import files
from evoframe.config.convert import recipe_from, tables_from
from evoframe.config.recipe import RunOptions
from evoframe.errors import ConfigError, EvoframeError, RequirementError
from evoframe.registry import load_registry
from evoframe.registry.checking import is_role, options
from evoframe.roles import ROLE_TABLES

REGISTRY = load_registry(entry_points=False)

SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "address": st.sampled_from(["s3://bucket/run", "memory://run"]),
    "until": st.sampled_from(["10x", "synapses=2.5x", "parameters=4x", "flops=4x", "latency=2x"]),
    "time": st.sampled_from(["90s", "1.5h"]),
    "siblings": st.just([6, 3]),
    "among": st.just([{"use": "evoframe:uniform"}]),
    "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "requires": st.just(["evoframe>=0.0"]),
    "plugins": st.just([]),
    "image_size": st.integers(1, 2**36).map(lambda places: 16 * places),
    "growth": st.floats(1, 9),
    "shares": st.lists(st.floats(0.01, 1), min_size=1),
    "objectives": st.lists(st.sampled_from(["accuracy", "synapses", "flops"]), min_size=1),
}


def values_of(field: attrs.Attribute[Any]) -> st.SearchStrategy[Any]:
    """Return TOML values that an option accepts, from its type and its validators' bounds."""
    kind = field.type
    if field.name in SPECIAL:
        return SPECIAL[field.name]
    if type(None) in typing.get_args(kind):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    if typing.get_origin(kind) is Literal:
        return st.sampled_from(typing.get_args(kind))
    if field.name == "keep" and kind is str:
        return st.sampled_from(["all", "front", "last 3"])
    if typing.get_origin(kind) is tuple:
        (inside, _) = typing.get_args(kind)
        lists = {int: [64, 128], float: [0.25, 0.75], str: ["0", "1"]}
        return st.just(lists[inside])
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(1, most(field.validator))
    if kind is float:
        return st.floats(0.001, 0.999)
    if is_role(kind):
        return st.just({"use": "evoframe:removal", "removal": 0.25})
    if attrs.has(kind):  # costs that are bounded, each given or not
        attrs.resolve_types(kind)
        inside = {one.name: values_of(one) for one in attrs.fields(kind)}
        needed = {one.name for one in attrs.fields(kind) if one.default is attrs.NOTHING}
        return st.fixed_dictionaries(
            {name: own for name, own in inside.items() if name in needed},
            optional={name: own for name, own in inside.items() if name not in needed},
        )
    texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
    return texts.map(lambda text: str(Path("/x", text)))


def most(validator: Any) -> int:
    """Return the largest whole number that a validator lets pass, as far as it says."""
    several = getattr(validator, "_validators", (validator,))
    bounds = [one.bound for one in several if getattr(one, "compare_op", "") == "<="]
    return min([2**40, *bounds])


@st.composite
def tables_of(draw, kind: type) -> dict[str, Any]:
    table = {}
    for field in attrs.fields(kind) if kind is RunOptions else options(kind):
        if field.default is attrs.NOTHING or draw(st.booleans()):
            table[field.name] = draw(values_of(field))
    return table


attrs.resolve_types(RunOptions)


@st.composite
def recipes(draw) -> dict[str, Any]:
    tables: dict[str, Any] = {"run": draw(tables_of(RunOptions))}
    for name, role in ROLE_TABLES.items():
        offers = REGISTRY.of_role(role.name)
        if not offers or (name != "task" and draw(st.booleans())):
            continue
        entries = [
            {"use": offer.name, **draw(tables_of(offer.strategy))}
            for offer in draw(st.lists(st.sampled_from(offers), min_size=1, max_size=2))
        ]
        tables[name] = entries if role.several else entries[0]
    return tables


def entries(held: Any) -> list[dict[str, Any]]:
    return held if isinstance(held, list) else [held]


@given(recipes())
def test_toml_to_recipe_to_toml_is_the_identity(tables: dict[str, Any]) -> None:
    """What is recorded of a run is what was run: nothing is lost or made up on the way."""
    recipe = recipe_from(files.parse(files.write(tables), "drawn"), REGISTRY)
    complete = files.write(tables_from(recipe, REGISTRY))
    again = recipe_from(files.parse(complete, "complete"), REGISTRY)

    assert recipe == again
    assert complete == files.write(tables_from(again, REGISTRY))
    for name, given_table in tables.items():
        given_entries = entries(given_table)
        held = tables_from(recipe, REGISTRY)[name]
        for entry, kept in zip(given_entries, entries(held), strict=True):
            named = {"use": f"evoframe:{entry['use']}"} if "use" in entry else {}
            assert holds(kept, {**entry, **named})


def holds(kept: Any, given: Any) -> bool:
    """Tell whether a table says all that another says, tables inside it too."""
    if not isinstance(given, dict):
        return bool(kept == given)
    return all(name in kept and holds(kept[name], value) for name, value in given.items())


@pytest.mark.parametrize("name", sorted(files.built_in_recipes()))
def test_built_in_recipes_are_sound_and_say_what_they_are(name: str) -> None:
    """A recipe that people start from must parse, and have a title to be chosen by."""
    tables = files.read_recipe(name)

    recipe = recipe_from(tables, REGISTRY)

    assert recipe.about["title"]
    assert recipe.about["paper"]
    assert recipe == recipe_from(tables_from(recipe, REGISTRY), REGISTRY)


def test_notes_are_refused_with_what_is_missing() -> None:
    """A paper that cannot be run yet may have a recipe that says why."""
    note = {"about": {"title": "a note", "missing": "a task with words"}}
    with pytest.raises(ConfigError, match=r"is a note and cannot be run.*: a task with words"):
        recipe_from(note, REGISTRY)


def test_later_words_win_and_leave_the_rest() -> None:
    """Defaults < recipe < command line; naming the strategy that is there keeps its options."""
    tables = files.parse('[task]\nuse="mnist"\n[encoding]\nuse="synaptic"\ntemperature=0.3', "mine")

    same = recipe_from(files.chosen(tables, "encoding", ["synaptic"]), REGISTRY)
    other = recipe_from(files.chosen(tables, "encoding", ["magnitude"]), REGISTRY)
    option = recipe_from(files.assigned(tables, "encoding.temperature=0.5"), REGISTRY)

    assert same.encoding.temperature == 0.3
    assert other.encoding.name == "magnitude"
    assert option.encoding.temperature == 0.5
    assert option.encoding.normaliser == "max"
    assert option.environment[0].name == "retention"


def test_assignments_reach_into_lists() -> None:
    """Two environments are told apart by number; with one, the number may be left out."""
    tables = {"task": {"use": "mnist"}, "environment": [{"use": "retention"}, {"use": "retention"}]}

    changed = files.assigned(tables, "environment[1].retention=0.25")
    recipe = recipe_from(changed, REGISTRY)
    single = files.assigned({"task": {"use": "mnist"}}, "environment.retention=0.125")

    assert [one.retention for one in recipe.environment] == [0.5, 0.25]
    assert recipe_from(single, REGISTRY).environment[0].retention == 0.125
    for wrong in ("environment.retention=0.1", "environment[2].retention=0.1"):
        with pytest.raises(ConfigError):
            files.assigned(tables, wrong)


READY = "\ndef ready():\n    return Blobs(hidden=9)\n"

MISTAKES = [
    ({"encodng": {}}, "there is no table [encodng] in a recipe. Did you mean 'encoding'?"),
    ({"encoding": {"use": "synaptc"}}, "there is no encoding 'synaptc'. Did you mean 'synaptic'?"),
    (
        {"encoding": {"use": "synaptic", "temprature": 1.0}},
        "there is no option encoding.temprature. Did you mean 'temperature'?",
    ),
    (
        {"encoding": {"use": "synaptic", "temperature": "hot"}},
        "encoding.temperature: wanted a number, found 'hot'",
    ),
    (
        {"encoding": {"use": "synaptic", "temperature": 0}},
        "encoding: 'temperature' must be > 0: 0",
    ),
    (
        {"environment": [{"use": "retention"}, {"use": "retention", "mode": "hardcap"}]},
        (
            "environment[1].mode: wanted one of 'multiplicative', 'calibrated', 'hard-cap', found "
            "'hardcap'. Did you mean 'hard-cap'?"
        ),
    ),
    ({"training": {"use": "gradient", "epochs": True}}, "wanted a whole number, found True"),
    ({"training": {"use": "gradient", "epochs": 2.0}}, "wanted a whole number, found 2.0"),
    (
        {"training": {"use": "gradient", "half_precision": "false"}},
        "wanted true or false, found 'false'",
    ),
    ({"training": {}}, '[training] says no strategy; wanted use = "NAME"'),
    ({"training": "gradient"}, "[training] is 'gradient'; wanted a table"),
    ({"run": {"until": "ten"}}, "'until' is 'ten'; wanted a factor as in '10x'"),
    ({"run": {"generation": 4}}, "there is no option run.generation. Did you mean 'generations'?"),
    ({"task": {"use": "nowhere.py:Task"}}, "there is no file"),
    ({"task": {"use": f"{__file__}:MISTAKE"}}, "Did you mean 'MISTAKES'?"),
    (
        {"task": {"use": f"{__file__}:MISTAKES"}},
        "wanted a task: a class derived from",
    ),
    ({"task": {"use": "no.such.module:Task"}}, "cannot import 'no.such.module'"),
]


@pytest.mark.parametrize(("wrong", "message"), MISTAKES, ids=[str(w)[:60] for w, _ in MISTAKES])
def test_a_mistake_gets_one_clear_message(wrong: dict[str, Any], message: str) -> None:
    """Who, what was found, what was wanted, and the nearest name."""
    with pytest.raises(EvoframeError) as caught:
        recipe_from({"task": {"use": "mnist"}, **wrong}, REGISTRY)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "wrong", ["encoding", "encoding.x", "encodng.temperature=1", "task[1].data='x'", "a.b.c=1"]
)
def test_an_assignment_that_cannot_be_read_is_refused(wrong: str) -> None:
    """A slip of the keyboard must not become a default run."""
    with pytest.raises(ConfigError, match="-o"):
        files.assigned({"task": {"use": "mnist"}}, wrong)


def test_requirements_are_checked_all_at_once() -> None:
    """One message lists what is missing, before anything runs."""
    tables = {
        "task": {"use": "mnist"},
        "run": {"requires": ["evoframe-nowhere>=1", "numpy>=999", "attrs"]},
    }

    with pytest.raises(RequirementError) as caught:
        recipe_from(tables, REGISTRY)

    assert "evoframe-nowhere>=1 (not installed), numpy>=999" in str(caught.value)


def test_references_in_a_recipe_file_are_taken_from_its_folder(tmp_path: Path) -> None:
    """A recipe and its task can move together."""
    blobs = Path(__file__).parents[1] / "support" / "blobs.py"
    (tmp_path / "mine.py").write_text(blobs.read_text() + READY)
    (tmp_path / "mine.toml").write_text('[task]\nuse = "mine.py:Blobs"\nhidden = 7\n')
    (tmp_path / "ready.toml").write_text('[task]\nuse = "mine.py:ready"\n')

    by_class = recipe_from(files.read_recipe(str(tmp_path / "mine.toml")), REGISTRY)
    by_function = recipe_from(files.read_recipe(str(tmp_path / "ready.toml")), REGISTRY)

    assert by_class.task.hidden == 7
    assert by_function.task.hidden == 9
    assert tables_from(by_function, REGISTRY)["task"] == {"use": f"{tmp_path / 'mine.py'}:ready"}
    with pytest.raises(ConfigError, match="takes no options"):
        recipe_from({"task": {"use": f"{tmp_path / 'mine.py'}:ready", "hidden": 1}}, REGISTRY)
