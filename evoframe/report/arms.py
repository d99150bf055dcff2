"""Arms of a comparison: recipes made comparable, and the baselines that always stand beside them.

All arms have one task and one way to train the ancestor, and all train for the same number of
epochs in all: each life of an arm gets its part. Rules that would end a run early are left out.

The baselines are what a reader must see beside any law of synapses: ``uniform`` and
``magnitude`` at half of the synapses in each generation, and ``dense``, the ancestor's network
with fewer channels and fresh weights, that trains once for as long as the ancestor and all its
descendants together.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.convert import recipe_from
from evoframe.config.recipe import DEFAULTS, Recipe
from evoframe.config.request import Request
from evoframe.errors import ConfigError
from evoframe.registry import Registry

BASELINES = ("uniform", "magnitude", "dense")
"""The arms that are in every comparison."""

FOUNDER = "ancestor"
"""Name of the runs of nobody but the ancestor, one for each seed, that the arms begin with."""

SHARED = ("task", "ancestor", "training", "run")
"""The tables that an option of a comparison may change: it changes them in every arm."""

ENDINGS = ("until", "max_drop", "time")
"""Options of a run that would end arms at different times."""

OWN = (*ENDINGS, "seed", "generations", "population")
"""Options of a run that a comparison does not take from the command line."""


@attrs.frozen
class Arm:
    """What is run once for each seed: one recipe, or one for each size of a dense network."""

    name: str
    recipes: tuple[files.Tables, ...]


def arms_of(
    requests: Sequence[Request],
    targets: Sequence[float],
    registry: Registry,
    *,
    options: Sequence[str] = (),
    epochs: int | None = None,
) -> tuple[Arm, ...]:
    """Return the arms of a comparison, the named recipes first.

    Args:
        requests: built-in recipes, or files that end in ``.toml``, with what is to be loaded.
        targets: how many times fewer synapses people want to look at.
        registry: where strategies are found.
        options: as ``table.option=value``, for every arm.
        epochs: of all descendants of an arm together; the most that a recipe asks for if None.

    Raises:
        ConfigError: recipes that cannot be compared, and why.
    """
    named = {one.name: _changed(one, options) for one in requests}
    if len(named) < len(requests) or any(map(_is_taken, named)):
        asked = ", ".join(str(one.recipe) for one in requests)
        raise ConfigError(
            f"the recipes {asked} do not have names of their own; wanted each once, "
            f"and none called {', '.join(BASELINES)} or {FOUNDER}."
        )
    ready = {name: recipe_from(tables, registry) for name, tables in named.items()}
    first = next(iter(named.values()))
    for name, tables in named.items():
        _require_same(tables, first, name, trained=ready[name].task.is_trained)
    # The most that any of them asks for: no recipe is
    # then shown with less than its authors gave it.
    total = epochs or max(lives(recipe) * epochs_of(recipe) for recipe in ready.values())
    named |= _baselines(first, max(targets))
    arms = [Arm(name, (_scaled(tables, total, registry),)) for name, tables in named.items()]
    return (*arms, Arm("dense", _dense(first, targets, total, registry)))


def lives(recipe: Recipe) -> int:
    """Return the number of descendants that a recipe trains."""
    elites = getattr(recipe.selection, "elites", 0)
    each = max(recipe.run.population - elites, 0)
    return each * (recipe.run.generations - 1)


def epochs_of(recipe: Recipe, table: str = "training") -> int:
    """Return the number of epochs of a life.

    Raises:
        ConfigError: it cannot be told, so nothing can be made equal.
    """
    training = getattr(recipe, table) or recipe.training
    epochs = getattr(training, "epochs", None)
    if not isinstance(epochs, int):
        raise ConfigError(
            f"{table} '{training.name}' has no option 'epochs', so training budgets cannot be made "
            "equal. Compare recipes with training 'gradient'."
        )
    return epochs


def _is_taken(name: str) -> bool:
    """Tell whether a name is a baseline's, or that of a folder that the comparison makes."""
    return name in (*BASELINES, FOUNDER) or re.fullmatch(r"dense-\d+", name) is not None


def _changed(request: Request, options: Sequence[str]) -> files.Tables:
    for option in options:
        _require_shared(option)
    mine = [option for option in options if option.startswith("ancestor")]
    rest = [option for option in options if option not in mine]
    tables = copy.deepcopy(attrs.evolve(request, options=rest).tables())
    # Without a training of its own, the ancestor has that of a life, before budgets are divided.
    training = tables.get("training", DEFAULTS["training"])
    tables.setdefault("ancestor", copy.deepcopy(training))
    for option in mine:
        tables = files.assigned(tables, option)
    run = files.table(tables.get("run", {}), "run")
    tables["run"] = {name: value for name, value in run.items() if name not in ENDINGS}
    # Observers can change nothing, and the progress of many runs would drown the comparison's own.
    tables.pop("observer", None)
    return tables


def _require_shared(option: str) -> None:
    """Refuse an option that would not change all arms alike, or that a comparison sets itself."""
    left, _, _ = option.partition("=")
    table, _, name = left.partition(".")
    if table.partition("[")[0] not in SHARED:
        raise ConfigError(
            f"-o {option!r}: in a comparison only {', '.join(SHARED)} can be changed, in all "
            "arms alike. Write a recipe of your own for the rest: evoframe recipes NAME > "
            "mine.toml."
        )
    if table == "run" and name in OWN:
        raise ConfigError(
            f"-o {option!r}: a comparison decides itself about {', '.join(OWN)}: arms have the "
            "generations and the population of their recipes, the seeds from 0 to --seeds, and "
            "nothing ends them early."
        )


def _require_same(
    tables: Mapping[str, Any], first: Mapping[str, Any], name: str, *, trained: bool
) -> None:
    for table in ("task",) if trained else ("task", "ancestor"):
        if tables.get(table) != first.get(table):
            raise ConfigError(
                f"recipe {name!r} has another {table} than the first one: {tables.get(table)} and "
                f"{first.get(table)}. Only recipes with the same task and the same way to train "
                "the ancestor can be compared; change them with -o for all arms alike."
            )


def _base(first: files.Tables) -> files.Tables:
    """Return the tables that baselines have from the first recipe."""
    shared = ("task", "ancestor", "training", "anatomy")
    kept = {k: copy.deepcopy(v) for k, v in first.items() if k in shared}
    run = {k: v for k, v in first["run"].items() if k not in ("generations", "population")}
    return {**kept, "run": run}


def _baselines(first: files.Tables, largest: float) -> dict[str, files.Tables]:
    """Return recipes that halve synapses until the largest target is passed."""
    # The small number gives an exact power of two one generation more: it is to be passed.
    generations = 1 + math.ceil(math.log2(largest) + 1e-9)
    found = {}
    for name in ("uniform", "magnitude"):
        tables = _base(first)
        tables["run"]["generations"] = generations
        tables["encoding"] = {"use": name}
        tables["environment"] = [{"use": "retention", "retention": 0.5}]
        found[name] = tables
    return found


def _scaled(tables: files.Tables, total: int, registry: Registry) -> files.Tables:
    """Return tables in which all lives together train for a total of epochs, rounded."""
    recipe = recipe_from(tables, registry)
    tables = copy.deepcopy(tables)
    tables.setdefault("training", copy.deepcopy(DEFAULTS["training"]))
    tables["training"]["epochs"] = max(1, round(total / max(lives(recipe), 1)))
    return tables


def _dense(
    first: files.Tables, targets: Sequence[float], total: int, registry: Registry
) -> tuple[files.Tables, ...]:
    """Return a recipe for each size: sizes lie around the targets, to interpolate between."""
    recipe = recipe_from(first, registry)
    trained = 0 if recipe.task.is_trained else epochs_of(recipe, "ancestor")
    found = []
    for size in around(targets):
        tables = _base(first)
        # The ancestor that is only the mould, and the one dense network that is cut from it.
        tables["run"]["generations"] = 2
        tables["ancestor"] = {"use": "none"}
        tables["heredity"] = {"use": "asexual", "weights": "reinitialise"}
        tables["encoding"] = {"use": "narrow"}
        tables["nurture"] = [{"use": "fan-in"}]  # as if initialised at its own width
        budget = {"use": "budget", "cost": "synapses", "share": 1 / size, "alone": True}
        tables["environment"] = [budget]
        tables.setdefault("training", copy.deepcopy(DEFAULTS["training"]))
        # It has no ancestor to learn from, so it trains for the ancestor's epochs as well.
        tables["training"]["epochs"] = total + trained
        found.append(tables)
    return tuple(found)


def around(targets: Sequence[float]) -> list[float]:
    """Return sizes between and beyond targets, so that each target has neighbours."""
    ordered = sorted(targets)
    # Halfway on a logarithmic axis, along which values are interpolated.
    inner = [math.sqrt(low * high) for low, high in itertools.pairwise(ordered)]
    return [max(ordered[0] / 1.5, 1.0), *inner, ordered[-1] * 1.5]
