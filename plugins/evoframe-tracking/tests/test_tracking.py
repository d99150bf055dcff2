"""The promises of observers, and what the trackers hold afterwards, read by themselves."""

import os
import tempfile
import time
import tomllib
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

import evoframe
from evoframe.plugin import Observer, hookimpl
from evoframe.testing import Specimen, conformance
from evoframe_tracking import MLflow, TensorBoard

os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # the store that needs no database
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
STORE = Path(tempfile.mkdtemp(prefix="evoframe-tracking-")).as_uri()


def has(module):
    try:
        __import__(module)
    except ImportError:
        return False
    return True


needs_tensorboard = pytest.mark.skipif(not has("tensorboard"), reason="needs tensorboard")
needs_mlflow = pytest.mark.skipif(not has("mlflow"), reason="needs mlflow or mlflow-skinny")

test_tensorboard_conforms = needs_tensorboard(conformance(TensorBoard(), TensorBoard(epochs=True)))
test_mlflow_conforms = needs_mlflow(conformance(MLflow(uri=STORE, epochs=True)))


@attrs.frozen(eq=False)
class Interruption(Observer):
    """Somebody presses Ctrl-C once, when the second generation is finished."""

    name = "interruption"
    pressed: ClassVar[list[str]] = []

    @hookimpl
    def evoframe_generation_finished(self, event):
        if event.generation == 2 and not self.pressed:
            self.pressed.append("now")
            raise KeyboardInterrupt


def evolved(folder, *observers):
    """Return a run of three generations that was interrupted after the second, and taken up."""
    Interruption.pressed.clear()
    with pytest.raises(KeyboardInterrupt):
        evoframe.evolve(
            Specimen(width=8),
            observer=[*observers, Interruption()],
            training="gradient",
            options=["training.epochs=2"],
            generations=3,
            population=2,
            device="cpu",
            out=folder,
        )
    time.sleep(1)  # TensorBoard reads files in the order of the second that is in their name
    return evoframe.resume(folder)


def wanted(run, who, name):
    """Return what a tracker should hold: generations with the value of one individual of each."""
    split, _, figure = name.partition("/")
    values = []
    for generation in range(1, 1 + max(one.generation for one in run.individuals)):
        for one in run.individuals:
            if one.generation == generation and who(one):
                held = one.fitness.costs if split == "costs" else getattr(one.fitness, split)
                values.append((generation, getattr(held[figure], "value", held[figure])))
    return values


def scalars(folder, name):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return [(event.step, event.value) for event in read.Scalars(name)], read


@needs_tensorboard
def test_tensorboard_reads_the_numbers_of_the_run(tmp_path):
    """Event files, read by TensorBoard's own reader."""
    run = evolved(tmp_path / "run", TensorBoard(epochs=True))
    folder = tmp_path / "run" / "tensorboard"

    for name in ("validation/accuracy", "test/loss", "costs/synapses", "costs/flops"):
        for slot in (0, 1):
            found, _ = scalars(folder / f"slot-{slot}", name)
            expected = wanted(run, lambda one, slot=slot: one.place == slot, name)
            assert found == [(step, pytest.approx(value, rel=1e-6)) for step, value in expected]
    found, read = scalars(folder / "best", "validation/accuracy")
    assert [step for step, _ in found] == [1, 2, 3]
    assert [value for _, value in found] == pytest.approx(
        [max(v for g, v in wanted(run, lambda _: True, "validation/accuracy") if g == step)
         for step in (1, 2, 3)]
    )  # fmt: skip
    assert [event.value for event in read.Scalars("generation/alive")] == [1, 2, 2]
    recipe = read.Tensors("recipe/text_summary")[0]
    assert b"seed = 0" in recipe.tensor_proto.string_val[0]
    (outcome,) = read.Tensors("outcome/text_summary")
    assert run.best.id.encode() in outcome.tensor_proto.string_val[0]
    losses, _ = scalars(folder / "lives" / "g2s1", "training/loss")
    assert [step for step, _ in losses] == [1, 2]


@needs_mlflow
def test_mlflow_holds_the_numbers_options_and_versions_of_the_run(tmp_path):
    """One MLflow run for an evolution, although that was put down and taken up again."""
    from mlflow import MlflowClient

    folder = tmp_path / "today's run"
    run = evolved(folder, MLflow(uri=STORE, experiment="numbers"))

    client = MlflowClient(tracking_uri=STORE)
    place = client.get_experiment_by_name("numbers").experiment_id
    (found,) = client.search_runs([place])
    assert found.info.status == "FINISHED"
    assert found.data.tags["evoframe.run"] == str(folder)
    assert found.data.tags["evoframe.pick"] == run.best.id
    assert found.data.params["training.epochs"] == "2"
    assert found.data.params["environment.0.use"] == "evoframe:retention"
    record = tomllib.loads((folder / "run.toml").read_text())["record"]
    assert found.data.params["record.torch"] == record["torch"]
    assert "tracking" in found.data.params["record.strategies.observer.0"]
    for slot in (0, 1):
        for name in ("validation/accuracy", "costs/flops"):
            held = client.get_metric_history(found.info.run_id, f"slot-{slot}/{name}")
            expected = wanted(run, lambda one, slot=slot: one.place == slot, name)
            assert [(one.step, one.value) for one in held] == expected


def test_a_tracker_that_is_not_installed_says_how_to_get_it(tmp_path, monkeypatch):
    """The run goes on without it: an observer is never worth a run."""
    from evoframe_tracking import figures

    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(figures, "import_module", missing)

    run = evolved(tmp_path / "run", TensorBoard(), MLflow(uri=STORE))

    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert run.ending
    for package in ("tensorboard", "mlflow"):
        assert f"Try `pip install evoframe-tracking[{package}]`." in log
