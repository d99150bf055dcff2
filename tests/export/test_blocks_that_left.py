"""Networks without some of their blocks go into every form of export, and come back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

import evoframe
from anatomy.branching import BRANCHING
from evoframe import anatomy
from evoframe.anatomy.plan.blocks import without
from evoframe.errors import ExportError
from evoframe.export.architecture import DIGEST, digest_of
from evoframe.export.delivered import Delivered
from evoframe.export.state import ARCHITECTURE, WEIGHTS
from evoframe.export.writing import export
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle

MAKE, SHAPE, _ = BRANCHING["basic"]


@pytest.fixture(name="delivered")
def a_network_without_blocks() -> Delivered:
    torch.manual_seed(0)
    network, inputs = MAKE().eval(), (torch.randn(SHAPE),)
    names = [n for n, p in network.named_parameters() if p.ndim > 1 and not n.startswith("head")]
    return without_two(network, inputs, names)


def without_two(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], names: Sequence[str]
) -> Delivered:
    plan = anatomy.survey(network, inputs, names, depth=True)
    whole = plan.genotype()
    masks = without(dict(whole.masks), plan.blocks[:2])
    genotype = settle(Genotype(masks, whole.state), plan.wiring)
    grown = plan.develop(genotype)
    blueprint = plan.blueprint(genotype)
    return Delivered("g2s0", grown.network.eval(), grown.masks, genotype, blueprint, inputs)


def test_it_is_rebuilt_from_an_export_and_learns_on(delivered, tmp_path: Path) -> None:
    export(delivered, "state", tmp_path / "out")

    again = evoframe.load(tmp_path / "out", MAKE)

    torch.testing.assert_close(again(*delivered.inputs), delivered.network(*delivered.inputs))
    sizes = [[p.shape for p in one.parameters()] for one in (again, delivered.network)]
    assert sizes[0] == sizes[1]
    optimiser = torch.optim.AdamW(again.parameters(), lr=0.1)
    again.train()(*delivered.inputs).square().sum().backward()
    optimiser.step()
    assert again.blocks[0].conv1.weight.numel() == 0


@pytest.mark.parametrize(
    ("name", "idle"),
    [
        ("blocks.0.conv1", {"kind": "Unknown", "several": 0, "last": False}),
        ("blocks.0.bn1", {"kind": "IdleConvolution", "several": 0, "last": False}),
        ("blocks.7", {"kind": "IdleModule", "several": 0, "last": False}),
    ],
)
def test_what_cannot_be_idle_is_refused(name, idle, delivered, tmp_path: Path) -> None:
    export(delivered, "state", tmp_path / "out")
    file = tmp_path / "out" / ARCHITECTURE
    facts = json.loads(file.read_text("utf-8"))
    facts["idle"][name] = idle
    facts[DIGEST] = digest_of(facts, (tmp_path / "out" / WEIGHTS).read_bytes())
    file.write_text(json.dumps(facts))

    with pytest.raises(ExportError, match=name):
        evoframe.load(tmp_path / "out", MAKE)


def test_it_is_a_program_of_any_batch(delivered, tmp_path: Path) -> None:
    told = export(delivered, "torch-export", tmp_path / "out")

    assert "agree" in told[-1]
    program = torch.export.load(tmp_path / "out" / "network.pt2").module()
    more = torch.randn(5, *SHAPE[1:])
    torch.testing.assert_close(program(more), delivered.network(more))


class Table(nn.Module):
    """Weighs channels by one row of a table, as attention takes biases from one."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(3, 12))

    def forward(self, x):
        return x * self.rows[1]


class Weighing(nn.Module):
    """Two blocks with a table inside."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(6, 8), nn.Linear(8, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 12), nn.ReLU(), Table(), nn.Linear(12, 8)) for _ in range(2)
        )

    def forward(self, x):
        x = self.stem(x).relu()
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def test_what_is_idle_has_no_absent_entries(tmp_path: Path) -> None:
    """Of a table without rows nothing is absent, although all of its columns are dead."""
    torch.manual_seed(0)
    network, inputs = Weighing().eval(), (torch.randn(4, 6),)
    delivered = without_two(
        network, inputs, [f"blocks.{n}.{at}.weight" for n in (0, 1) for at in (0, 3)]
    )
    assert not dict(delivered.network.named_parameters())["blocks.0.2.rows"].numel()

    export(delivered, "state", tmp_path / "out")
    again = evoframe.load(tmp_path / "out", Weighing)
    assert not delivered.masks
    torch.testing.assert_close(again(*inputs), delivered.network(*inputs))
