"""While a strategy acts, its task gives it only the splits that it may see."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import attrs
import pytest
import torch

from evoframe.errors import ContractError
from evoframe.kernel.individual import Fitness, Individual, Measurement, Metric, Origin
from evoframe.kernel.population import Population, rank
from evoframe.kernel.splits import DECIDING, TRAINING, Withheld, sight_of, without_test
from evoframe.roles import Task


@attrs.frozen
class Loud(Task):
    """A task with ways of its own to its data."""

    name = "loud"
    metrics = (Metric("accuracy"),)

    def ancestor(self, key):
        return torch.nn.Linear(1, 1)

    def example_inputs(self):
        return (torch.zeros(1, 1),)

    def batches(self, which, *, shuffle=None, batch_size=None):
        return [which]

    def step(self, network, batch):
        return network(torch.zeros(1, 1)).sum()

    def measure(self, network, batch):
        return {"accuracy": torch.zeros(1)}

    def fit(self, network, key, device):
        return self.held_out()

    def held_out(self):
        return list(super().batches("validation") or self.batches("validation"))


WAYS = {
    "by position": lambda task, split: task.batches(split),
    "by name": lambda task, split: task.batches(which=split),
    "by measuring": lambda task, split: task.evaluate(None, split, None),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("seen", [TRAINING, DECIDING, None])
def test_a_split_is_given_to_whoever_may_see_it(way: str, split: str, seen: Any) -> None:
    def read() -> Any:
        try:
            return WAYS[way](Loud(), split)
        except AttributeError:  # nothing was to be measured: what counts is that it was let in
            return None

    if seen is None or split in seen:
        with sight_of(seen):
            read()
        return
    told = f"it reads the split '{split}'; wanted train"
    with pytest.raises(ContractError, match=told), sight_of(seen):
        read()
    # Whoever keeps it to itself is told of all the same.
    with pytest.raises(ContractError, match=told), sight_of(seen), suppress(ContractError):
        read()
    read()


def test_a_tasks_own_methods_meet_the_same_gate() -> None:
    """``fit`` of a task, and whatever helper it has."""
    with pytest.raises(ContractError), sight_of(TRAINING):
        Loud().fit(None, None, None)

    with sight_of(DECIDING):
        assert Loud().fit(None, None, None) == ["validation"]


def test_lives_in_several_threads_do_not_share_a_gate() -> None:
    """As an executor of threads has them."""
    found = []
    with sight_of(TRAINING):
        other = threading.Thread(target=lambda: found.append(Loud().batches("test")))
        other.start()
        other.join()

    assert found == [["test"]]


def an_individual(place: int) -> Individual:
    value = {"accuracy": Measurement(0.5)}
    fitness = Fitness(value, value, {"synapses": 3.0})
    return Individual(f"g2s{place}", 2, place, (), Origin.OFFSPRING, "0", f"g2s{place}", fitness)


def test_results_on_the_test_split_are_withheld() -> None:
    """And all else that people do with individuals goes on."""
    everybody = (an_individual(0), an_individual(1))
    shown = without_test(Population(everybody, everybody, 2, 1, Metric("accuracy")))

    one = shown.individuals[0]
    assert one in shown.archive
    assert shown.ranked() == tuple(
        sorted(shown.archive, key=lambda who: rank(who, Metric("accuracy")))
    )
    assert "withheld" in repr(one)
    assert attrs.evolve(one, place=1).fitness is one.fitness
    assert one.fitness is not None
    test = one.fitness.test
    assert isinstance(test, Withheld)
    for look in (
        bool,
        dict,
        len,
        lambda held: held.get("accuracy"),
        lambda held: "accuracy" in held,
    ):
        with pytest.raises(ContractError, match="test data decide nothing"):
            look(test)
