"""Aims: what was asked of a run, and the individual that it delivers does not reach."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.config.recipe import RunOptions
from evoframe.errors import listing
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.population import is_sound
from evoframe.kernel.sizes import fewer_in_words
from evoframe.run.rules import drop_in_points, is_good_enough, is_small_enough

SOME = 3
"""How many individuals are named."""


def missed(
    everyone: Sequence[Individual], chosen: Individual, options: RunOptions, metric: Metric
) -> list[str]:
    """Return sentences on what was asked for and is not reached; none if all is.

    Args:
        everyone: all individuals, with all sizes that are known; the ancestor first.
        chosen: the one that is delivered.
        options: what was asked for.
        metric: the primary one.
    """
    found = []
    if len(everyone) > 1 and chosen.genotype_id == everyone[0].genotype_id:
        found.append(_nothing_smaller(everyone, chosen, options, metric))
    if options.target is not None and not is_small_enough(chosen, everyone[0], options):
        found.append(_too_large(everyone, chosen, options, metric))
    return found


def _nothing_smaller(
    everyone: Sequence[Individual], chosen: Individual, options: RunOptions, metric: Metric
) -> str:
    said, ancestor = f"nothing smaller is delivered: {chosen.id} is the ancestor", everyone[0]
    offspring = [one for one in everyone[1:] if _is_other(one, ancestor, metric)]
    if not offspring:
        return f"{said}, because no living offspring has a finite {metric.name}."
    if options.max_drop is None:
        return f"{said}, unchanged."
    assert ancestor.fitness is not None
    share = metric.beside(ancestor.fitness.value(metric.name)).share
    unit = "percentage points of " if share else "of "
    least = min(offspring, key=lambda one: drop_in_points(one, ancestor, metric))
    return (
        f"{said}, because all offspring lose more than max_drop = {options.max_drop:g}. The least "
        f"is {drop_in_points(least, ancestor, metric):.3g} {unit}{metric.name}, of {least.id}. "
        "Keep more in each generation, train offspring longer, or allow more."
    )


def _is_other(one: Individual, ancestor: Individual, metric: Metric) -> bool:
    """Tell whether somebody might have been delivered instead of the ancestor."""
    lives = is_sound(one, metric) and one.overtaken is None
    return lives and one.genotype_id != ancestor.genotype_id


def _too_large(
    everyone: Sequence[Individual], chosen: Individual, options: RunOptions, metric: Metric
) -> str:
    assert chosen.fitness is not None
    assert everyone[0].fitness is not None
    small = [one for one in everyone if is_small_enough(one, everyone[0], options)]
    lost = [
        one.id
        for one in small
        if is_sound(one, metric) and not is_good_enough(one, everyone[0], options, metric)
    ]
    more = " and more" if len(lost) > SOME else ""
    others = f" What reached it lost too much: {listing(lost[:SOME])}{more}." if lost else ""
    fewer = fewer_in_words(chosen.fitness.costs, everyone[0].fitness.costs)
    return f"until = {options.until!r} is not reached: {chosen.id} has {fewer}.{others}"
