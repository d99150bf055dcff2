"""States: what strategies learn from one generation to the next is on record before it is used."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
import pytest
import torch

import evoframe
from evoframe import hookimpl
from evoframe.errors import ConfigError, DamagedError, StrategyError
from evoframe.plugin import Environment, Family, Mutation, Observer, Retention, Selection
from evoframe.run import starting

HERE = Path(__file__)
BLOBS = f"{HERE.parents[1] / 'support' / 'blobs.py'}:Blobs"


@attrs.frozen
class Thermostat(Environment):
    """Presses harder while offspring live and are good."""

    name: ClassVar[str] = "thermostat"

    def begin(self, context):
        return {"share": 0.9, "seen": [], "weights": torch.ones(2, dtype=torch.bfloat16)}

    def learned(self, state, population):
        state["seen"] += [one.id for one in population.individuals]
        state["seen"] += [one.id for one in population.stillborn]
        best = population.ranked()[0].fitness.value("accuracy")
        return {**state, "share": state["share"] * (0.9 if best > 0.5 else 1.05)}

    def press(self, dna, inheritance, context):
        assert context.state["weights"].dtype is torch.bfloat16
        return Retention(context.state["share"]).press(dna, inheritance, context)


@attrs.frozen
class Plain(Environment):
    """Lets most live."""

    name: ClassVar[str] = "plain"

    def press(self, dna, inheritance, context):
        return Retention(0.9).press(dna, inheritance, context)


@attrs.frozen
class Rota(Selection):
    """Takes each place's turn."""

    name: ClassVar[str] = "rota"

    def begin(self, context):
        return 0

    def learned(self, state, population):
        return state + 1

    def select(self, population, context):
        one = population.individuals[context.state % len(population.individuals)]
        family = Family((one.id,) * population.parents, notes={"turn": context.state})
        return (family,) * population.size


@attrs.frozen(eq=False)
class Killer(Observer):
    """Ends the run when somebody is on record."""

    name: ClassVar[str] = "killer"
    whom: str = "g3s0"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.id == self.whom:
            raise KeyboardInterrupt


def evolve(out: Path, **choices: object) -> evoframe.Run:
    settings = {
        "generations": 4,
        "population": 2,
        "task": BLOBS,
        "selection": f"{HERE}:Rota",
        "environment": [f"{HERE}:Thermostat"],
    }
    return evoframe.evolve(out=out, options=["training.epochs=2"], **{**settings, **choices})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    return evolve(tmp_path_factory.mktemp("learned") / "run")


def test_what_was_learned_of_a_generation_is_what_the_next_one_is_given(run) -> None:
    """Begun with at the first offspring, learned from each generation that is over."""
    states = run.states()

    assert [state["selection"]["state"] for state in states.values()] == [0, 1, 2]
    assert [one.notes["turn"] for one in run.individuals if one.place == 0 and one.parents] == [
        0,
        1,
        2,
    ]
    assert states["2"]["environment[0]"]["state"]["seen"] == []
    assert states["4"]["environment[0]"]["state"]["seen"] == ["g2s0", "g2s1", "g3s0", "g3s1"]
    shown = json.loads(json.dumps(run.as_json(), allow_nan=False))["states"]
    assert shown["4"]["environment[0]"]["state"]["weights"] == [1.0, 1.0]


@pytest.mark.parametrize("whom", ["g2s1", "g3s0"])
def test_a_run_that_was_ended_goes_on_with_the_same_states(run, whom, tmp_path) -> None:
    """What is on record is not learned again; what is not is learned from the same."""
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "run", observer=[Killer(whom)])
    evoframe.resume(tmp_path / "run", observer=[])

    found = evoframe.open_run(tmp_path / "run")
    assert found.digest() == run.digest()
    assert str(found.states()) == str(run.states())


@pytest.mark.slow
def test_other_processes_are_given_the_same_states(run, tmp_path) -> None:
    """They read the record."""
    assert evolve(tmp_path / "run", executor="processes").digest() == run.digest()


def test_a_life_that_is_lived_again_is_given_the_state_of_its_generation(run) -> None:
    """Not that of today."""
    (run.path / "individuals" / "g3s1.safetensors").unlink()

    starting.resume(run.path, repair=True)

    assert evoframe.open_run(run.path).genotype("g3s1").synapses == run["g3s1"].synapses


def test_who_keeps_state_may_change_on_the_way(tmp_path) -> None:
    """Whoever comes later begins then, and what it was given before is not asked for."""
    evolve(tmp_path / "run", generations=2, environment=[f"{HERE}:Plain"])
    changes = ["run.generations=4", f"environment[0].use={HERE}:Thermostat"]
    evoframe.resume(tmp_path / "run", changes=changes)

    states = evoframe.open_run(tmp_path / "run").states()
    assert list(states["2"]) == ["selection"]
    assert states["3"]["environment[0]"]["state"]["seen"] == []
    assert states["4"]["environment[0]"]["state"]["seen"] == ["g3s0", "g3s1"]


@pytest.mark.parametrize("way", ["gone", "bits"])
def test_a_state_that_is_lost_is_missed(way, tmp_path) -> None:
    """Nobody begins anew in the midst of a run without a word; the copy has it."""
    run = evolve(tmp_path / "run")
    with sqlite3.connect(run.path / "journal.sqlite") as base:
        name = "states of 4"
        if way == "gone":
            base.execute("DELETE FROM facts WHERE name LIKE '%states of 3'")
            base.execute("DELETE FROM facts WHERE name LIKE ?", (f"%{name}",))
        else:
            base.execute("UPDATE facts SET value = value || ' ' WHERE name = ?", (name,))
    base.close()

    with pytest.raises(DamagedError, match=r"states of 4|of strategies for generation 3"):
        evoframe.resume(run.path, changes=["run.generations=5"])
    assert len(evoframe.open_run(run.path).individuals) == len(run.individuals)


def test_a_state_that_is_gone_is_learned_again(run, tmp_path) -> None:
    """From the one before, which is the same as it was."""
    again = evolve(tmp_path / "run")
    with sqlite3.connect(again.path / "journal.sqlite") as base:
        base.execute("DELETE FROM facts WHERE name LIKE '%states of 4'")
    base.close()
    evoframe.resume(again.path, changes=["run.generations=5"])

    found = evoframe.open_run(again.path).states()
    assert str(found["4"]) == str(run.states()["4"])
    assert found["5"]["selection"]["state"] == 3


@attrs.frozen
class Wintry(Environment):
    """Lets fewer and fewer live."""

    name: ClassVar[str] = "wintry"

    def begin(self, context):
        return 0.01

    def press(self, dna, inheritance, context):
        genes = {
            name: attrs.evolve(one, log_survival=one.log_survival + np.log(context.state))
            for name, one in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=genes)


def test_of_what_it_begins_with_nobody_may_starve(tmp_path) -> None:
    """A recipe is tried with the state that there will be."""
    with pytest.raises(ConfigError, match="no offspring would have a synapse"):
        evolve(tmp_path / "run", environment=[Wintry()], encoding="magnitude")
    assert not (tmp_path / "run").exists()


@attrs.frozen
class Meddling(Mutation):
    """Breaks one rule of state."""

    name: ClassVar[str] = "meddling"
    how: str = attrs.field(default="in place", metadata=evoframe.plugin.doc("which rule"))

    def begin(self, context):
        return {"count": object() if self.how == "object" else [0]}

    def learned(self, state, population):
        return None

    def mutate(self, dna, inheritance, context):
        if self.how == "in place":
            context.state["count"].append(1)
        return dna


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("in place", "at g2s0: it changed context.state in place"),
        ("object", r"its state\['count'\] is a object; wanted"),
        ("none", r"learned\(\) returned None"),
    ],
)
def test_a_broken_rule_of_state_is_told_with_who_broke_it(how, words, tmp_path) -> None:
    """Who, what was found, and what was wanted."""
    with pytest.raises(StrategyError, match=f"'meddling'.*{words}"):
        evolve(tmp_path / "run", generations=3, mutation=[Meddling(how)])
