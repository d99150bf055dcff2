"""What changes a run, what does not, and what happens when the world is unkind."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe import hookimpl
from evoframe.errors import (
    ConfigError,
    DamagedError,
    EvoframeError,
    RunError,
    RunLockedError,
    TaskError,
)
from evoframe.kernel.population import Family
from evoframe.registry import load_registry
from evoframe.roles import Observer, Selection
from evoframe.run import starting
from evoframe.run.disk.folder import RunFolder
from evoframe.strategies.task.mnist import Mnist
from evoframe.testing.scaffold import example_of

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


def evolve(out: Path, *options: str, **choices: object) -> evoframe.Run:
    settings = {"generations": 3, "population": 2, "task": BLOBS, **choices}
    return evoframe.evolve(out=out, options=["training.epochs=2", *options], **settings)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    """A run that the others are compared with."""
    return evolve(tmp_path_factory.mktemp("plain") / "run")


# --- the same bits ------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class Arsonist(Observer):
    """Burns every global generator whenever it is told something."""

    name: ClassVar[str] = "arsonist"

    @hookimpl
    def evoframe_epoch_finished(self, event):
        burn()

    @hookimpl
    def evoframe_dna_pressed(self, event):
        burn()

    @hookimpl
    def evoframe_phase(self, phase):
        return Flames()


class Flames:
    def __enter__(self):
        burn()

    def __exit__(self, *_):
        burn()


def burn() -> None:
    random.seed()
    np.random.seed()  # noqa: NPY002
    torch.seed()


def test_observers_that_burn_the_global_generators_change_nothing(plain, tmp_path) -> None:
    """Whoever watches a run must not be able to alter it."""
    watched = evolve(tmp_path / "run", observer=[Arsonist()])

    assert plain.digest() == watched.digest()


def test_an_observer_that_raises_is_disabled_and_recorded(plain, tmp_path) -> None:
    """A broken observer costs its own report, never the run."""

    @attrs.frozen(eq=False)
    class Clumsy(Observer):
        """Falls over."""

        name: ClassVar[str] = "clumsy"

        @hookimpl
        def evoframe_individual_evaluated(self, event):
            raise RuntimeError("fell over")

    run = evolve(tmp_path / "run", observer=[Clumsy()])

    assert plain.digest() == run.digest()
    with sqlite3.connect(run.path / "journal.sqlite") as base:
        rows = base.execute("SELECT data FROM events WHERE name = 'observer_disabled'").fetchall()
    base.close()
    assert len(rows) == 1
    assert "RuntimeError: fell over" in rows[0][0]


def test_every_generation_is_told_of_even_if_the_run_was_stopped_just_before(tmp_path) -> None:
    """A stop between the last individual and the news of its generation loses no news."""
    told: list[int] = []

    @attrs.frozen(eq=False)
    class Reader(Observer):
        """Reads the news, and stops the run when generation 2 is full."""

        name: ClassVar[str] = "reader"

        @hookimpl
        def evoframe_individual_evaluated(self, event):
            if event.individual.id == "g2s1":
                raise KeyboardInterrupt

        @hookimpl
        def evoframe_generation_finished(self, event):
            told.append(event.generation)

    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "run", observer=[Reader()])
    assert told == [1]
    evoframe.resume(tmp_path / "run", observer=[Reader()])

    assert told == [1, 2, 3]


@pytest.mark.slow
def test_processes_give_the_same_bits_as_serial(plain, tmp_path) -> None:
    """Where a life is lived is nobody's business but the machine's."""
    parallel = evolve(tmp_path / "run", "executor.workers=2", executor="processes")

    assert plain.digest() == parallel.digest()


def test_the_seed_changes_everything_and_the_past_nothing(plain, tmp_path) -> None:
    """A run depends on its seed alone, not on what this process did before."""
    burn()

    again = evolve(tmp_path / "again")
    other = evolve(tmp_path / "other", seed=1)

    assert plain.digest() == again.digest()
    assert plain.digest() != other.digest()


def test_an_installed_plugin_that_is_not_named_changes_nothing(
    plain, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installing is not choosing."""
    (tmp_path / "site" / "meddler-1.0.dist-info").mkdir(parents=True)
    info = tmp_path / "site" / "meddler-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: meddler\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[evoframe]\nmeddler = meddler_plugin\n")
    (tmp_path / "site" / "meddler_plugin.py").write_text(MEDDLER)
    monkeypatch.syspath_prepend(tmp_path / "site")

    run = evolve(tmp_path / "run")

    assert "meddler_plugin" in sys.modules
    assert plain.digest() == run.digest()


MEDDLER = """
import attrs
import torch
from evoframe import hookimpl
from evoframe.roles import Encoding, Observer

torch.manual_seed(99)

@attrs.frozen
class Meddler(Encoding):
    'Breaks whatever names it.'
    name = "meddler"
    def encode(self, inheritance, evidence, context):
        raise RuntimeError("nobody asked for me")

@attrs.frozen(eq=False)
class Lurker(Observer):
    'Breaks whatever names it.'
    name = "lurker"
    @hookimpl
    def evoframe_run_started(self, event):
        raise RuntimeError("nobody asked for me")

@hookimpl
def evoframe_encodings():
    return [Meddler]

@hookimpl
def evoframe_observers():
    return [Lurker]
"""


def loader_task(workers: int, generator: torch.Generator | None = None) -> object:
    keyed = torch.Generator().manual_seed(5)
    inputs = torch.randn(90, 4, generator=keyed)
    targets = (inputs[:, 0] > inputs[:, 1]).long()
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=keyed) / 2)
    data = TensorDataset(inputs, targets)
    return evoframe.task(
        network=network,
        train=DataLoader(
            data, batch_size=30, shuffle=True, num_workers=workers, generator=generator
        ),
        validation=DataLoader(data, batch_size=45),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda outputs, labels: (outputs.argmax(1) == labels).float()},
        trained=False,
    )


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"
)
def test_a_loader_with_workers_gives_the_same_run_every_time(tmp_path) -> None:
    """Worker processes draw their seeds from sealed randomness."""
    one = evolve(tmp_path / "one", task=loader_task(2), generations=2)
    burn()
    two = evolve(tmp_path / "two", task=loader_task(2), generations=2)

    assert one.digest() == two.digest()


def test_a_loaders_own_generator_is_seeded_and_put_back(tmp_path) -> None:
    """The state of the user's generator neither enters a run nor is changed by it."""
    fresh, used = torch.Generator(), torch.Generator().manual_seed(1234)
    before = used.get_state()

    one = evolve(tmp_path / "one", task=loader_task(0, fresh), generations=2)
    two = evolve(tmp_path / "two", task=loader_task(0, used), generations=2)

    assert one.digest() == two.digest()
    assert torch.equal(before, used.get_state())


# --- an unkind world ----------------------------------------------------------------------------


def test_a_second_process_on_the_same_run_is_refused(plain) -> None:
    """Two writers would tell two stories."""
    command = [sys.executable, "-m", "evoframe", "resume", str(plain.path)]

    with RunFolder(plain.path).locked():
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        with pytest.raises(RunLockedError):
            evoframe.resume(plain.path)

    assert process.returncode == 2
    assert "another process is working on" in process.stderr


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_individual_is_told_and_the_journal_stays_whole(damage: str, tmp_path) -> None:
    """A bad sector must not turn into a wrong network."""
    run = evolve(tmp_path / "run", generations=2)
    file = run.path / "individuals" / "g2s0.safetensors"
    content = bytearray(file.read_bytes())
    if damage == "remove":
        file.unlink()
    else:
        content[-1] ^= 1
        file.write_bytes(content if damage == "flip" else content[: len(content) // 2])

    with pytest.raises(DamagedError, match=r"g2s0\.safetensors is damaged"):
        run.genotype("g2s0")

    assert len(evoframe.open_run(run.path).individuals) == 3
    assert run.genotype("g2s1").synapses == run["g2s1"].synapses


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path) -> None:
    """The error is clear, what was finished is there, and the run goes on when there is room."""
    out = tmp_path / "run"
    arguments = ["evolve", f"--task={BLOBS}", "--generations=3", "-o", "task.hidden=200"]
    arguments += ["-o", "training.epochs=1", "--heredity=asexual"]

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, "-m", "evoframe", *arguments, f"--out={out}"]
    full = subprocess.run(
        command, preexec_fn=little_room, capture_output=True, text=True, check=False
    )
    assert full.returncode == 2
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    assert not list(out.glob("individuals/.new-*"))

    resumed = evoframe.resume(out)

    whole = evoframe.evolve(
        BLOBS,
        out=tmp_path / "whole",
        options=["task.hidden=200", "training.epochs=1"],
        generations=3,
    )
    assert whole.digest() == resumed.digest()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("mine"), "cannot be made"),
        (lambda path: (path.mkdir(), (path / "mine").write_text("")), "is not an evoframe run"),
    ],
)
def test_a_folder_that_cannot_be_a_run_is_left_alone(make, message: str, tmp_path) -> None:
    """Somebody else's files are never touched."""
    out = tmp_path / "out"
    make(out)
    before = sorted(os.walk(tmp_path))

    with pytest.raises(RunError, match=message):
        evolve(out)

    assert before == sorted(os.walk(tmp_path))


def test_an_ancestor_of_another_making_is_refused(plain, tmp_path) -> None:
    """A founder must be who the run would have made itself."""
    other = attrs.evolve(plain.recipe, run=attrs.evolve(plain.recipe.run, seed=3, generations=2))

    with pytest.raises(RunError, match="has another seed"):
        starting.start(other, load_registry(), tmp_path / "run", founder=plain.path)

    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_not_run_again(plain) -> None:
    """Resuming what is finished only shows it."""
    before = (plain.path / "log.jsonl").read_bytes()

    again = evoframe.resume(plain.path)

    assert again.digest() == plain.digest()
    assert (plain.path / "log.jsonl").read_bytes() == before


def test_a_path_may_be_text(plain) -> None:
    """A run and a task take text where a path is wanted, as everything of the front does."""
    assert evoframe.Run(str(plain.path)).digest() == plain.digest()
    assert Mnist(data="digits.npz", weights="w.pt") == Mnist(
        data=Path("digits.npz"), weights=Path("w.pt")
    )


@pytest.mark.parametrize("way", ["a reference", "a plugin"])
def test_a_changed_file_is_told_on_resume(way, tmp_path, capsys) -> None:
    """A run whose ground has moved is not silently continued."""
    file = tmp_path / "mine.py"
    if way == "a reference":
        file.write_text(Path(BLOBS.rpartition(":")[0]).read_text())
        evolve(tmp_path / "run", task=f"{file}:Blobs", generations=2)
    else:
        file.write_text(example_of("mutation"))
        tables = {"run": {"plugins": [str(file)]}, "mutation": [{"use": "upheaval"}]}
        evolve(tmp_path / "run", recipe=tables, generations=2)
    with sqlite3.connect(tmp_path / "run" / "journal.sqlite") as base:
        base.execute("DELETE FROM facts WHERE name = 'finished'")
    base.close()
    file.write_text(file.read_text() + "\n# changed\n")

    evoframe.resume(tmp_path / "run")

    told = capsys.readouterr().err
    assert "versions differ from the record" in told
    assert "of mine.py with content" in told


# --- stopping and picking -----------------------------------------------------------------------


def test_until_stops_as_soon_as_somebody_is_small_enough(tmp_path) -> None:
    """The engineer's question: ten times smaller, please."""
    run = evolve(tmp_path / "run", "task.hidden=64", generations=9, until="3x")

    last = run.individuals[-1].generation
    assert last < 9
    assert "reached 3x" in run.ending
    assert run.efficiency(run.best) >= 3
    earlier = [one for one in run.individuals if one.generation < last]
    assert all(run.efficiency(one) < 3 for one in earlier)


def test_max_drop_delivers_the_smallest_that_is_good_enough(tmp_path) -> None:
    """Quality is a promise: what is delivered keeps within the allowed loss."""
    run = evolve(tmp_path / "run", "task.hidden=64", generations=9, max_drop=5.0)

    def drop(one):
        return 100 * (run.ancestor.fitness.value("accuracy") - one.fitness.value("accuracy"))

    alive = [one for one in run.individuals if one.is_alive]
    assert drop(run.best) <= 5.0
    assert run.best.synapses == min(one.synapses for one in alive if drop(one) <= 5.0)


def test_the_time_limit_is_checked_after_each_generation(tmp_path) -> None:
    """A limit that has passed already still lets the ancestor live."""
    run = evolve(tmp_path / "run", time="0s")

    assert [one.id for one in run.individuals] == ["g1s0"]
    assert "time limit of 0s" in run.ending


def test_extinction_is_an_outcome_with_a_reason(tmp_path) -> None:
    """Too harsh an environment ends a run; it does not crash it."""
    run = evolve(tmp_path / "run", "environment.retention=0.001")

    assert "no individual of generation 2 is alive" in run.ending
    assert all("no synapse left in" in one.stillborn for one in run.individuals[1:])
    assert any("extinct" in one and "Remove less per generation" in one for one in run.remarks)
    assert run.best.id == "g1s0"


def test_training_that_diverges_makes_a_stillborn(tmp_path) -> None:
    """One bad life is recorded and the run goes on with the others."""
    file = tmp_path / "explosive.py"
    file.write_text(EXPLOSIVE)

    run = evolve(tmp_path / "run", training=f"{file}:Explosive", ancestor="gradient")

    assert [one.is_alive for one in run.individuals] == [True, False, True, True, True]
    assert "diverged" in run["g2s0"].stillborn


EXPLOSIVE = """
import attrs
from evoframe.errors import StillbornError
from evoframe.kernel.life import TrainingResult
from evoframe.roles import Training, doc

@attrs.frozen
class Explosive(Training):
    'Fails for one individual.'
    name = "explosive"
    epochs: int = attrs.field(default=1, metadata=doc("not used"))
    def train(self, phenotype, context):
        if context.id == "g2s0":
            raise StillbornError("training diverged")
        return TrainingResult(phenotype, 1, 0.5)
"""


def test_elites_pass_on_unchanged_and_share_their_genotype(tmp_path) -> None:
    """The best so far is kept, at the cost of no disk and no training."""
    run = evolve(tmp_path / "run", "selection.elites=1", selection="truncation", population=3)

    elites = [one for one in run.individuals if one.origin == "elite"]
    assert [one.generation for one in elites] == [2, 3]
    for one in elites:
        parent = run[one.parents[0]]
        assert parent.fitness == one.fitness
        assert run.genotype(parent.id).digest() == run.genotype(one.id).digest()
        assert not (run.path / "individuals" / f"{one.id}.safetensors").exists()


# --- strategies made in Python ------------------------------------------------------------------


@attrs.frozen
class Dynasty(Selection):
    """The best has all the children."""

    name: ClassVar[str] = "dynasty"

    def select(self, population, context):
        return (Family((population.ranked()[0].id,)),) * population.size


def test_a_custom_strategy_needs_no_plugin(tmp_path) -> None:
    """Forty lines in a script are enough to try an idea."""
    run = evolve(tmp_path / "run", selection=Dynasty())

    mothers = {one.parents for one in run.individuals if one.generation == 3}
    assert len(mothers) == 1


def test_a_task_of_this_session_cannot_be_sent_to_processes(tmp_path) -> None:
    """The message says what to do instead, before anything is trained in vain."""
    with pytest.raises(TaskError, match=r"--task file\.py:Name"):
        evolve(tmp_path / "run", task=loader_task(0), executor="processes", generations=2)


def test_a_task_of_this_session_is_given_again_on_resume(tmp_path) -> None:
    """What the record cannot hold must be handed over, and the message says so."""
    run = evolve(tmp_path / "run", task=loader_task(0), generations=2)

    with pytest.raises(ConfigError, match=r"evoframe\.resume"):
        evoframe.resume(run.path)

    again = evoframe.resume(run.path, task=loader_task(0))
    assert run.digest() == again.digest()
    inputs = torch.zeros(2, 4)
    assert torch.equal(run.network()(inputs), again.network()(inputs))


def test_an_unknown_choice_is_refused_before_anything_is_written(tmp_path) -> None:
    """A typo costs a second, not a night."""
    for wrong in ({"encoding": "magnitud"}, {"generation": 3}, {"device": "cuda:77"}):
        with pytest.raises(EvoframeError):
            evolve(tmp_path / "run", **wrong)

    assert not (tmp_path / "run").exists()
