"""LightningModules evolved with the real library; what must hold without it."""

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import torch
from torch import nn

import evoframe
from evoframe.errors import ConfigError, TaskError
from evoframe.plugin import Key, Phenotype
from evoframe.testing import Case, Specimen, conformance
from evoframe_lightning import Arguments, Lightning, LightningValidated, Resizing, load, save, task

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:The `srun` command is available"),
]
has_lightning = importlib.util.find_spec("lightning") is not None
needs_lightning = pytest.mark.skipif(not has_lightning, reason="needs lightning")

if has_lightning:
    sys.path.insert(0, str(HERE))
    from rings import Data, Net, made

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
        )
        | {"measures_each_example_by_itself": "its loaders have batches of one size"},
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


def evolved(folder, given=None, training=None, **options):
    return evoframe.evolve(
        given or made(),
        encoding="cluster",
        training=training or Lightning(epochs=2),
        options=["encoding.of=bundle", "environment.retention=0.4"],
        generations=2,
        device="cpu",
        out=folder,
        **options,
    )


@needs_lightning
def test_a_run_comes_back_as_a_checkpoint(tmp_path):
    """Smaller tensors, a smaller file, equal outputs; by load() and by the documented call."""
    run, points = evolved(tmp_path / "run", made(width=96)), torch.randn(50, 2)
    small = run.network()
    file = save(run, tmp_path / "small.ckpt")
    whole = save(run, tmp_path / "whole.ckpt", individual="g1s0")

    class Narrow(Resizing, Net):
        pass

    assert run.best.fitness.costs["parameters"] < 0.7 * run.ancestor.fitness.costs["parameters"]
    assert file.stat().st_size < 0.8 * whole.stat().st_size
    for loaded in (load(Net, file), Narrow.load_from_checkpoint(file)):
        assert loaded.training
        assert loaded.hparams.width == 96
        assert loaded.head.weight.shape == small.head.weight.shape != (3, 96)
        assert torch.equal(loaded.eval()(points), small(points))
    assert type(load(Net, file)) is Net
    with pytest.raises(ConfigError, match="is there already"):
        save(run, file)
    with pytest.raises(evoframe.EvoframeError):
        load(Net, file, width=95)


@needs_lightning
def test_what_was_loaded_is_trained_on_and_loads_again(tmp_path):
    """Absent synapses stay absent under Lightning's own Trainer, and its checkpoints load."""
    from lightning.pytorch import Trainer

    class Narrow(Resizing, Net):
        pass

    run = evoframe.evolve(
        made(), training=Lightning(), generations=2, device="cpu", out=tmp_path / "run"
    )
    module = Narrow.load_from_checkpoint(save(run, tmp_path / "small.ckpt"))
    absent = {name: one == 0 for name, one in module.named_parameters() if "weight" in name}
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False,
        default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, Data())
    trainer.save_checkpoint(tmp_path / "tuned.ckpt")
    again = Narrow.load_from_checkpoint(tmp_path / "tuned.ckpt")

    assert any(bool(one.any()) for one in absent.values())
    for name, one in again.named_parameters():
        assert torch.equal(one, dict(module.named_parameters())[name])
        if name in absent:
            assert not one[absent[name]].any()


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


class Memory:
    """A checkpoint that gives back what it was made with, and keeps what it is given."""

    def __init__(self, kept=None):
        self.kept, self.saved = kept, {}

    def load(self):
        return self.kept

    def save(self, epochs, tensors):
        self.saved[epochs] = {name: one.clone() for name, one in tensors.items()}


def lived(given, epochs=3, masks=None, memory=None):
    """Return the result of one life of the ancestor of a task."""
    context = Case().context()
    life = attrs.evolve(context.life, checkpoint=memory or Memory())
    context = attrs.evolve(context, task=given, life=life, key=Key(3))
    phenotype = Phenotype(given.ancestor(Key(0)), masks or {})
    phenotype.enforce()
    return Lightning(epochs=epochs).train(phenotype, context)


@needs_lightning
@pytest.mark.parametrize("schedule", ["step", "train_loss"])
def test_a_life_that_is_taken_up_ends_the_same(schedule):
    """Dropout, momentum, a schedule: all of them go on where a killed life was."""
    given, straight = made(schedule=schedule), Memory()
    wanted = lived(given, memory=straight).phenotype.network.state_dict()
    assert sorted(straight.saved) == [1, 2]
    for kept in straight.saved.items():
        found = lived(given, memory=Memory(kept)).phenotype.network.state_dict()
        assert all(torch.equal(found[name], one) for name, one in wanted.items())


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
    result = lived(given, epochs=9, masks={"layers.3.weight": mask})
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

    metrics = {"val_accuracy": "max"}
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


@needs_lightning
def test_the_other_name_of_the_library_will_do(tmp_path):
    import pytorch_lightning

    class Other(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 3))

        def forward(self, points):
            return self.layers(points)

        def training_step(self, batch, batch_idx):
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch, batch_idx):
            self.log("val_loss", self.training_step(batch, batch_idx))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    loaders = {"train": Data().train_dataloader(), "validation": Data().val_dataloader()}
    given = task(Other(), loaders, metrics={"val_loss": "min"})
    run = evolved(tmp_path / "run", given)
    loaded = load(Other, save(run, tmp_path / "small.ckpt"))
    points = torch.randn(9, 2)
    assert torch.equal(loaded.eval()(points), run.network()(points))


@needs_lightning
@pytest.mark.slow
def test_readme(tmp_path):
    """The tutorial, as it stands there, in a folder of its own."""
    text = (HERE.parent / "README.md").read_text("utf-8")
    first, *after = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (line,) = re.findall(r"^\$ (evoframe evolve .*)$", text, re.MULTILINE)
    (tmp_path / "rings.py").write_text(first)
    (tmp_path / "after.py").write_text("".join(after))
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(["", os.environ.get("PYTHONPATH", "")])}
    for command in (["-m", *shlex.split(line)], ["after.py"]):
        done = subprocess.run(  # noqa: S603  the commands of our own README
            [sys.executable, *command], cwd=tmp_path, env=here, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    names = {"rings.py", "after.py", "runs", "small.ckpt", "whole.ckpt", "__pycache__"}
    assert {one.name for one in tmp_path.iterdir()} <= names
    assert (tmp_path / "small.ckpt").stat().st_size < (tmp_path / "whole.ckpt").stat().st_size / 2
