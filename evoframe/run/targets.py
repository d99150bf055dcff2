"""Targets: the size at which a run may stop, as far as it can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from evoframe.config.recipe import Recipe
from evoframe.errors import ConfigError
from evoframe.evolution.blame import acting
from evoframe.kernel.device import arithmetic
from evoframe.kernel.individual import Individual
from evoframe.kernel.key import sealed
from evoframe.roles import Environment
from evoframe.run.world import World


def require_reachable(world: World) -> None:
    """Refuse what this network cannot come to, before anything is written.

    Raises:
        ConfigError: a budget that what stays makes unreachable, or a size for ``until`` that
            nobody can tell.
        TaskError: an encoding that can tell nothing of it.
    """
    for environment in world.recipe.environment:
        environment.check_ancestor(world.context(1, world.initial))
    world.recipe.selection.check_ancestor(world.context(1, world.initial))
    _require_readable(world)
    if world.recipe.run.target is not None:
        _require_told(world.recipe, world.anatomy.costs(world.initial))


def _require_readable(world: World) -> None:
    """Refuse an encoding that can tell nothing of this network."""
    run, encoding = world.recipe.run, world.recipe.encoding
    context = world.context(1, world.initial).at("encoding")
    with (
        arithmetic(world.device, threads=run.threads, strict=run.strict),
        sealed(context.key),
        acting(encoding, context),
    ):
        encoding.check_ancestor(context)


def sized(
    individuals: Sequence[Individual], environments: Sequence[Environment]
) -> tuple[Individual, ...]:
    """Return individuals whose costs have the latency that an environment tells, if one does."""
    return tuple(_sized(one, environments) for one in individuals)


def _sized(one: Individual, environments: Sequence[Environment]) -> Individual:
    if one.fitness is None:
        return one
    seconds = latency(one.fitness.costs, environments)
    if seconds is None:
        return one
    costs = {**one.fitness.costs, "latency": seconds}
    return attrs.evolve(one, fitness=attrs.evolve(one.fitness, costs=costs))


def latency(costs: Mapping[str, float], environments: Sequence[Environment]) -> float | None:
    """Return the seconds of a forward pass as the first environment tells that has rates."""
    told = (environment.latency(costs) for environment in environments)
    return next((seconds for seconds in told if seconds is not None), None)


def _require_told(recipe: Recipe, costs: Mapping[str, float]) -> None:
    assert recipe.run.target is not None
    cost, until = recipe.run.target[0], recipe.run.until
    if cost in costs or (cost == "latency" and latency(costs, recipe.environment) is not None):
        return
    if cost == "latency":
        raise ConfigError(
            f"until = {until!r} needs a table of measured latencies: set run.latency_table to one "
            "that `evoframe latency` made, or use until = 'flops=4x'."
        )
    raise ConfigError(
        f"until = {until!r} cannot be computed: the network of task "
        f"{recipe.task.name!r} does not run "
        "on torch's meta device. Use until = 'parameters=4x'."
    )
