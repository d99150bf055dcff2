"""Starving: an encoding that only ranks needs an environment that says how many may live."""

from __future__ import annotations

from evoframe.errors import ConfigError, StillbornError, StrategyError, listing
from evoframe.evolution.conception import Conception
from evoframe.evolution.learning import begun
from evoframe.evolution.synthesis import synthesise
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context
from evoframe.kernel.device import arithmetic
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.genotype import count
from evoframe.roles import Environment
from evoframe.run.world import World

DRAWS = 3
"""How many offspring are drawn, none of which lives, before a recipe is refused."""


def require_life(world: World) -> None:
    """Refuse a recipe of which everybody would starve, before anything is written.

    Tried is only what could starve: an encoding that ranks, where no environment has said that it
    knows such encodings or how many it lets live. Its offspring are drawn of the untrained
    ancestor; if none of them lives, none of later generations will.

    Raises:
        ConfigError: how few synapses would live, and what to do instead.
    """
    recipe = world.recipe
    if "ranks" not in recipe.encoding.traits or any(map(_has_thought_of_it, recipe.environment)):
        return
    run, genotype = recipe.run, world.initial
    inheritance = Inheritance(genotype.masks, genotype.strengths(), genotype.state)
    context = world.context(2, genotype)
    with arithmetic(world.device, threads=run.threads, strict=run.strict):
        try:
            strategies = world.strategies(begun(world.strategies(), context))
            conception = Conception(strategies, context, Watch(context, strict=False))
            dna = conception.pressed(conception.encoded(inheritance), inheritance)
        except StrategyError:  # it is told in the run, with all that is known then
            return
        if any(_lives(dna, inheritance, context, draw) for draw in range(DRAWS)):
            return
    who = listing(repr(one.name) for one in recipe.environment)
    raise ConfigError(
        f"no offspring would have a synapse: encoding {recipe.encoding.name!r} only "
        "ranks synapses, so an "
        f"environment has to set how many are kept, and none does (found: {who}). Of "
        f"{count(genotype.masks):,} synapses {dna.expected_synapses():,.4g} are "
        "expected. Use an "
        "environment that sets their number, such as 'retention', or another "
        "encoding, such as 'synaptic'; authors of environments can use "
        "log_multiplier from evoframe.plugin."
    )


def _has_thought_of_it(environment: Environment) -> bool:
    """Tell whether an environment looks at encodings, or says how many synapses may live."""
    kind = type(environment)
    return kind.check is not Environment.check or kind.allowance is not Environment.allowance


def _lives(dna: DNA, inheritance: Inheritance, context: Context, draw: int) -> bool:
    try:
        synthesise(dna, inheritance, context.at("starving", draw))
    except StillbornError:
        return False
    return True
