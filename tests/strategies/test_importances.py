"""Importances of bundles: against their definitions, against Torch-Pruning, and as they change."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evoframe.anatomy import survey
from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.key import Key
from evoframe.kernel.levels import LEVELS
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.encoding.importances import IMPORTANCES, Subject, importance_of
from evoframe.strategies.encoding.membership import membership_of
from evoframe.testing import Specimen


class Residual(nn.Module):
    """A stem, a block with a shortcut around it, and a head; batch norm everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm0 = nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.one, self.norm1 = nn.Conv2d(8, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.two, self.norm2 = nn.Conv2d(6, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 3)
        for index, norm in enumerate((self.norm0, self.norm1, self.norm2)):
            generator = torch.Generator().manual_seed(index)
            norm.weight.data.uniform_(0.3, 1.7, generator=generator)
            norm.bias.data.normal_(generator=generator)
            norm.running_mean.normal_(generator=generator)
            norm.running_var.uniform_(0.5, 1.5, generator=generator)
        self.inside = None

    def forward(self, x: Tensor) -> Tensor:
        """Return scores; the tensors that bundles are have factors that can be turned."""
        x = self.turned(self.norm0(self.stem(x)).relu(), None)
        y = self.turned(self.norm1(self.one(x)).relu(), self.inside)
        return self.head(self.turned((x + self.norm2(self.two(y))).relu(), None).mean((2, 3)))

    @staticmethod
    def turned(x: Tensor, factors: Tensor | None) -> Tensor:
        """Return channels times factors, if there are any."""
        return x if factors is None else x * factors[:, None, None]


@attrs.frozen(eq=False)
class Images(Specimen):
    """The images of the specimen, for a network that is given."""

    network: nn.Module = attrs.field(factory=Residual, kw_only=True)

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network itself."""
        return self.network


def surroundings(task: Specimen) -> tuple[Inheritance, Evidence, Context]:
    network = task.ancestor(Key(0))
    anatomy = survey(network, task.example_inputs(), task.evolvable(network))
    whole = anatomy.genotype()
    context = Context(whole, None, anatomy, task, torch.device("cpu"), 2, Key(3))
    inheritance = Inheritance(whole.masks, whole.strengths(), whole.state)
    return inheritance, Evidence(inheritance, context.at("evidence")), context


def residual(seed: int = 0):
    torch.manual_seed(seed)
    return surroundings(Images("residual", network=Residual()))


def scores_of(kind, evidence: Evidence, *, batches: int = 3, examples: int = 6):
    """Return the scores of all bundles, and those that can leave by the layers they write."""
    phenotype, partition = evidence.phenotype(), evidence.clusters("bundle")
    members = membership_of(partition, evidence.context.anatomy.wiring, phenotype)
    scores = importance_of(kind, Subject(phenotype, members, evidence, batches, examples))
    return scores, {name: own.reshape(-1) for name, own in partition.members.items()}


def test_bundles_are_judged_by_all_of_their_members() -> None:
    """The magnitude of those on a shortcut: two rows, two columns, and two scales of norms."""
    _, evidence, context = residual()
    scores, of = scores_of("magnitude", evidence)
    net = context.task.network
    on_shortcut = (
        net.stem.weight.square().sum((1, 2, 3))
        + net.two.weight.square().sum((1, 2, 3))
        + net.one.weight.square().sum((0, 2, 3))
        + net.head.weight.square().sum(0)
        + net.norm0.weight.square()
        + net.norm2.weight.square()
    )
    inside = (
        net.one.weight.square().sum((1, 2, 3))
        + net.two.weight.square().sum((0, 2, 3))
        + net.norm1.weight.square()
    )
    assert np.allclose(scores[of["stem.weight"]], on_shortcut.detach(), rtol=1e-5)
    assert np.allclose(scores[of["one.weight"]], inside.detach(), rtol=1e-5)


def test_fisher_is_the_square_of_what_turning_a_channel_down_does() -> None:
    """The derivative of each example's loss by a factor of the channel, found another way."""
    _, evidence, _ = residual()
    scores, of = scores_of("fisher", evidence)
    phenotype, squares = evidence.phenotype(), torch.zeros(6)
    factors = phenotype.network.inside = torch.ones(6, requires_grad=True)
    for loss in evidence.losses(phenotype, batches=6, batch_size=1):
        squares += torch.autograd.grad(loss, factors)[0] ** 2 / 6
    assert np.allclose(scores[of["one.weight"]], squares, rtol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_hessian_vector_products_tell_the_change_to_second_order(seed: int) -> None:
    """Exactly where nobody else is there whose sign could be in the way."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 3))
    network[2].weight.data[:, 1] = 0.0
    _, evidence, _ = surroundings(Images("shallow", network=network))
    scores, _ = scores_of("hessian-vector", evidence, batches=1)
    phenotype, factor = evidence.phenotype(), torch.ones(1, requires_grad=True)
    phenotype.network[1].register_forward_hook(lambda _, __, out: out * factor)
    (loss,) = evidence.losses(phenotype, batches=1)
    (slope,) = torch.autograd.grad(loss, factor, create_graph=True)
    (bend,) = torch.autograd.grad(slope, factor)
    assert scores[0] == pytest.approx(abs(float((bend / 2 - slope).detach())), rel=1e-3)
    assert scores[1] == 0


def test_activations_are_those_that_readers_are_given() -> None:
    _, evidence, _ = residual()
    scores, of = scores_of("activation", evidence, batches=2)
    phenotype, seen = evidence.phenotype(), []
    phenotype.network.two.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    list(evidence.losses(phenotype, batches=2))
    means = torch.stack([one.abs().mean((0, 2, 3)) for one in seen]).mean(0)
    assert np.allclose(scores[of["one.weight"]], means.detach(), rtol=1e-4)


def test_the_channels_of_groups_and_transposed_layers_are_told_apart() -> None:
    """Scales decide which inputs are strong; each reader has to see the right ones."""
    torch.manual_seed(0)
    scales = torch.tensor([0.1, 3.0, 0.5, 2.0, 0.2, 4.0, 1.0, 0.01])
    for reader in (nn.Conv2d(8, 4, 1, groups=4), nn.ConvTranspose2d(8, 4, 1)):
        network = nn.Sequential(
            nn.Conv2d(2, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), reader, nn.Flatten(), nn.Linear(64, 3)
        )
        network[0].weight.data.fill_(0.5)
        network[0].bias.data.zero_()
        network[1].weight.data = scales
        _, evidence, _ = surroundings(Images("residual", network=network))
        scores, of = scores_of("activation", evidence)
        own = scores[of["0.weight"]]
        if len(set(of["0.weight"].tolist())) == 8:  # of a grouped layer, some are tied
            assert own.argsort().tolist() == scales.argsort().tolist()
        assert np.isfinite(own).all()


@pytest.mark.parametrize("kind", ["magnitude", "taylor"])
@pytest.mark.parametrize("seed", range(3))
def test_torch_pruning_ranks_them_alike(kind, seed: int) -> None:
    """Its own importances of its own groups, by the same gradients: one ranking of all."""
    tp = pytest.importorskip("torch_pruning")
    inheritance, evidence, context = residual(seed)
    options = {"of": "bundle", "importance": kind, "draw": False, "batches": 3}
    dna = Cluster(**options).encode(inheritance, evidence, context)
    phenotype = evidence.phenotype()
    for loss in evidence.losses(phenotype, batches=3):
        loss.backward()
    network = phenotype.network
    graph = tp.DependencyGraph().build_dependency(network, context.task.example_inputs())
    name = {"magnitude": "GroupMagnitudeImportance", "taylor": "GroupTaylorImportance"}[kind]
    due = {}
    for layer in ("stem", "one"):
        module = network.get_submodule(layer)
        group = graph.get_pruning_group(
            module, tp.prune_conv_out_channels, list(range(module.out_channels))
        )
        due[layer] = getattr(tp.importance, name)()(group)
    levels = {
        layer: dna.clusters.genes.levels[dna.clusters.members[f"{layer}.weight"].reshape(-1)]
        for layer in due
    }
    ours, theirs = torch.cat(list(levels.values())), torch.cat(list(due.values()))
    assert len(torch.unique(ours)) == len(torch.unique(theirs)) > 10  # dead ones are equal
    assert ours[theirs.argsort(stable=True)].diff().min() >= 0


def chain() -> nn.Sequential:
    """Two hidden layers; the first unit is read by one that nearly nobody reads."""
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    network[0].weight.data = torch.tensor([0.1, 1.0, 1.1, 1.2])[:, None].repeat(1, 4)
    network[2].weight.data = torch.ones(4, 4)
    network[2].weight.data[:, 0] = 0.0
    network[2].weight.data[0] = torch.tensor([3.0, 0.0, 0.0, 0.0])
    network[4].weight.data = torch.tensor([0.0, 10.0, 11.0, 12.0]).repeat(3, 1)
    return network


def test_what_is_judged_anew_is_judged_without_those_that_left() -> None:
    """A unit whose only reader has left is worth nothing, whatever it was worth before."""
    inheritance, evidence, context = surroundings(Images("perceptron", network=chain()))
    once = Cluster(of="bundle", importance="magnitude", draw=False)
    anew = attrs.evolve(once, steps=4, reach=0.5)

    def order(encoding: Cluster) -> list[int]:
        return encoding.encode(inheritance, evidence, context).clusters.genes.levels.tolist()

    first, last = order(once), order(anew)
    assert first[0] > max(first[1:4])
    assert last[4] < last[0] < min(last[2:4])
    assert last == order(anew)


@pytest.mark.parametrize("scope", ["layer", "alike"])
def test_scopes_take_the_same_share_of_each(scope) -> None:
    """Though one layer is a hundred times the other; both are of the same kinds."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    network[4].weight.data *= 100
    inheritance, evidence, context = surroundings(Images("perceptron", network=network))
    options = {"of": "bundle", "importance": "magnitude", "normalise": "none", "draw": False}
    dna = Cluster(**options, scope=scope).encode(inheritance, evidence, context)
    everywhere = Cluster(**options).encode(inheritance, evidence, context)
    first, second = (
        dna.clusters.genes.levels[dna.clusters.members[name].reshape(-1)]
        for name in ("0.weight", "2.weight")
    )
    apart = everywhere.clusters.genes.levels
    assert apart[:8].max() < apart[8:].min()
    if scope == "layer":
        assert sorted(first.tolist()) == sorted(second.tolist())
    else:
        assert first.max() < second.min()  # one ranking of them all


@pytest.mark.parametrize("kind", IMPORTANCES)
def test_what_cannot_leave_or_is_not_there_is_no_rival(kind) -> None:
    """Every importance is finite where something may leave, and the same at every call."""
    inheritance, evidence, context = residual()
    encoding = Cluster(of="bundle", importance=kind, batches=2, examples=4)
    genes = encoding.encode(inheritance, evidence, context).clusters.genes
    again = encoding.encode(inheritance, evidence, context).clusters.genes
    fixed = evidence.clusters("bundle").fixed
    assert set(genes.levels[fixed].tolist()) <= {LEVELS - 1}
    assert len(torch.unique(genes.levels[~fixed])) > 10
    assert torch.equal(genes.levels, again.levels)


def test_options_that_mean_nothing_are_refused() -> None:
    task = Specimen()
    with pytest.raises(ConfigError, match=r"is that of bundles, and encoding.of is 'kernel'"):
        Cluster(importance="taylor").check(task)
    with pytest.raises(ConfigError, match=r"steps = 3 makes importances anew"):
        Cluster(of="bundle", steps=3).check(task)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    inheritance, evidence, context = surroundings(Images("perceptron", network=network))
    with pytest.raises(TaskError, match="says nothing of any bundle"):
        Cluster(of="bundle", importance="batch-norm").encode(inheritance, evidence, context)


def test_of_streams_only_what_several_layers_write_has_rivals() -> None:
    """The channels of the shortcut; those inside the block stay whatever they are worth."""
    inheritance, evidence, context = residual()
    for steps in (1, 3):
        encoding = Cluster(of="stream", importance="taylor", draw=False, batches=1, steps=steps)
        dna = encoding.encode(inheritance, evidence, context)
        levels, members = dna.clusters.genes.levels, dna.clusters.members
        assert set(levels[members["one.weight"].reshape(-1)].tolist()) == {LEVELS - 1}
        assert len(torch.unique(levels[members["stem.weight"].reshape(-1)])) > 4
