"""When a run stops, and which individual it delivers."""

from __future__ import annotations

from collections.abc import Sequence

from evoframe.config.recipe import RunOptions
from evoframe.errors import ConfigError
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.population import is_sound, rank


def drop_in_points(one: Individual, ancestor: Individual, metric: Metric) -> float:
    """Return the drop of an individual from the ancestor on the validation split.

    In percentage points of a share, else in the metric's unit, as ``Metric.beside`` decides.
    """
    assert one.fitness is not None
    assert ancestor.fitness is not None
    reference = ancestor.fitness.value(metric.name)
    scale = 100.0 if metric.beside(reference).share else 1.0
    return scale * metric.drop(one.fitness.value(metric.name), reference)


def require_unit(ancestor: Individual, options: RunOptions, metric: Metric) -> None:
    """Refuse a limit of which none can tell whether it is in percentage points.

    Raises:
        ConfigError: ``max_drop`` is set, less of the metric is better, the ancestor has from 0 to
            1, and the task has not said whether that is a share.
    """
    assert ancestor.fitness is not None
    value = ancestor.fitness.value(metric.name)
    if options.max_drop is None or metric.maximise or metric.share is not None:
        return
    if 0 <= value <= 1:
        raise ConfigError(
            f"max_drop = {options.max_drop:g} may be percentage points or a number as "
            f"{metric.name} is: of {metric.name} less is better, and the ancestor has {value:.4g}. "
            f'Say which in the task: metrics={{"{metric.name}": (function, "min", "share")}} '
            'counts points and "number" its own unit; in a class, Metric(..., share=True or False).'
        )


def is_small_enough(one: Individual, ancestor: Individual, options: RunOptions) -> bool:
    """Tell whether an individual reaches the target of ``until``; False without one."""
    if options.target is None or one.fitness is None:
        return False
    assert ancestor.fitness is not None
    cost, factor = options.target
    whole, left = ancestor.fitness.costs.get(cost), one.fitness.costs.get(cost)
    return whole is not None and left is not None and whole >= factor * left


def is_good_enough(
    one: Individual, ancestor: Individual, options: RunOptions, metric: Metric
) -> bool:
    """Tell whether an individual loses no more than ``max_drop``; True without one."""
    if options.max_drop is None:
        return True
    return drop_in_points(one, ancestor, metric) <= options.max_drop


def stop_reason(
    generation: Sequence[Individual],
    ancestor: Individual,
    options: RunOptions,
    metric: Metric,
    seconds: float,
) -> str | None:
    """Return the reason for which a run ends after this generation; None if it goes on."""
    number = generation[0].generation
    sound = [one for one in generation if is_sound(one, metric) and one.overtaken is None]
    if not sound:
        return _nobody_left(generation, metric)
    good = [one for one in sound if is_good_enough(one, ancestor, options, metric)]
    reached = [one for one in good if is_small_enough(one, ancestor, options)]
    if reached:
        return f"{reached[0].id} reached {options.until}"
    if not good:
        return (
            f"all individuals of generation {number} lost more than max_drop = {options.max_drop:g}"
        )
    if options.seconds is not None and seconds >= options.seconds:
        return f"the time limit of {options.time} passed in generation {number}"
    # Last: a target that is reached in the last generation is the better thing to say.
    if number >= options.generations:
        return f"generation {number} was the last one asked for"
    return None


def _nobody_left(generation: Sequence[Individual], metric: Metric) -> str:
    number, reasons = generation[0].generation, {one.stillborn for one in generation} - {""}
    if any(one.is_alive for one in generation):
        return f"no individual of generation {number} has a finite {metric.name}"
    return f"no individual of generation {number} is alive ({'; '.join(sorted(reasons))})"


def pick(individuals: Sequence[Individual], options: RunOptions, metric: Metric) -> str:
    """Return the id of the individual that a run delivers.

    With ``max_drop``: the smallest that loses no more than that, by the size that ``until`` names.
    Without: the best of the last generation in which anybody lives, among those that reach
    ``until`` if any do. Nobody whose primary metric is not finite is delivered while there is
    somebody else, and nobody who was overtaken on a rung.
    """
    ancestor = individuals[0]
    whole = [one for one in individuals if one.overtaken is None]
    alive = [one for one in whole if is_sound(one, metric)] or [ancestor]

    if options.max_drop is not None:
        good = [one for one in alive if is_good_enough(one, ancestor, options, metric)]
        # Never empty: the ancestor loses nothing against itself.
        cost = options.target[0] if options.target else "synapses"
        return min(good, key=lambda one: (_size(one, cost), rank(one, metric))).id
    last = max(one.generation for one in alive)
    final = [one for one in alive if one.generation == last]
    reached = [one for one in final if is_small_enough(one, ancestor, options)]
    return min(reached or final, key=lambda one: rank(one, metric)).id


def _size(one: Individual, cost: str) -> float:
    assert one.fitness is not None
    return one.fitness.costs.get(cost, float(one.synapses))
