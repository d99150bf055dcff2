"""Notes: what individuals carry beside their genotypes is on record like them."""

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
from evoframe.errors import DamagedError, StrategyError
from evoframe.plugin import Family, Gradient, Mutation, Observer, Selection
from evoframe.run import starting

HERE = Path(__file__)
BLOBS = f"{HERE.parents[1] / 'support' / 'blobs.py'}:Blobs"


@attrs.frozen
class Telling(Selection):
    """Tells families which turn it is."""

    name: ClassVar[str] = "telling"

    def select(self, population, context):
        best = population.ranked()[0]
        told = {"turn": context.generation, "who": best.id}
        return tuple(
            Family((best.id,), notes=told if place else {}) for place in range(population.size)
        )


@attrs.frozen
class Tracing(Mutation):
    """Puts down the path of its life, and decides by it what may change."""

    name: ClassVar[str] = "tracing"

    def mutate(self, dna, inheritance, context):
        past = context.notes.get("path", np.zeros(0))
        drawn = torch.rand((), generator=context.key.generator())
        return attrs.evolve(dna, notes={"path": np.append(past, drawn), "last": drawn})


@attrs.frozen
class Heeding(Gradient):
    """Learns as fast as the notes say."""

    name: ClassVar[str] = "heeding"

    def train(self, phenotype, context):
        rate = 0.02 + 0.05 * float(context.notes.get("last", 0.5))
        trained = Gradient.train(attrs.evolve(self, learning_rate=rate), phenotype, context)
        return attrs.evolve(trained, notes={"rate": rate})


def evolve(out: Path, **choices: object) -> evoframe.Run:
    settings = {
        "generations": 4,
        "population": 2,
        "task": BLOBS,
        "selection": f"{HERE}:Telling",
        "heredity": "asexual",
        "mutation": [f"{HERE}:Tracing"],
        "training": f"{HERE}:Heeding",
    }
    return evoframe.evolve(out=out, options=["training.epochs=2"], **{**settings, **choices})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    return evolve(tmp_path_factory.mktemp("noted") / "run")


def test_every_role_reads_and_writes_them_and_offspring_inherit_them(run: evoframe.Run) -> None:
    """A family's notes, then what each strategy of a life adds; the rest is the first parent's."""
    told, silent = run["g4s1"], run["g4s0"]
    parent = run[silent.parents[0]]

    assert told.notes["turn"] == 4
    assert told.notes["who"] == told.parents[0]
    assert silent.notes.get("turn") == parent.notes.get("turn")
    assert len(told.notes["path"]) == 3
    assert (silent.notes["path"][:-1] == parent.notes["path"]).all()
    assert told.notes["rate"] == 0.02 + 0.05 * told.notes["last"]
    assert run.ancestor.notes == {"rate": 0.02 + 0.05 * 0.5}
    shown = {one["id"]: one["notes"] for one in run.as_json()["individuals"]}
    assert json.loads(json.dumps(shown["g4s1"], allow_nan=False))["path"] == list(
        told.notes["path"]
    )


@attrs.frozen(eq=False)
class Killer(Observer):
    """Ends the run when somebody is on record."""

    name: ClassVar[str] = "killer"
    whom: str = "g3s0"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.id == self.whom:
            raise KeyboardInterrupt


def test_a_run_that_was_ended_goes_on_with_the_same_notes(run: evoframe.Run, tmp_path) -> None:
    """They are read from the record, as those of a run that was never ended were."""
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "run", observer=[Killer()])
    evoframe.resume(tmp_path / "run", observer=[])

    found = evoframe.open_run(tmp_path / "run")
    assert found.digest() == run.digest()
    assert [one.notes for one in found.individuals] == [one.notes for one in run.individuals]


@pytest.mark.slow
def test_other_processes_give_the_same_notes(run: evoframe.Run, tmp_path: Path) -> None:
    """They travel with births, and come home with individuals."""
    assert evolve(tmp_path / "run", executor="processes").digest() == run.digest()


def test_a_life_that_is_lived_again_gets_the_notes_that_it_had(tmp_path: Path) -> None:
    """Whatever decided what it became is on record, the notes of its family among it."""
    run = evolve(tmp_path / "run")
    for name in ("g3s1", "g4s1"):
        (run.path / "individuals" / f"{name}.safetensors").unlink()

    starting.resume(run.path, repair=True)

    assert evoframe.open_run(run.path).genotype("g4s1").synapses == run["g4s1"].synapses


@pytest.mark.parametrize(
    "name", ["notes of g3s1", "checksum of fact notes of g3s1", "both", "bits"]
)
def test_notes_that_are_damaged_or_lost_are_missed(name: str, tmp_path: Path) -> None:
    """Without them a run would go on as another one."""
    run = evolve(tmp_path / "run", generations=3)
    with sqlite3.connect(run.path / "journal.sqlite") as base:
        if name == "bits":
            base.execute(
                "UPDATE facts SET value = replace(value, '3', '4') WHERE name = 'notes of g3s1'"
            )
        else:
            told = "%notes of g3s1" if name == "both" else name
            base.execute("DELETE FROM facts WHERE name LIKE ?", (told,))
    base.close()

    with pytest.raises(DamagedError, match="notes"):
        evoframe.open_run(run.path).digest()


@attrs.frozen
class Babbling(Mutation):
    """Notes what cannot be noted."""

    name: ClassVar[str] = "babbling"

    def mutate(self, dna, inheritance, context):
        return attrs.evolve(dna, notes={"self": self})


def test_what_cannot_be_noted_is_told_with_who_tried(tmp_path: Path) -> None:
    """Who, what was found, and what may be."""
    with pytest.raises(
        StrategyError, match=r"'babbling'.* at g2s0: .*'self' is a Babbling; wanted"
    ):
        evolve(tmp_path / "run", mutation=[Babbling()])
