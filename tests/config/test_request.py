"""One way from what people say to a recipe, whoever they say it to."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from evoframe.cli.evolve import RUN_FLAGS, request_from
from evoframe.config.request import Request, by_table, registry_of
from evoframe.errors import ConfigError
from evoframe.roles import ROLES
from evoframe.strategies.encoding import Magnitude, Uniform
from evoframe.strategies.environment import Retention
from evoframe.strategies.training import Gradient

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
PLUGIN = '''
import attrs
from evoframe import hookimpl
from evoframe.roles import Observer

@attrs.frozen(eq=False)
class {kind}(Observer):
    """Says nothing."""

    name = "{name}"

@hookimpl
def evoframe_observers():
    return [{kind}]
'''


def plugin(folder: Path, name: str) -> str:
    file = folder / f"{name}.py"
    file.write_text(PLUGIN.format(kind=name.title(), name=name))
    return str(file)


def test_what_is_said_later_counts() -> None:
    """Defaults, the recipe, choices, options: the order in which people think of them."""
    tables = {"task": {"use": BLOBS}, "run": {"seed": 1, "generations": 2, "population": 3}}
    plain = Request(tables, defaults={"observer": [{"use": "console"}]})
    chosen = attrs.evolve(plain, choices={"generations": 4, "population": 5, "observer": []})
    said = attrs.evolve(chosen, options=["run.population=6", "encoding.temperature=0.5"])

    runs = [one.resolve().recipe.run for one in (plain, chosen, said)]
    assert [(run.seed, run.generations, run.population) for run in runs] == [
        (1, 2, 3), (1, 4, 5), (1, 4, 6),
    ]  # fmt: skip
    assert [one.name for one in plain.resolve().recipe.observer] == ["console"]
    assert chosen.resolve().recipe.observer == ()
    assert said.resolve().recipe.encoding.temperature == 0.5


def test_python_and_the_command_line_ask_for_the_same() -> None:
    """A run can be moved from a script to a terminal and back."""
    nothing = dict.fromkeys((*ROLES, *RUN_FLAGS, "recipe")) | {"plugins": (), "assignments": ()}
    typed = nothing | {
        "recipe": "darwin-1606", "task": BLOBS, "mutation": ("noise",), "environment": (),
        "seed": 3, "observer": ("console",), "assignments": ("mutation.strength=0.5",),
    }  # fmt: skip
    called = Request(
        "darwin-1606",
        choices={"task": BLOBS, "mutation": "noise", "seed": 3, "observer": ["console"]},
        options=["mutation.strength=0.5"],
    )

    assert request_from(typed).resolve().recipe == called.resolve().recipe
    assert request_from(typed).name == called.name == "darwin-1606"


def test_values_take_the_place_of_names() -> None:
    """Strategies made in Python are used as they are; a class means its defaults."""
    request = Request(
        {"task": {"use": BLOBS}, "encoding": {"use": "synaptic"}},
        choices={"encoding": Magnitude, "environment": [Retention(retention=0.3)]},
    )

    asked = request.resolve()

    assert asked.recipe.encoding == Magnitude()
    assert asked.recipe.environment == (Retention(retention=0.3),)
    assert asked.ready == {"encoding": Magnitude(), "environment": (Retention(retention=0.3),)}


@pytest.mark.parametrize(
    "change", [{"options": ["run.seed=1"]}, {"choices": {"seed": 1}}, {"plugins": ["x"]}]
)
def test_a_ready_recipe_is_run_as_it_is(change) -> None:
    """What could not be recorded as a change is refused as one."""
    recipe = Request({"task": {"use": BLOBS}}).resolve().recipe

    assert Request(recipe).resolve().recipe is recipe
    with pytest.raises(ConfigError, match="takes no changes here"):
        Request(recipe, **change).resolve()


def test_a_role_that_there_is_not_is_told_with_the_nearest() -> None:
    """A value has no name to be looked up, so its place must be right."""
    with pytest.raises(ConfigError, match=r"no role table 'encodng'. Did you mean 'encoding'?"):
        Request({"task": {"use": BLOBS}}, choices={"encodng": Uniform()}).resolve()
    assert by_table({"mutation": Uniform()}) == {"mutation": (Uniform(),)}


def test_plugins_of_the_recipe_and_of_the_request_are_all_loaded(tmp_path) -> None:
    """Each is there once, in the order in which they were named."""
    one, two, three = (plugin(tmp_path, name) for name in ("one", "two", "three"))
    first = Request({"run": {"plugins": [one]}, "task": {"use": BLOBS}}, plugins=[two])
    second = Request({"task": {"use": BLOBS}}, plugins=[two, three])

    assert first.resolve().recipe.run.plugins == (one, two)
    named = [found.name for found in registry_of([first, second]).plugins]
    assert named[-3:] == [one, two, three]


# --- the ancestor's training ----------------------------------------------------------------------


def training_of_ancestor(recipe, *options, **choices):
    tables = {"task": {"use": BLOBS}, **recipe}
    return Request(tables, options=options, choices=choices).resolve().recipe.ancestor


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ({}, ["ancestor.epochs=6"]),
        ({"training": {"use": "gradient", "learning_rate": 0.1}}, ["ancestor.epochs=6"]),
        ({}, ["ancestor.epochs=6", "training.learning_rate=0.1"]),
        ({}, ["training.learning_rate=0.1", "ancestor.epochs=6", "ancestor.momentum=0.5"]),
        ({"ancestor": {"use": "gradient", "momentum": 0.1}}, ["ancestor.epochs=6"]),
    ],
)
def test_an_option_of_the_ancestor_needs_no_table(recipe, options) -> None:
    """Who names none means the training of all others, with the options that are said of it."""
    found = training_of_ancestor(recipe, *options)

    other = Request({"task": {"use": BLOBS}, **recipe}, options=options).resolve().recipe.training
    assert (found.epochs, other.epochs) == (6, 3)
    if "ancestor" not in recipe:
        assert found == attrs.evolve(
            other, epochs=6, momentum=0.5 if len(options) == 3 else other.momentum
        )
    else:
        assert found.momentum == 0.1


def test_a_recipe_by_name_takes_an_option_of_the_ancestor() -> None:
    """`-o ancestor.epochs=6` was answered with a flag that there is not."""
    recipe = Request("demo", options=["ancestor.epochs=6"]).resolve().recipe

    assert recipe.ancestor.epochs == 6


@pytest.mark.parametrize("choices", [{"training": Gradient(epochs=2)}, {"ancestor": Gradient()}])
def test_an_option_of_a_ready_training_is_refused_with_what_to_write(choices) -> None:
    """It would be that of another training, and nobody would know."""
    with pytest.raises(ConfigError, match=r"made in Python\. Give ancestor="):
        training_of_ancestor({}, "ancestor.epochs=6", **choices)


def test_an_option_that_the_training_does_not_have_is_refused() -> None:
    """The ancestor's training is the one of all others, whatever that is."""
    with pytest.raises(ConfigError, match=r"there is no option ancestor\.epochs"):
        training_of_ancestor({"training": {"use": "none"}}, "ancestor.epochs=6")
