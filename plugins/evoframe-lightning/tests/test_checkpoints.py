"""Checkpoints of smaller networks, and the tutorial that makes one, with the real library."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import evoframe
from evoframe.errors import ConfigError
from evoframe_lightning import Lightning, Resizing, load, save, task

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


def test_a_file_that_is_no_checkpoint_of_a_module_is_refused():
    with pytest.raises(ConfigError, match="no class of a LightningModule"):
        load(nn.Linear, "nowhere.ckpt")


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
