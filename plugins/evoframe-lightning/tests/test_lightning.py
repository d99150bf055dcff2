"""LightningModules evolved with the real library; what must hold without it."""

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import evoframe
from evoframe.errors import ConfigError, TaskError
from evoframe.plugin import Key
from evoframe.testing import Specimen, conformance, lived, taken_up
from evoframe_lightning import Arguments, Lightning, LightningValidated, task

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:The `srun` command is available"),
]
has_lightning = importlib.util.find_spec("lightning") is not None
needs_lightning = pytest.mark.skipif(not has_lightning, reason="needs lightning")

if has_lightning:
    sys.path.insert(0, str(HERE))
    from rings import Data, Net, evolved, made

    test_task_conforms = conformance(
        made(),
        expected_failures=dict.fromkeys(
            (
                "options_have_help_and_a_type",
                "survives_toml",
                "survives_pickling",
                "repr_evaluates_back",
            ),
            "it lives in the session that made it",
        ),
    )
    test_training_conforms = conformance(
        Lightning(epochs=2),
        Lightning(epochs=2, arguments={"accumulate_grad_batches": 2, "gradient_clip_val": 0.1}),
    )


def test_a_missing_library_is_told_by_name(monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"pip install evoframe-lightning\[lightning\]"):
        evoframe.evolve(Specimen(), training=Lightning(), out="nowhere")
    with pytest.raises(TaskError, match="wanted a LightningModule"):
        task(nn.Linear(2, 2), metrics={"val_loss": "min"})


def test_arguments_that_have_no_effect_are_no_options():
    with pytest.raises(TypeError, match="max_epochs"):
        Lightning(arguments={"max_epochs": 3})


@needs_lightning
def test_schedules_of_the_module_set_the_rates(tmp_path):
    from lightning.pytorch import Callback

    seen = []

    class Watch(Callback):
        def on_train_epoch_start(self, trainer, module):
            seen.append(trainer.optimizers[0].param_groups[0]["lr"])

    class Watched(Net):
        def configure_callbacks(self):
            return [Watch()]

    given = task(Watched(), Data(), metrics={"val_accuracy": "max"})
    evolved(tmp_path / "run", given, Lightning(epochs=3))
    assert seen == pytest.approx([0.02, 0.014, 0.0098] * 2)


@needs_lightning
def test_validation_metrics_steer_only_where_validation_is_seen(tmp_path):
    with pytest.raises(TaskError, match="lightning-validated"):
        evolved(tmp_path / "blind", made(schedule="val_loss"))
    run = evolved(tmp_path / "seeing", made(schedule="val_loss"), LightningValidated(epochs=3))
    assert run.best.generation == 2


@needs_lightning
def test_a_metric_is_what_lightning_tells(tmp_path):
    from lightning.pytorch import Trainer

    given = made()
    network = given.ancestor(Key(0)).eval()
    told = given.evaluate(network, "validation", torch.device("cpu"))
    trainer = Trainer(logger=False, enable_progress_bar=False, default_root_dir=tmp_path)
    wanted = trainer.validate(given.ancestor(Key(0)), Data().val_dataloader(), verbose=False)[0]
    assert {name: one.value for name, one in told.items()} == wanted
    assert not network.training
    with pytest.raises(TaskError, match="logs no 'val_acc'; it logs 'val_accuracy', 'val_loss'"):
        task(Net(), Data(), metrics={"val_acc": "max"}).evaluate(
            network, "validation", torch.device("cpu")
        )


@needs_lightning
@pytest.mark.slow
def test_processes_give_the_same_digest_and_nothing_is_left_beside_the_run(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    named = f"{HERE / 'rings.py'}:task"
    digests = [
        evolved(tmp_path / one, named, population=2, executor=one).digest()
        for one in ("serial", "processes")
    ]
    assert digests[0] == digests[1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["processes", "serial"]
    said = "".join(capfd.readouterr())
    assert "GPU available" not in said
    assert "Epoch 0" not in said


@needs_lightning
@pytest.mark.parametrize("schedule", ["step", "train_loss"])
def test_a_life_that_is_taken_up_ends_the_same(schedule):
    """Dropout, momentum, a schedule: all of them go on where a killed life was."""
    assert taken_up(Lightning(epochs=3), made(schedule=schedule)) == {1: True, 2: True}


@needs_lightning
def test_absent_synapses_stay_absent_after_every_step_and_callbacks_may_stop_early():
    from lightning.pytorch import Callback
    from lightning.pytorch.callbacks import EarlyStopping

    mask, worst = torch.arange(24 * 24).reshape(24, 24) % 3 > 0, []

    class Watch(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            worst.append(float(module.layers[3].weight.detach()[~mask].abs().max()))

    class Watched(Net):
        def configure_callbacks(self):
            return [Watch(), EarlyStopping("train_loss", min_delta=100.0, patience=1)]

    given = task(Watched(), Data(), metrics={"val_accuracy": "max"})
    result = lived(Lightning(epochs=9), given, {"layers.3.weight": mask})
    assert worst == [0.0] * 20
    assert result.epochs == 2
    assert float(result.phenotype.network.layers[3].weight.detach()[mask].abs().min()) > 0


@needs_lightning
def test_ctrl_c_is_ctrl_c(tmp_path):
    class Impatient(Net):
        def training_step(self, batch, batch_idx):
            if self._trainer is not None:
                signal.raise_signal(signal.SIGINT)
            return super().training_step(batch, batch_idx)

    given = task(Impatient(), Data(), metrics={"val_accuracy": "max"})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        evolved(tmp_path / "run", given)
    assert signal.getsignal(signal.SIGINT) is before


@needs_lightning
def test_logs_go_where_they_are_asked_for(tmp_path):
    evolved(tmp_path / "run", training=Lightning(epochs=2, logs=tmp_path / "logs"))
    assert "train_loss" in (tmp_path / "logs" / "g2s0" / "metrics.csv").read_text()


@needs_lightning
def test_what_will_not_do_is_refused_in_words():
    class Manual(Net):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

    class Moving(Data):
        def on_after_batch_transfer(self, batch, dataloader_idx):
            return batch

    class Asking(Net):
        def training_step(self, batch, batch_idx):
            return self.trainer.world_size * super().training_step(batch, batch_idx)

    class Iterating(Net):
        def training_step(self, dataloader_iter):
            return super().training_step(next(dataloader_iter)[0], 0)

    metrics = {"val_accuracy": "max"}
    with pytest.raises(TaskError, match="takes dataloader_iter; wanted a batch"):
        task(Iterating(), Data(), metrics=metrics)
    with pytest.raises(TaskError, match="optimises manually"):
        task(Manual(), Data(), metrics=metrics)
    with pytest.raises(TaskError, match="on_after_batch_transfer"):
        task(Net(), Moving(), metrics=metrics)
    with pytest.raises(TaskError, match="has no train loader"):
        task(Net(), metrics=metrics)
    with pytest.raises(TaskError, match="direction that is better"):
        task(Net(), Data(), metrics={"val_accuracy": "up"})
    with pytest.raises(ConfigError, match="configure_optimizers"):
        Lightning(learning_rate=0.1).check(made())
    asking = task(Asking(), Data(), metrics=metrics)
    with pytest.raises(TaskError, match=r"asks for self\.trainer"):
        asking.step(asking.ancestor(Key(0)), next(iter(asking.batches("train"))))
    assert Arguments().given() == {
        "gradient_clip_val": None, "accumulate_grad_batches": 1, "precision": "32-true",
    }  # fmt: skip
