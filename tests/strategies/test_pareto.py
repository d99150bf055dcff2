"""NSGA-II by its own definitions, by hand, and against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from evoframe.errors import ConfigError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.population import Population
from evoframe.strategies.selection import Pareto
from evoframe.strategies.selection.pareto import crowding, fronts
from evoframe.strategies.task import Mnist
from support.contexts import keyed

METRICS = (Metric("accuracy"), Metric("loss", maximise=False))


def individual(place: int, accuracy: float, synapses: float, loss: float = 1.0) -> Individual:
    measured = {"accuracy": Measurement(accuracy), "loss": Measurement(loss)}
    fitness = Fitness(measured, {}, {"synapses": synapses})
    return Individual(f"g1s{place}", 1, place, (), Origin.OFFSPRING, "0", f"g1s{place}", fitness)


def population(members, size: int = 2, parents: int = 1) -> Population:
    return Population(tuple(members), tuple(members), size, parents, METRICS[0], METRICS)


values = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9
)


@given(values)
def test_fronts_are_those_of_the_definition(rows) -> None:
    """Front by front: exactly those whom nobody left dominates."""
    left = set(range(len(rows)))
    for front in fronts(np.array(rows, dtype=float)):
        best = {
            i for i in left
            if not any(
                all(a >= b for a, b in zip(rows[j], rows[i], strict=True)) and rows[j] != rows[i]
                for j in left
            )
        }  # fmt: skip
        assert set(front.tolist()) == best
        left -= best
    assert not left


def test_crowding_is_the_normalised_gap_between_neighbours() -> None:
    """Ends are infinite; (3 - 0) / 10 + (10 - 4) / 10 for the second of four, by hand."""
    front = np.array([[0.0, 10.0], [1.0, 7.0], [3.0, 4.0], [10.0, 0.0]])

    assert crowding(front) == pytest.approx([math.inf, 0.3 + 0.6, 0.9 + 0.7, math.inf])


def test_survivors_are_the_front_then_the_sparse() -> None:
    """Both ends of the front first, then who stands alone, then who is crowded, then the rest."""
    members = [
        individual(0, 0.90, 100),
        individual(1, 0.89, 95),  # crowded by 0 and 2
        individual(2, 0.88, 90),
        individual(3, 0.70, 50),
        individual(4, 0.40, 10),
        individual(5, 0.30, 99),  # dominated
    ]

    order = Pareto().ranked(population(members))

    assert [one.place for one in order] == [0, 4, 3, 2, 1, 5]


def test_twins_compete_once_and_what_is_no_number_comes_last() -> None:
    """Equal in everything is one point of the front; NaN is never preferred."""
    members = [
        individual(0, 0.9, 100),
        individual(1, 0.9, 100),
        individual(2, math.nan, 1),
        individual(3, 0.1, 200),
    ]

    order = Pareto().ranked(population(members))

    assert [one.place for one in order] == [0, 3, 2]


def test_objectives_have_their_own_direction() -> None:
    """A loss is minimised because its task says so, a cost always is."""
    members = [individual(0, 0.5, 10, loss=2.0), individual(1, 0.5, 10, loss=1.0)]

    order = Pareto(objectives=("loss", "synapses")).ranked(population(members))

    assert [one.place for one in order] == [1, 0]


@given(st.integers(0, 99), st.integers(1, 5), st.integers(1, 3))
def test_parents_are_survivors(seed: int, size: int, parents: int) -> None:
    """Nobody beyond the best ``size`` has offspring, and mates differ where there are enough."""
    members = [individual(place, place / 10, 10 * place + 1) for place in range(6)]
    people = population(members, size, parents)
    survivors = {one.id for one in Pareto().ranked(people)[:size]}

    families = Pareto().select(people, keyed(Key(seed)))

    assert len(families) == size
    for family in families:
        assert set(family.parents) <= survivors
        assert len(set(family.parents)) == min(parents, size)


def test_an_objective_that_nobody_measures_is_refused() -> None:
    """With what there is, and a close match."""
    with pytest.raises(ConfigError, match="Did you mean 'accuracy'"):
        Pareto(objectives=("acuracy",)).check(Mnist())
