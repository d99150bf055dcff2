"""Programs keep the sizes free that the network leaves free, and agree with it at several."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import evoframe
from evoframe.errors import ExportError
from evoframe.export.programs import write_onnx, write_torch_export

WITH_ONNX = all(importlib.util.find_spec(one) for one in ("onnx", "onnxscript", "onnxruntime"))

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


class Pooled(nn.Module):
    """Pictures of any height and width."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.norm(self.layer(pictures)).relu().mean((2, 3)))


class Flattened(nn.Module):
    """Pictures of 64 pixels, however high."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 64, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.layer(pictures).flatten(1))


class UpAndDown(nn.Module):
    """Pictures of even heights and widths."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, padding=1, stride=2)
        self.up = nn.ConvTranspose2d(4, 3, 2, stride=2)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.up(self.down(pictures)) + pictures


class Words(nn.Module):
    """Two inputs whose lengths go together, one of them of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(10, 8), nn.Linear(8, 4)

    def forward(self, words: Tensor, weights: Tensor) -> Tensor:
        return self.head((self.table(words) * weights.unsqueeze(-1)).sum(1))


class Last(nn.Module):
    """A sequence that torch unrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.GRU(8, 5, batch_first=True)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.memory(sequence)[0][:, -1]


class Branching(nn.Module):
    """A path that depends on values, which no program can say."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, values: Tensor) -> Tensor:
        return self.layer(values) if values.sum() > 0 else -self.layer(values)


class Residual(nn.Module):
    """Three blocks around a stream of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 5)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(8, 8, 3, padding=1, bias=False),
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.Conv2d(8, 8, 3, padding=1, bias=False),
            )
            for _ in range(3)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        stream = self.stem(pictures).relu()
        for block in self.blocks:
            stream = (stream + block(stream)).relu()
        return self.head(stream.mean((2, 3)))


def shallow() -> nn.Module:
    """A network of which a whole block has left, whose modules are idle."""
    torch.manual_seed(0)
    network = Residual()
    with torch.no_grad():
        for layer in network.blocks[1]:
            for weight in layer.parameters():
                weight.mul_(1e-3)
    smaller = evoframe.shrink(
        network, (torch.zeros(1, 3, 8, 8),), flops="2x", importance="magnitude", depth=True
    )
    assert any("Idle" in type(one).__name__ for one in smaller.modules())
    return smaller


def attention() -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], str, str]] = {
    "pooled": (Pooled, (torch.zeros(1, 3, 16, 12),), "(any, 3, any, any)", "(2, 3, 17, 13)"),
    "flattened": (Flattened, (torch.zeros(1, 3, 8, 8),), "(any, 3, any, any)", "(5, 3, 8, 8)"),
    "even": (UpAndDown, (torch.zeros(1, 3, 8, 8),), "(any, 3, any, any)", "(2, 3, 16, 16)"),
    "shallow": (shallow, (torch.zeros(1, 3, 8, 8),), "(any, 3, any, any)", "(2, 3, 9, 9)"),
    "attention": (attention, (torch.zeros(1, 6, 8),), "(any, any, 8)", "(2, 7, 8)"),
    "waves": (lambda: nn.Conv1d(4, 3, 3), (torch.zeros(1, 4, 9),), "(any, 4, any)", "(2, 4, 18)"),
    "words": (
        Words,
        (torch.arange(6).unsqueeze(0), torch.ones(1, 6)),
        "(any, any) and (any, any)",
        "(2, 7) and (2, 7)",
    ),
}

NAMES = [pytest.param(one, marks=[pytest.mark.slow] * (one == "shallow")) for one in CASES]


def written(write: Any, network: nn.Module, inputs: Any, folder: Path) -> str:
    torch.manual_seed(0)
    told = write(network.eval(), inputs, folder)
    (file,) = folder.iterdir()
    for path in (b"/tmp/", b"site-packages", str(Path(__file__).parents[2]).encode()):
        assert path not in file.read_bytes()
    return "\n".join(told)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_keeps_sizes_free(name: str, tmp_path: Path) -> None:
    make, inputs, free, tried = CASES[name]
    told = written(write_torch_export, make(), inputs, tmp_path)
    assert f"it takes inputs of shape {free}, of any sizes" in told
    assert tried in told
    assert "although" not in told


@pytest.mark.skipif(not WITH_ONNX, reason="needs evoframe[onnx]")
@pytest.mark.parametrize("name", NAMES)
def test_onnx_keeps_sizes_free(name: str, tmp_path: Path) -> None:
    make, inputs, free, tried = CASES[name]
    told = written(write_onnx, make(), inputs, tmp_path)
    assert f"it takes inputs of shape {free}, of any sizes" in told
    assert tried in told

    import onnx

    model = onnx.load(tmp_path / "network.onnx")
    shapes = [
        [axis.dim_value or "any" for axis in one.type.tensor_type.shape.dim]
        for one in model.graph.input
    ]
    assert " and ".join(f"({', '.join(map(str, one))})" for one in shapes) == free


def test_a_size_that_is_fixed_for_no_reason_of_the_network_is_told(tmp_path: Path) -> None:
    told = written(write_torch_export, Last(), (torch.zeros(1, 6, 8),), tmp_path)
    assert "it takes inputs of shape (any, 6, 8)" in told
    assert "axis 1 of input 0 is fixed at 6 in the program, although the network itself" in told


def test_sizes_that_a_program_refuses_are_told(tmp_path: Path) -> None:
    """Torch writes no program for a picture of one pixel in which others have several."""
    down = [nn.Conv2d(3, 3, 3, stride=2, padding=1) for _ in range(3)]
    network = nn.Sequential(*down, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    told = written(write_torch_export, network, (torch.zeros(1, 3, 16, 16),), tmp_path)
    assert "agree on 4 inputs of shapes (1, 3, 16, 16), (2, 3, 17, 17), (2, 3, 32, 32)" in told
    assert "; inputs of (3, 3, 8, 8) it refuses: Guard failed: " in told


def test_what_cannot_be_exported_is_told_in_one_line(tmp_path: Path, capfd: Any) -> None:
    with pytest.raises(ExportError) as caught:
        write_torch_export(Branching().eval(), (torch.zeros(1, 4),), tmp_path)
    assert "torch.export cannot take this network" in str(caught.value)
    assert "--format state" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "".join(capfd.readouterr()) == ""


class Named(nn.Module):
    """Takes keywords only, in another order than they are given, and gives a dataclass."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 3), nn.Linear(4, 3)

    def forward(self, *, numbers: Tensor, others: Tensor, mask: Tensor | None = None) -> Answer:
        return Answer(
            sum=self.one(numbers) + self.other(others), pair=Pair(others + 1, numbers + 1)
        )


class Pair(NamedTuple):
    one: Tensor
    other: Tensor


@dataclass
class Answer:
    sum: Tensor
    pair: Pair
    nothing: Tensor | None = None


NAMED = {"others": torch.zeros(1, 4), "numbers": torch.zeros(1, 6), "mask": None}


def test_a_program_takes_keywords_and_gives_plain_values(tmp_path: Path) -> None:
    told = written(write_torch_export, Named(), NAMED, tmp_path)
    assert "it takes inputs of shape (any, 4) and (any, 6), of any sizes" in told
    assert "agree on 4 inputs" in told

    again = torch.export.load(tmp_path / "network.pt2").module()
    found = again(others=torch.zeros(3, 4), numbers=torch.zeros(3, 6))
    assert list(found) == ["sum", "pair"]
    assert type(found["pair"]) is tuple


@pytest.mark.skipif(not WITH_ONNX, reason="needs evoframe[onnx]")
def test_onnx_takes_keywords_by_their_names(tmp_path: Path) -> None:
    assert "agree on 4 inputs" in written(write_onnx, Named(), NAMED, tmp_path)

    import onnx

    model = onnx.load(tmp_path / "network.onnx")
    assert [one.name for one in model.graph.input] == ["others", "numbers"]


def test_outputs_that_are_no_numbers_agree_with_themselves(tmp_path: Path) -> None:
    class Logarithm(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return values.log()

    assert "agree" in written(write_torch_export, Logarithm(), (torch.ones(1, 4),), tmp_path)


def test_a_program_that_computes_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = nn.Linear(4, 4).eval()
    original = torch.export.save

    def save(program: Any, file: Path) -> None:
        with torch.no_grad():
            network.weight.add_(1.0)
        original(program, file)
        with torch.no_grad():
            network.weight.sub_(1.0)

    monkeypatch.setattr(torch.export, "save", save)
    with pytest.raises(ExportError, match="gives other outputs than PyTorch"):
        write_torch_export(network, (torch.zeros(1, 4),), tmp_path)
