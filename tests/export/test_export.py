"""Exported networks compute what the run's do, and are refused where they do not belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import evoframe
from evoframe.cli.main import main
from evoframe.costs.latency import Latency
from evoframe.errors import ExportError
from evoframe.export.programs import write_torch_export
from evoframe.report.sizes import warnings

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
RECIPE = ("--task", BLOBS, "--encoding", "magnitude", "--generations", "3")


def invoke(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evoframe.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    options = ("-o", "training.epochs=1", "-o", "environment.retention=0.3")
    result = invoke("evolve", *RECIPE, *options, "--out", str(out))
    assert result.exit_code == 0, result.output
    return evoframe.open_run(out)


def factory(run: evoframe.Run):
    return lambda: run.recipe.task.ancestor(evoframe.Key(7))


def test_a_network_is_rebuilt_from_weights_and_architecture(run, tmp_path) -> None:
    out = tmp_path / "small"
    result = invoke("export", str(run.path), "--out", str(out), "--no-measure")
    assert result.exit_code == 0, result.output
    assert {file.name for file in out.iterdir()} == {"weights.safetensors", "architecture.json"}

    loaded, wanted = evoframe.load(out, factory(run)), run.network()
    assert {n: v.shape for n, v in loaded.named_parameters()} == {
        n: v.shape for n, v in wanted.named_parameters()
    }
    assert all(torch.equal(v, loaded.state_dict()[n]) for n, v in wanted.state_dict().items())
    whole = sum(p.numel() for p in factory(run)().parameters())
    assert sum(p.numel() for p in loaded.parameters()) <= whole
    (inputs,) = run.recipe.task.example_inputs()
    inputs = torch.randn(5, *inputs.shape[1:])
    assert torch.allclose(loaded(inputs), wanted(inputs), atol=1e-6)


@pytest.mark.slow
def test_an_export_tells_what_was_saved(run, tmp_path) -> None:
    result = invoke("export", str(run.path), "--out", str(tmp_path / "small"))

    assert result.exit_code == 0, result.output
    for words in ("parameters", "FLOPs", "bytes", "latency, batch 64", "evoframe.load"):
        assert words in result.output


def test_a_folder_is_not_replaced_unless_asked(run, tmp_path) -> None:
    out = tmp_path / "small"
    out.mkdir()
    (out / "mine").write_text("precious")
    result = invoke("export", str(run.path), "--out", str(out), "--no-measure")
    assert result.exit_code == 2
    assert "--force" in result.output
    assert [file.name for file in out.iterdir()] == ["mine"]
    assert (
        invoke("export", str(run.path), "--out", str(out), "--no-measure", "--force").exit_code == 0
    )
    assert not (out / "mine").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "architecture.json").unlink(), "cannot be read"),
        (lambda folder: (folder / "architecture.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "architecture.json").write_text("[]"), "format"),
        (lambda folder: _edit(folder, format=99), "format 99"),
        (lambda folder: _edit(folder, numbers=[{}]), "damaged"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"no"), "cannot be read"),
    ],
)
def test_a_damaged_export_is_refused(run, tmp_path, change, words) -> None:
    out = tmp_path / "small"
    assert invoke("export", str(run.path), "--out", str(out), "--no-measure").exit_code == 0
    change(out)
    with pytest.raises(ExportError, match=words):
        evoframe.load(out, factory(run))


def _edit(folder: Path, **changes) -> None:
    file = folder / "architecture.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_another_architecture_is_refused_by_name(run, tmp_path) -> None:
    out = tmp_path / "small"
    assert invoke("export", str(run.path), "--out", str(out), "--no-measure").exit_code == 0
    with pytest.raises(ExportError, match=r"lacks .* it has besides bias, weight"):
        evoframe.load(out, lambda: nn.Linear(2, 2))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_program_computes_what_the_network_does(run, tmp_path) -> None:
    told = write_torch_export(run.network(), run.recipe.task.example_inputs(), tmp_path)
    assert "agree" in told[-1]
    program = torch.export.load(tmp_path / "network.pt2").module()
    (inputs,) = run.recipe.task.example_inputs()
    inputs = torch.randn(7, *inputs.shape[1:])
    assert torch.allclose(program(inputs), run.network()(inputs), atol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_onnx_agrees_or_says_what_is_missing(run, tmp_path) -> None:
    out = tmp_path / "onnx"
    result = invoke("export", str(run.path), "--format", "onnx", "--out", str(out), "--no-measure")
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        assert result.exit_code == 2
        assert "pip install 'evoframe[onnx]'" in result.output
        assert not out.exists()
    else:
        assert result.exit_code == 0, result.output
        assert "agree" in result.output


def test_fewer_flops_without_speed_are_called_by_name() -> None:
    same = {1: Latency(1.0, 0.1), 64: Latency(2.0, 0.1)}
    faster = {1: Latency(1.0, 0.1), 64: Latency(1.0, 0.1)}
    (line,) = warnings({"flops": 10.0}, {"flops": 5.0}, same, faster)
    assert "batch 1" in line
    assert "2.0 times fewer FLOPs" in line
    assert warnings({"flops": 10.0}, {"flops": 10.0}, same, same) == []


def test_inspect_tells_what_may_leave_and_what_a_run_costs() -> None:
    result = invoke("inspect", "--task", BLOBS, "-o", "anatomy.at_least=2")
    assert result.exit_code == 0, result.output
    for words in ("can leave", "FLOPs", "latency", "epochs"):
        assert words in result.output
    assert invoke("inspect", "--task", "nobody").exit_code == 2
