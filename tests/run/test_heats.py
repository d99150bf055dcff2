"""Generations in rungs: who lives on, what is on record, and the same after a kill or elsewhere."""

from __future__ import annotations

import math
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
from rich.console import Console

import evoframe
from evoframe import hookimpl
from evoframe.errors import ConfigError, StrategyError
from evoframe.plugin import Heat, Nurture, Observer
from evoframe.registry.loading import import_plugin
from evoframe.report.comparison import _epochs
from evoframe.report.tables import generations
from evoframe.run.disk.journal import Journal
from evoframe.run.living.heats import standings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "strategies" / "halving.py"
BLOBS = f"{ROOT / 'tests' / 'support' / 'blobs.py'}:Blobs"
Halving: Any = import_plugin(str(FILE)).Halving


def evolve(out: Path, generations: int = 3, **choices: Any) -> evoframe.Run:
    """Return a run in rungs of a tiny task."""
    settings: dict[str, Any] = {
        "task": BLOBS,
        "generations": generations,
        "population": 1,
        "heredity": "asexual",
        "mutation": ["regrowth"],
        "selection": f"{FILE}:Halving",
        "environment": ["retention"],
    }
    options = ["training.epochs=4", "task.hidden=16", "environment[0].retention=0.97"]
    if "selection" not in choices:
        options += ["selection.lives=[5, 2, 1]", "selection.epochs=[0.5, 2]"]
    return evoframe.evolve(out=out, options=options, **{**settings, **choices})


def of(run: evoframe.Run, generation: int) -> list[Any]:
    """Return the individuals of a generation."""
    return [one for one in run.individuals if one.generation == generation]


@attrs.frozen(eq=False)
class Killer(Observer):
    """Ends the run when so many lives of a generation, each on a rung, were trained."""

    name: ClassVar[str] = "killer"
    generation: int = 2
    after: int = 6
    seen: list[str] = attrs.field(factory=list)

    @hookimpl
    def evoframe_offspring_trained(self, event):
        if event.individual.startswith(f"g{self.generation}s"):
            self.seen.append(event.individual)
        if len(self.seen) == self.after:
            raise KeyboardInterrupt


def test_few_live_on_and_the_others_are_on_record(tmp_path: Path) -> None:
    run = evolve(tmp_path)
    for generation in (2, 3):
        born = of(run, generation)
        assert len(born) == 5
        assert sorted(one.overtaken or math.inf for one in born) == [0.5, 0.5, 0.5, 2, math.inf]
        (last,) = [one for one in born if one.overtaken is None]
        assert {one.parents for one in of(run, generation + 1)} <= {(last.id,)}
    # The better ones go on: by what was measured on their rung.
    with closing(Journal(tmp_path / "journal.sqlite", writable=False)) as journal:
        stood, accounts = standings(journal), journal.accounts()
    first = {one.id: stood[one.id][0].individual.fitness.value("accuracy") for one in of(run, 2)}
    going = [first[one.id] for one in of(run, 2) if one.overtaken != 0.5]
    assert min(going) >= max(first[one.id] for one in of(run, 2) if one.overtaken == 0.5)
    # Nobody was trained twice for the same epoch.
    assert sorted(accounts[one.id].epochs for one in of(run, 2)) == [0.5, 0.5, 0.5, 2, 4]
    told = {one["id"]: one for one in run.as_json()["individuals"]}
    assert all(told[one.id]["epochs"] == run.epochs()[one.id] for one in of(run, 2))
    assert {len(told[one.id]["rungs"]) for one in of(run, 2)} == {1, 2, 3}
    assert run.best.overtaken is None
    assert _epochs(run) == 2 * (3 * 0.5 + 2 + 4)
    console = Console(width=200, record=True, file=StringIO())
    console.print(generations(run))
    assert " 0.5 " in console.export_text()
    assert not list((tmp_path / "waiting").glob("*"))


def test_whoever_lives_to_the_end_is_as_if_without_rungs(tmp_path: Path) -> None:
    class Plain(Halving):
        name = "plain"

        def rungs(self, population):
            return ()

    run = evolve(tmp_path / "rungs", 2)
    (last,) = [one for one in of(run, 2) if one.overtaken is None]
    plain = evolve(tmp_path / "plain", 2, selection=Plain((5, 2, 1), (0.5, 2)))
    (same,) = [one for one in of(plain, 2) if one.id == last.id]

    assert run.genotype(last.id).digest() == plain.genotype(same.id).digest()
    assert last.fitness == same.fitness


@pytest.mark.parametrize("after", [2, 5, 6, 7, 8])
def test_killed_in_the_midst_of_rungs_it_ends_the_same(after: int, tmp_path: Path) -> None:
    whole = evolve(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "killed", observer=[Killer(after=after)])
    if after == 7:  # what waits is only there to save time
        for path in (tmp_path / "killed" / "waiting").glob("*.0.*"):
            path.write_bytes(path.read_bytes()[:-9])

    assert evoframe.resume(tmp_path / "killed", observer=[]).digest() == whole.digest()


def test_one_that_was_overtaken_can_be_made_again(tmp_path: Path) -> None:
    run = evolve(tmp_path)
    (one, *_) = [one for one in of(run, 2) if one.overtaken == 0.5]
    path = tmp_path / "individuals" / f"{one.id}.safetensors"
    before = run.genotype(one.id).digest()
    path.write_bytes(path.read_bytes()[:-9])

    assert evoframe.resume(tmp_path, repair=True).genotype(one.id).digest() == before


@pytest.mark.slow
def test_in_other_processes_it_comes_out_the_same(tmp_path: Path) -> None:
    spread = evolve(tmp_path / "spread", executor="processes")

    assert spread.digest() == evolve(tmp_path / "serial").digest()


@pytest.mark.slow
def test_killed_after_seven_of_thirty_generations_it_ends_the_same(tmp_path: Path) -> None:
    whole = evolve(tmp_path / "whole", 30)
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "killed", 30, observer=[Killer(generation=8, after=1)])

    assert evoframe.resume(tmp_path / "killed", observer=[]).digest() == whole.digest()


class Keeping(Nurture):
    """Keeps something, and knows nothing of being put down."""

    name = "keeping"

    def begin(self, phenotype, context):
        return Keeping()


def test_what_cannot_be_put_down_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"selection 'halving' .*nurture 'keeping' .*'pausable'"):
        evolve(tmp_path / "run", nurture=[Keeping()])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("heats", "words"),
    [
        ([Heat(4)], "first heat has 4 lives, and 5 are to be born"),
        ([Heat(5, 1), Heat(2, 1)], "comes after"),
        ([Heat(5, 1), Heat(2, 2)], "last heat ends after 2 epochs"),
        ("many", "heats"),
    ],
)
def test_heats_out_of_order_are_a_breach(heats: Any, words: str, tmp_path: Path) -> None:
    class Odd(Halving):
        name = "odd"

        def rungs(self, population):
            return heats

    with pytest.raises(StrategyError, match=f"odd.*{words}"):
        evolve(tmp_path, 2, selection=Odd((5, 2, 1), (0.5, 2)))


def test_promoting_too_many_is_a_breach(tmp_path: Path) -> None:
    class Kind(Halving):
        name = "kind"

        def promote(self, rung, living):
            return living.individuals

    with pytest.raises(StrategyError, match="promotes 5; wanted 1 to 2"):
        evolve(tmp_path, 2, selection=Kind((5, 2, 1), (0.5, 2)))
