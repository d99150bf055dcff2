"""The promises of an encoding, scores worked out by hand, and what Torch-Pruning itself prunes."""

from typing import ClassVar

import attrs
import pytest
import torch

pytest.importorskip("torch_pruning")

import torch_pruning as tp

import evoframe
from evoframe.plugin import TaskError
from evoframe.testing import Case, Specimen, conformance
from evoframe_torch_pruning import KINDS, TorchPruning, channel_scores

test_conformance = conformance(
    TorchPruning(),
    TorchPruning(importance="fpgm", of="filter"),
    TorchPruning(importance="hessian", reduction="max", normalizer="none"),
)

PLAIN = {"of": "filter", "reduction": "first", "normalizer": "none"}
"""Scores of filters by themselves, so that they can be worked out."""


def levels_of(name, dna):
    """Return the level of each filter of a parameter that somebody has left."""
    members = dna.clusters.members[name].reshape(len(dna.clusters.members[name]), -1)[:, 0]
    eligible = dna.synapses[name].eligible.flatten(1).any(1)
    return dna.clusters.genes.levels[members], eligible


def by_hand(kind, case, evidence):
    """Return the score of every filter, from weights and evidence in ancestor coordinates."""
    inheritance = case.inheritance()
    weights = {n: inheritance.state[n] * m for n, m in inheritance.eligible.items()}
    if kind == "taylor":
        slopes = evidence.mean_gradient(batches=20)
        return {n: (w * slopes[n]).abs().flatten(1).sum(1) for n, w in weights.items()}
    if kind == "hessian":
        curves = evidence.mean_squared_gradient(batches=200, batch_size=1)
        return {n: (w.square() * curves[n]).flatten(1).sum(1) for n, w in weights.items()}
    if kind == "fpgm":
        flat = {n: w.square().flatten(1) for n, w in weights.items()}
        return {n: torch.cdist(w, w[w.any(1)]).sum(1) for n, w in flat.items()}  # to those alive
    return {n: w.square().flatten(1).sum(1) for n, w in weights.items()}


@pytest.mark.parametrize("kind", ["magnitude", "fpgm", "taylor", "hessian"])
def test_scores_are_those_of_the_papers_in_the_ancestors_coordinates(kind):
    """On a parent that has lost channels, so that places in its network are others than home."""
    case = Case(Specimen("perceptron", 12, "float64"), share=0.25)
    inheritance = case.inheritance()
    evidence = case.evidence(inheritance)
    dna = TorchPruning(importance=kind, **PLAIN).encode(inheritance, evidence, case.context())
    wanted = by_hand(kind, case, evidence)

    left, lost = 0, 0
    for name, scores in wanted.items():
        levels, eligible = levels_of(name, dna)
        left, lost = left + int(eligible.sum()), lost + int((~eligible).sum())
        order = scores[eligible].argsort()
        assert (levels[eligible][order].diff() >= 0).all(), (name, scores, levels)
    assert left > 6
    assert lost > 2
    assert len(torch.unique(dna.clusters.genes.levels)) > 6


def test_batch_norm_says_how_important_a_channel_is_and_silence_condemns_nobody():
    """The second layer has no batch norm: nothing speaks against its channels."""
    case = Case(Specimen("normed", 8), share=1.0)
    inheritance = case.inheritance()
    gamma = torch.tensor([0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4])
    inheritance = attrs.evolve(inheritance, state={**inheritance.state, "1.weight": gamma})
    dna = TorchPruning(importance="bn-scale", **PLAIN).encode(
        inheritance, case.evidence(inheritance), case.context()
    )

    assert levels_of("0.weight", dna)[0].argsort().tolist() == gamma.argsort().tolist()
    assert set(levels_of("3.weight", dna)[0].tolist()) == {65_535}


@pytest.mark.parametrize("kind", KINDS)
def test_the_channels_that_torch_pruning_prunes_are_those_that_rank_lowest(kind):
    """Its own pruner, on the same network, with the same importance and the same gradients."""
    case = Case(Specimen("convolutions", 12), share=1.0)
    evidence = case.evidence(case.inheritance())
    encoding = TorchPruning(importance=kind)
    dna = encoding.encode(case.inheritance(), evidence, case.context())
    phenotype = evidence.phenotype()
    if kind in ("taylor", "hessian"):
        encoding.feel(phenotype, evidence)
    network, first = phenotype.network, phenotype.network[0].weight.detach().clone()

    tp.BasePruner(
        network,
        case.specimen.example_inputs(),
        importance=encoding.scorer(),
        pruning_ratio=0.5,
        ignored_layers=[network[4], network[7]],
    ).step()

    kept = [
        index for index, row in enumerate(first)
        if any(torch.equal(row, other) for other in network[0].weight)
    ]  # fmt: skip
    levels, _ = levels_of("0.weight", dna)
    assert len(kept) == 6
    assert sorted(levels.argsort(stable=True)[6:].tolist()) == kept


def test_whole_channels_leave_in_a_run(tmp_path):
    """With all the pressure on clusters, networks are smaller, and dense."""
    run = evoframe.evolve(
        Specimen("residual", 16),
        encoding=TorchPruning(importance="taylor"),
        environment="retention",
        options=["environment[0].retention=0.5", "environment[0].clusters=0.5"],
        training="none",
        generations=3,
        device="cpu",
        out=tmp_path / "run",
    )

    network = run.network("g3s0")
    assert network.first.out_channels == network.second.out_channels < 12
    for value in (network.first.weight, network.second.weight):
        assert bool(value.all())  # nothing is masked inside


@attrs.frozen
class Frozen(Specimen):
    """The first layer does not learn."""

    name: ClassVar[str] = "frozen"

    def ancestor(self, key):
        network = super().ancestor(key)
        network[0].requires_grad_(False)
        return network


@pytest.mark.parametrize("kind", ["magnitude", "taylor"])
def test_frozen_layers_have_scores_too(kind):
    """Torch-Pruning follows gradients through a network, and would not see them."""
    case = Case(Frozen(width=8), share=1.0)
    dna = TorchPruning(importance=kind, of="filter").encode(
        case.inheritance(), case.evidence(case.inheritance()), case.context()
    )

    assert len(torch.unique(levels_of("0.weight", dna)[0])) > 4


@attrs.frozen
class Gated(Specimen):
    """Halves of one layer's channels are multiplied, which Torch-Pruning cannot follow."""

    name: ClassVar[str] = "gated"

    def ancestor(self, key):
        return torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.GLU(), torch.nn.Linear(4, 6), torch.nn.Linear(6, 3)
        )


def test_a_network_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path):
    """With the error of Torch-Pruning, whose network it was, and what to do instead."""
    with pytest.raises(TaskError, match=r"task 'gated': IndexError: .* Try encoding = 'cluster'"):
        evoframe.evolve(Gated(), encoding=TorchPruning(), device="cpu", out=tmp_path / "run")

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_an_importance_that_says_nothing_of_a_network_is_refused(kind):
    """Here there is no batch norm whose scales could be read; all channels would be alike."""
    task = Specimen("perceptron")
    if kind != "bn-scale":
        TorchPruning(importance=kind).check(task)
        return
    with pytest.raises(TaskError, match=r"'bn-scale' says nothing of any channel"):
        TorchPruning(importance=kind).check(task)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_transposed_and_grouped_layers_are_spread_by_what_they_write(groups):
    """A transposed weight is (in, out / groups, ...): its channels lie along the second axis."""
    layer = torch.nn.ConvTranspose2d(4, 8, 3, groups=groups)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), layer, torch.nn.Conv2d(8, 2, 1))

    def by_place(group):
        return torch.arange(len(group[0].idxs), dtype=torch.float32)

    scores = channel_scores(network, (torch.zeros(1, 3, 5, 5),), by_place)["1.weight"]

    moved = torch.zeros(1, 8, 7, 7)
    for row in range(4):  # each weight's score shows at the channel that it writes to
        inputs = torch.zeros(1, 4, 5, 5)
        inputs[0, row, 2, 2] = 1.0
        moved = torch.nn.functional.conv_transpose2d(inputs, scores, groups=groups)
        for channel in range(8):
            if bool(moved[0, channel].any()):
                assert moved[0, channel].max() == channel
