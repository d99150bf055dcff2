"""Three readings of sensitivity, against gradients that are worked out by hand."""

from __future__ import annotations

from typing import ClassVar

import attrs
import pytest
import torch
from torch import nn

from evoframe import anatomy
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key
from evoframe.roles import Task
from evoframe.strategies.encoding import Sensitivity
from evoframe.testing import Specimen
from evoframe.testing.case import Case


@attrs.frozen
class Line(Task):
    """y = v . (W x) on four examples; the loss is the mean of y, so gradients are inputs."""

    name: ClassVar[str] = "line"

    @property
    def metrics(self):
        return (Metric("loss", maximise=False),)

    def ancestor(self, key):
        network = nn.Sequential(nn.Linear(3, 1, bias=False), nn.Linear(1, 1, bias=False))
        network[0].weight.data = torch.tensor([[1.0, 2.0, 4.0]])
        network[1].weight.data = torch.tensor([[1.0]])
        return network

    def example_inputs(self):
        return (torch.zeros(1, 3),)

    def batches(self, split, *, shuffle=None, batch_size=None):
        size = batch_size or 2
        return [INPUTS[start : start + size] for start in range(0, 4, size)]

    def step(self, network, batch):
        return network(batch).mean()

    def measure(self, network, batch):
        return {"loss": network(batch).mean()}


INPUTS = torch.tensor([[3.0, 1, 0.5], [3, -1, 0.5], [3, 2, -0.5], [3, 0, -0.5]])
# batch means: (3, 0, 0.5), (3, 1, -0.5); mean of all: (3, 0.5, 0)
# mean squares of batches: (9, 0.5, 0.25); of examples: (9, 1.5, 0.25)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("gradient", [3.0, 2 * 0.5**0.5, 4 * 0.5]),
        ("fisher", [3.0, 2 * 1.5**0.5, 4 * 0.5]),
        ("taylor", [3.0, 2 * 0.5, 4 * 0.0]),
    ],
)
def test_scores_are_those_of_the_equations(of: str, expected: list[float]) -> None:
    """|w| sqrt(E[G^2]), |w| sqrt(E[g^2]) and |w E[g]|, by hand; levels rank them so."""
    task = Line()
    network = task.ancestor(Key(0))
    plan = anatomy.survey(network, task.example_inputs(), ("0.weight",))
    ancestor = plan.genotype()
    context = Context(ancestor, None, plan, task, torch.device("cpu"), 1, Key(0))
    inheritance = Inheritance(ancestor.masks, ancestor.strengths(), ancestor.state)
    encoding = Sensitivity(of=of, batches=2, examples=4)

    felt = encoding._felt(Evidence(inheritance, context))["0.weight"]
    dna = encoding.encode(inheritance, Evidence(inheritance, context), context)

    scores = ancestor.state["0.weight"].abs() * felt
    assert torch.allclose(scores.flatten(), torch.tensor(expected), atol=1e-6)
    levels = dna.synapses["0.weight"].levels.flatten()
    assert torch.equal(levels.argsort(), torch.tensor(expected).argsort())


def test_an_encoding_may_measure_for_itself() -> None:
    """On a network of its own, on the batches that gradients are measured on, and home again."""
    case = Case(Specimen("convolutions", 6), share=0.05)
    evidence = case.evidence(case.inheritance())
    phenotype = evidence.phenotype()
    heard: list[torch.Tensor] = []
    phenotype.network[0].register_forward_hook(lambda *call: heard.append(call[2]))
    before = torch.get_rng_state()

    losses = [loss.detach() for loss in evidence.losses(phenotype, batches=2)]

    assert torch.equal(torch.get_rng_state(), before)
    assert len(losses) == len(heard) == 2
    assert len(list(evidence.losses(phenotype, batches=99))) == 3  # as many as there are
    assert torch.equal(losses[1], [*evidence.losses(evidence.phenotype(), batches=2)][1])
    assert not evidence.phenotype().network.training
    activity = torch.cat(heard).abs().mean((0, 2, 3))
    parameters = dict(phenotype.network.named_parameters())
    rows = activity.reshape(-1, 1, 1, 1).expand_as(parameters["0.weight"])
    anatomy = evidence.context.anatomy
    home = anatomy.home(phenotype, parameters | {"0.weight": rows})["0.weight"]
    alive = case.inheritance().eligible["0.weight"].flatten(1).any(1)
    assert 0 < int(alive.sum()) < 6
    assert torch.equal(home[alive][:, 0, 0, 0], activity)
    assert not bool(home[~alive].any())
