"""Attention with fewer heads goes into every form of export, and is told of by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import evoframe
from evoframe.errors import ExportError
from evoframe.export.architecture import DIGEST, digest_of
from evoframe.export.delivered import Delivered
from evoframe.export.state import ARCHITECTURE, WEIGHTS
from evoframe.export.writing import export
from networks.attention import Attending
from support.surgery import drawn, surveyed


@pytest.fixture(name="delivered")
def a_delivered_network() -> Delivered:
    torch.manual_seed(0)
    network, inputs = Attending().eval(), (torch.randn(2, 5, 6),)
    names = ["stem.weight", "attention.in_proj_weight", "attention.out_proj.weight"]
    plan = surveyed(network, inputs, names)
    genotype = drawn(plan, 2, 0.35, 1.0)
    grown = plan.develop(genotype)
    blueprint = plan.blueprint(genotype)
    return Delivered("g2s0", grown.network.eval(), grown.masks, genotype, blueprint, inputs)


def test_attention_with_fewer_heads_is_rebuilt_from_an_export(delivered, tmp_path: Path) -> None:
    export(delivered, "state", tmp_path / "out")

    again = evoframe.load(tmp_path / "out", Attending)

    facts = json.loads((tmp_path / "out" / ARCHITECTURE).read_text("utf-8"))
    assert facts["replacements"] == {"attention": "HeadwiseAttention"}
    assert type(again.attention) is type(delivered.network.attention)
    torch.testing.assert_close(again(*delivered.inputs), delivered.network(*delivered.inputs))


@pytest.mark.parametrize(
    "stands", [{"attention": "AnotherAttention"}, {"stem": "HeadwiseAttention"}], ids=str
)
def test_a_replacement_that_is_not_known_is_refused(delivered, tmp_path: Path, stands) -> None:
    export(delivered, "state", tmp_path / "out")
    file = tmp_path / "out" / ARCHITECTURE
    facts = json.loads(file.read_text("utf-8")) | {"replacements": stands}
    facts[DIGEST] = digest_of(facts, (tmp_path / "out" / WEIGHTS).read_bytes())
    file.write_text(json.dumps(facts))

    with pytest.raises(ExportError, match=f"{next(iter(stands.values()))}.*{next(iter(stands))}"):
        evoframe.load(tmp_path / "out", Attending)


def test_attention_with_fewer_heads_is_a_program_of_any_batch(delivered, tmp_path: Path) -> None:
    told = export(delivered, "torch-export", tmp_path / "out")

    assert "agree" in told[-1]
    program = torch.export.load(tmp_path / "out" / "network.pt2").module()
    more = torch.randn(7, 5, 6)
    torch.testing.assert_close(program(more), delivered.network(more))
    assert isinstance(delivered.network.attention, nn.MultiheadAttention)
