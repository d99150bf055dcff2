"""Weights of few bits lie in ONNX files as the whole numbers that they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import evoframe
from evoframe.export.programs import write_onnx
from evoframe.kernel import precision
from evoframe.plugin import Bits, Gradient, Precision, Retention, Rounding

WITH_ONNX = all(importlib.util.find_spec(one) for one in ("onnx", "onnxscript", "onnxruntime"))

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
    pytest.mark.skipif(not WITH_ONNX, reason="needs evoframe[onnx]"),
]

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"


class Several(nn.Module):
    """Convolutions, a transposed one too, a product over the last axis, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 16, 3, padding=1, stride=2)
        self.up = nn.ConvTranspose2d(16, 24, 2, stride=2)
        self.mix = nn.Linear(24, 40, bias=False)
        self.head = nn.Linear(40, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.up(self.down(pictures).relu()).relu()
        return self.head(self.mix(found.permute(0, 2, 3, 1)).relu().mean((1, 2)))


def rounded(network: nn.Module, bits: dict[str, int]) -> nn.Module:
    with torch.no_grad():
        for name, few in bits.items():
            value = network.get_parameter(name)
            value.copy_(precision.rounded(value, few))
    return network.eval()


def held(file: Path) -> dict[str, Tensor]:
    """Return what a program holds, by name."""
    import onnx
    from onnx import numpy_helper

    return {
        one.name: torch.from_numpy(numpy_helper.to_array(one).copy())
        for one in onnx.load(file).graph.initializer
    }


@pytest.mark.parametrize("few", precision.BITS)
def test_codes_are_in_the_file_and_weights_are_not(few: int, tmp_path: Path) -> None:
    """The file holds whole numbers that are the network's weights, bit for bit."""
    bits = {f"{name}.weight": few for name in ("down", "up", "mix")}
    network = rounded(Several(), bits)
    inputs = (torch.zeros(2, 3, 8, 8),)
    (tmp_path / "whole").mkdir()
    (tmp_path / "few").mkdir()
    write_onnx(network, inputs, tmp_path / "whole")

    told = "\n".join(write_onnx(network, inputs, tmp_path / "few", bits))

    sizes = [(tmp_path / one / "network.onnx").stat().st_size for one in ("whole", "few")]
    spared = sum(network.get_parameter(name).numel() * (4 - few // 8) for name in bits)
    assert sizes[0] - spared < sizes[1] < sizes[0] - 0.8 * spared
    assert f"takes {sizes[1]:,} bytes, {sizes[0]:,} with all weights as floats" in told
    assert f"{few} bits for down.weight, up.weight, mix.weight; it computes" in told
    found = held(tmp_path / "few" / "network.onnx")
    codes = [one for name, one in found.items() if name.endswith(".codes")]
    assert {one.dtype for one in codes} == {{8: torch.int8, 16: torch.int16}[few]}
    for name in bits:
        due = precision.coded(network.get_parameter(name), few)[0]
        alike = [due, due.T] if due.ndim == 2 else [due]
        assert any(torch.equal(one.float(), other) for one in codes for other in alike)
        assert not any(
            one.is_floating_point() and one.numel() == due.numel() for one in found.values()
        )


@pytest.mark.parametrize("few", precision.BITS)
def test_outputs_are_those_of_the_program_with_floats(few: int, tmp_path: Path) -> None:
    """Codes are another way to write the same weights: both programs say the same."""
    import onnxruntime

    bits = {"down.weight": few, "mix.weight": 24 - few}
    network = rounded(Several(), bits)
    pictures = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    answers = []
    for name, asked in (("whole", {}), ("few", bits)):
        (tmp_path / name).mkdir()
        write_onnx(network, (pictures[:2],), tmp_path / name, asked)
        session = onnxruntime.InferenceSession(tmp_path / name / "network.onnx")
        answers.append(session.run(None, {session.get_inputs()[0].name: pictures.numpy()})[0])
    first, second = map(torch.from_numpy, answers)

    assert torch.allclose(first, second, rtol=1e-6, atol=1e-6)
    assert torch.allclose(first, network(pictures).detach(), rtol=1e-5, atol=1e-5)


def test_weights_that_were_not_rounded_stay_floats_and_that_is_told(tmp_path: Path) -> None:
    """Nothing is rounded while a network is written: it would be another network."""
    network = Several().eval()

    told = write_onnx(network, (torch.zeros(2, 3, 8, 8),), tmp_path, {"mix.weight": 8})

    assert any("mix.weight is noted with 8 bits, but its weights were not" in one for one in told)
    assert not any("bytes" in one for one in told)
    assert not any("codes" in name for name in held(tmp_path / "network.onnx"))


@pytest.mark.parametrize("few", precision.BITS)
def test_a_network_in_float64_keeps_its_type(few: int, tmp_path: Path) -> None:
    """Its weights are made of codes in float64, as its operations want them."""
    network = nn.Sequential(nn.Linear(4, 30), nn.Linear(30, 2)).double()
    network = rounded(network, {"0.weight": few})

    told = write_onnx(network, (torch.zeros(2, 4).double(),), tmp_path, {"0.weight": few})

    assert any("agree" in one for one in told)
    assert any("codes" in name for name in held(tmp_path / "network.onnx"))


def test_a_run_exports_whom_it_delivers_with_codes(tmp_path: Path) -> None:
    """From the note of the individual to the file."""
    run = evoframe.evolve(
        task=BLOBS,
        out=tmp_path / "run",
        generations=3,
        mutation=[Bits(rate=0.5)],
        environment=[Precision(of=Retention(retention=0.8))],
        nurture=[Rounding()],
        training=Gradient(epochs=1),
        device="cpu",
    )
    for one in run.individuals[1:]:
        folder = run.export(tmp_path / one.id, format="onnx", individual=one.id)
        found = held(folder / "network.onnx")
        kinds = {8: torch.int8, 16: torch.int16}
        for name, few in precision.bits_of(one.notes).items():
            assert found[f"{name}.codes"].dtype is kinds[few]
    folder = run.export(tmp_path / "ancestor", format="onnx", individual=run.ancestor.id)
    assert not any("codes" in name for name in held(folder / "network.onnx"))
