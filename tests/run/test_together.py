"""Runs whose lives are trained together: the same run whatever interrupts it, here or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

import evoframe
from evoframe.errors import ConfigError
from evoframe.markers import hookimpl
from evoframe.roles.observer import Observer
from evoframe.run.disk.folder import RunFolder
from evoframe.run.telling import Teller
from evoframe.strategies.executor import Serial

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
OPTIONS = ("training.epochs=2", "training.together=3", "environment.retention=0.7")


def evolve(path: Path, *options: str, **more: Any) -> evoframe.Run:
    """Return a run of two cohorts a generation, of three lives and of two."""
    given = {"generations": 3, "population": 5, "device": "cpu", "seed": 4, **more}
    return evoframe.evolve(BLOBS, out=path, options=[*OPTIONS, "task.norm=true", *options], **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    return evolve(tmp_path_factory.mktemp("whole") / "run")


def test_the_first_of_a_cohort_is_trained_as_it_would_be_alone(
    whole: evoframe.Run, tmp_path: Path
) -> None:
    """It reads the batches that it would read, and so do the others: theirs are other ones."""
    alone = evolve(tmp_path / "run", "training.together=1", generations=2)
    losses = [
        [run[f"g2s{place}"].fitness.value("loss") for place in range(5)]  # type: ignore[union-attr]
        for run in (alone, whole)
    ]

    apart = [abs(one - other) for one, other in zip(*losses, strict=True)]
    assert apart[0] < 1e-6 > apart[3]
    assert min(apart[1], apart[2], apart[4]) > 1e-6
    synapses = [
        [run[f"g2s{place}"].fitness.costs["synapses"] for place in range(5)]  # type: ignore[union-attr]
        for run in (alone, whole)
    ]
    assert synapses[0] == synapses[1]


@pytest.mark.parametrize("before", [2, 5, 6, 8])
def test_a_kill_within_a_cohort_changes_no_bit(
    before: int, whole: evoframe.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was on record stays, and those who were not come out the same."""
    record, seen = Teller.record, list[str]()

    def killed(self: Teller, entry: Any) -> None:
        if len(seen) == before:
            raise KeyboardInterrupt
        seen.append(entry.individual.id)
        record(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(Teller, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            evolve(tmp_path / "run")
    kept = {path: path.stat().st_mtime_ns for path in RunFolder(tmp_path / "run").kept()}
    on_record = {path for path in kept if path.stem in seen}
    evoframe.resume(tmp_path / "run")

    assert evoframe.open_run(tmp_path / "run").digest() == whole.digest()
    assert all(path.stat().st_mtime_ns == kept[path] for path in on_record)
    assert list((tmp_path / "run" / "lives").iterdir()) == []


@pytest.mark.slow
def test_other_processes_live_the_same_cohorts(whole: evoframe.Run, tmp_path: Path) -> None:
    run = evolve(tmp_path / "run", "executor.workers=2", executor="processes")

    assert run.digest() == whole.digest()


def test_who_is_damaged_or_dropped_is_lived_again_with_its_cohort(tmp_path: Path) -> None:
    """Even where its parents are gone as well, and beside elites, who are in no cohort."""
    run = evolve(tmp_path / "run", "selection.elites=1", selection="truncation")
    folder, digest = RunFolder(run.path), run.digest()
    for name in ("g2s2", "g3s2"):
        folder.genotype(name).write_bytes(b"nothing of the kind")
    evoframe.resume(run.path, repair=True)

    assert "g3s0" in [one.id for one in run.individuals if one.origin == "elite"]
    assert "bit for bit" in folder.log.read_text("utf-8")
    assert evoframe.open_run(run.path).digest() == digest
    kept = evolve(
        tmp_path / "kept", "run.keep=last 1", "selection.elites=1", selection="truncation"
    )
    assert "g2s2" in kept.dropped
    assert kept.genotype("g2s2").digest() == run.genotype("g2s2").digest()


@attrs.frozen(eq=False)
class Ear(Observer):
    """Notes of whom an epoch is told."""

    name: ClassVar[str] = "ear"

    heard: list[tuple[str, int]] = attrs.field(factory=list)

    @hookimpl
    def evoframe_epoch_finished(self, event: Any) -> None:
        """Note it."""
        self.heard.append((event.individual, event.epoch))


def test_each_life_is_told_of_and_has_its_share_of_the_time(tmp_path: Path) -> None:
    ear = Ear()
    run = evolve(tmp_path / "run", generations=2, observer=[ear])
    accounts = [run.account(f"g2s{place}") for place in range(5)]

    everybody = [(f"g2s{place}", epoch) for place in range(5) for epoch in (1, 2)]
    assert sorted(one for one in ear.heard if one[0] != "g1s0") == everybody
    assert {one.epochs for one in accounts} == {2.0}
    seconds = [one.phases["training"] for one in accounts]
    assert seconds[0] == seconds[1] == seconds[2]
    assert seconds[3] == seconds[4]


def test_a_cohort_that_diverges_is_on_record(tmp_path: Path) -> None:
    run = evolve(
        tmp_path / "run",
        "training.learning_rate=1e30",
        "ancestor.learning_rate=0.05",
        generations=2,
    )

    assert all("training diverged" in run[f"g2s{place}"].stillborn for place in range(5))


def test_a_recipe_with_a_nurture_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nurture 'distillation' acts within one life"):
        evolve(tmp_path / "run", nurture=["distillation"])

    assert not (tmp_path / "run").exists()


def test_executors_are_told_what_they_are_told_of_lives(tmp_path: Path) -> None:
    """The folder of the run, and an id for each job, by which they name what they do elsewhere."""
    told: list[tuple[Path, str]] = []

    @attrs.frozen
    class Naming(Serial):
        name: ClassVar[str] = "naming"

        def map(self, live: Any, jobs: Any, send: Any) -> Any:
            told.extend((live.folder, job.id) for job in jobs)
            return super().map(live, jobs, send)

    run = evolve(tmp_path / "run", generations=2, executor=Naming())

    assert told == [(run.path, "g2s0"), (run.path, "g2s3")]
