"""What comes out of a run is usable: whoever asks, in whatever context, from Python or outside."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.cli.main import main
from evoframe.errors import EvoframeError, ExportError, RunError
from evoframe.run.disk.folder import RunFolder
from support import nets

NETS = Path(__file__).parents[1] / "support"

INPUTS = torch.arange(360.0).reshape(60, 6).sin()
TARGETS = (INPUTS[:, 0] > 0).long()


class Once(DataLoader):
    """A loader that is not to be asked any more."""

    closed = False

    def __iter__(self):
        if self.closed:
            raise RuntimeError("the data are gone")
        return super().__iter__()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    torch.manual_seed(0)
    loader = Once(TensorDataset(INPUTS, TARGETS), 30)
    metrics = {
        "sharpness": lambda outputs, _: outputs.abs().amax(1),
        "accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float(),
    }
    task = evoframe.task(
        network=nets.factory(),
        train=loader,
        validation=loader,
        loss=nn.functional.cross_entropy,
        metrics=metrics,
    )
    out = tmp_path_factory.mktemp("runs") / "run"
    choices = {"encoding": "cluster", "training": "none", "generations": 3}
    finished = evoframe.evolve(task, out=out, observer=[], **choices)
    loader.closed = True
    return finished


def fresh(run: evoframe.Run) -> evoframe.Run:
    """The same run, of which nothing has been read yet."""
    return evoframe.Run(run.path, run.ready)


def invoke(*arguments: object):
    return CliRunner().invoke(main, [str(one) for one in arguments])


CONTEXTS = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "grad switched off": lambda: torch.set_grad_enabled(mode=False),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(mode=True),
}


@pytest.mark.parametrize("name", CONTEXTS)
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_a_network_is_had_in_any_context_and_can_be_trained(run: evoframe.Run, name: str) -> None:
    before = torch.get_rng_state()
    with CONTEXTS[name]():
        network = fresh(run).network()
        network(INPUTS)
    torch.set_grad_enabled(mode=True)
    assert torch.equal(before, torch.get_rng_state())
    network(INPUTS).sum().backward()
    assert all(value.grad is not None for value in network.parameters())
    assert torch.equal(network(INPUTS), run.network()(INPUTS))


def test_a_run_is_evolved_further_as_a_plain_network(run: evoframe.Run, tmp_path: Path) -> None:
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), 30)
    given = run.network()
    task = evoframe.task(
        network=given, train=loader, validation=loader, loss=nn.functional.cross_entropy
    )
    options = ["training.epochs=1"]
    again = evoframe.evolve(
        task, out=tmp_path / "again", generations=2, observer=[], options=options
    )
    plain = evoframe.task(
        network=evoframe.plain(given),
        train=loader,
        validation=loader,
        loss=nn.functional.cross_entropy,
    )
    other = evoframe.evolve(
        plain, out=tmp_path / "other", generations=2, observer=[], options=options
    )
    assert again.digest() == other.digest()


def test_exports_from_python(run: evoframe.Run, tmp_path: Path) -> None:
    folder = run.export(tmp_path / "small")
    assert folder == tmp_path / "small"
    found = evoframe.load(folder, nets.factory)
    assert torch.equal(found(INPUTS), run.network()(INPUTS))
    ancestor = evoframe.load(run.export(tmp_path / "whole", individual="g1s0"), nets.factory)
    assert torch.equal(ancestor(INPUTS), run.network("g1s0")(INPUTS))
    with pytest.raises(ExportError, match="--force"):
        run.export(tmp_path / "small")
    with pytest.raises(ExportError, match=r"there is no format 'onxx'\. Did you mean 'onnx'"):
        run.export(tmp_path / "new", format="onxx")
    with pytest.raises(ExportError, match="is a run"):
        run.export(run.path, force=True)
    assert {one.name for one in tmp_path.iterdir()} == {"small", "whole"}


def test_a_run_of_a_session_is_shown_outside(run: evoframe.Run) -> None:
    result = invoke("show", run.path)
    assert result.exit_code == 0, result.output
    assert "sharpness" in result.output
    assert "lineage of" in result.output
    assert invoke("show", run.path, "--json").exit_code == 0


def test_what_needs_its_network_says_so(run: evoframe.Run) -> None:
    for words in (("export", run.path), ("show", run.path, "--clusters", "filter")):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "--network FILE:factory" in result.output
        assert "Traceback" not in result.output
    assert not (run.path / "export-state").exists()


@pytest.mark.parametrize("name", ["factory", "with_inputs", "compiled_in_place"])
def test_it_is_exported_with_a_network(run: evoframe.Run, tmp_path: Path, name: str) -> None:
    out = tmp_path / "small"
    reference = f"{NETS / 'nets.py'}:{name}"
    result = invoke("export", run.path, "--network", reference, "--out", out, "--no-measure")
    assert result.exit_code == 0, result.output
    assert torch.equal(evoframe.load(out, nets.factory)(INPUTS), run.network()(INPUTS))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nets.py:other_activation", "is not the one that was evolved"),
        ("nets.py:wider", "is not the one that was evolved"),
        ("nets.py:failing", "no memory left"),
        ("nets.py:nothing", "wanted a torch module"),
        ("nets.py:factori", "Did you mean 'factory'?"),
        ("nets.py", "wanted FILE.py:factory"),
        ("gone.py:factory", "there is no file"),
    ],
)
def test_another_network_is_refused(
    run: evoframe.Run, tmp_path: Path, name: str, words: str
) -> None:
    out = tmp_path / "small"
    result = invoke("export", run.path, "--network", f"{NETS}/{name}", "--out", out)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.output.split())
    assert not out.exists()


def test_runs_from_before_name_a_metric_only_if_there_is_one(
    run: evoframe.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evoframe.Run, "tables", {"task": {"use": "made in Python"}})
    monkeypatch.setattr(evoframe.Run, "metrics_on_record", ())
    outside = evoframe.Run(run.path)
    with pytest.raises(RunError, match=r"\(accuracy, sharpness\)"):
        _ = outside.metric


def test_a_task_that_builds_another_network_now_is_refused(run: evoframe.Run) -> None:
    loader = DataLoader(TensorDataset(INPUTS, TARGETS), 30)
    task = evoframe.task(
        network=nets.wider(), train=loader, validation=loader, loss=nn.functional.cross_entropy
    )
    with pytest.raises(EvoframeError, match="is not the one that was evolved"):
        evoframe.open_run(run.path, task=task).network()


def test_the_record_of_other_runs_is_as_it_was(tmp_path: Path) -> None:
    blobs = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
    found = evoframe.evolve(
        blobs, out=tmp_path / "run", generations=1, observer=[], options=["training.epochs=1"]
    )
    assert "[record.session]" not in RunFolder(found.path).recipe.read_text()
