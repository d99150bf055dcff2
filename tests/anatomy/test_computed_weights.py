"""Computed weights: norms of weights and other parametrisations, pruning, leftovers of a pass."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu
from torch.nn.utils import parametrizations, parametrize, prune

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.roles.task import Task
from support.exactness import share_that_leaves

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


class Skew(nn.Module):
    def forward(self, weight):
        return weight.triu() - weight.triu(1).mT


def parametrised(how):
    def make(layer):
        parametrize.register_parametrization(layer, "weight", how())
        return layer

    return make


def pruned(layer):
    return prune.l1_unstructured(layer, "weight", 0.3)


WAYS = {
    "weight norm": parametrizations.weight_norm,
    "weight norm of the whole": lambda layer: parametrizations.weight_norm(layer, dim=None),
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "orthogonal, by cayley": lambda layer: parametrizations.orthogonal(
        layer, orthogonal_map="cayley"
    ),
    "older weight norm": nn.utils.weight_norm,
    "older spectral norm": nn.utils.spectral_norm,
    "one of one's own": parametrised(Doubled),
    "another of one's own": parametrised(Skew),
    "pruned": pruned,
}


def with_one(way: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 10), nn.ReLU(), WAYS[way](nn.Linear(10, 10)),
        nn.ReLU(), nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2),
    )  # fmt: skip


ROWS = (torch.randn(5, 6, dtype=torch.float64),)
GIVEN = SimpleNamespace(example_inputs=lambda: (ROWS[0].float(),))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_computed_stays_and_the_rest_shrinks(way: str) -> None:
    torch.manual_seed(0)
    network = with_one(way)
    assert Task.evolvable(GIVEN, network) == ("0.weight", "2.weight", "6.weight")
    assert share_that_leaves(network.double(), ROWS) > 0.3


@pytest.mark.parametrize("way", ["weight norm", "older weight norm", "spectral norm"])
def test_a_convolution_under_a_norm_stays_and_the_rest_shrinks(way: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.ReLU(), nn.Conv2d(12, 6, 3), WAYS[way](nn.Conv2d(6, 6, 1)),
        nn.ReLU(), nn.Conv2d(6, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    assert share_that_leaves(network.double(), (torch.randn(2, 3, 8, 8).double(),)) > 0.3


def test_a_norm_over_the_last_layer_leaves_all_others_to_evolve() -> None:
    network = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 8), WAYS["weight norm"](nn.Linear(8, 2)))
    assert Task.evolvable(GIVEN, network) == ("0.weight", "1.weight")


@pytest.mark.parametrize("way", ["weight norm", "older weight norm", "spectral norm", "pruned"])
def test_it_lives_through_a_run(way: str, tmp_path) -> None:
    torch.manual_seed(0)
    values = torch.arange(360.0).reshape(60, 6).sin()
    pairs = torch.utils.data.TensorDataset(values, (values[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(
        network=with_one(way),
        train=loader,
        validation=loader,
        loss=cross_entropy,
        trained=False,
    )
    settings = {"observer": [], "generations": 2, "options": ["training.epochs=1"]}
    run = evoframe.evolve(task, out=tmp_path / "run", heredity="asexual", **settings)
    assert run.network()(values).isfinite().all()


@pytest.mark.parametrize(
    ("way", "name", "words"),
    [
        ("weight norm", "4.weight", "it is computed from others in every pass"),
        ("weight norm", "4.parametrizations.weight.original1", "4.weight is computed from it"),
        ("older weight norm", "4.weight", "it is computed from others in every pass"),
        ("older weight norm", "4.weight_v", "4.weight is computed from it"),
        ("older spectral norm", "4.weight_orig", "4.weight is computed from it"),
        ("pruned", "4.weight_orig", "4.weight is computed from it"),
        ("one of one's own", "4.parametrizations.weight.original", "4.weight is computed from it"),
    ],
)
def test_what_weights_are_computed_from_cannot_evolve(way: str, name: str, words: str) -> None:
    with pytest.raises(TaskError) as caught:
        anatomy.survey(with_one(way).double(), ROWS, ("0.weight", name))
    assert str(caught.value).startswith(f"parameter {name!r} cannot evolve: {words}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_parameter_that_another_s_weight_is_computed_from_cannot_evolve() -> None:
    network = with_one("weight norm")
    network[6] = nn.Linear(10, 10)
    network[6].weight = network[4].parametrizations.weight.original1
    with pytest.raises(TaskError, match=r"'6.weight' cannot evolve: 4.weight is computed from it"):
        anatomy.survey(network, ROWS, ("0.weight", "6.weight"))


class Remembers(nn.Module):
    """Maps that a pass leaves in attributes, with the graph that they hang on."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(6, 24), nn.Linear(24, 24), nn.Linear(24, 2)
        self.seen, self.several, self.named = None, [], {}

    def forward(self, x):
        self.seen = relu(self.a(x))
        self.several = [self.seen, self.b(self.seen)]
        self.named = {"inner": (self.several[1],)}
        return self.head(relu(self.several[1]))


def test_what_a_pass_left_behind_does_not_stop_a_survey() -> None:
    torch.manual_seed(0)
    network = Remembers().double()
    network(*ROWS)
    twin = duplicate(network)
    assert torch.equal(twin.named["inner"][0], network.named["inner"][0])
    assert twin.seen.grad_fn is None
    names = ("a.weight", "b.weight")
    plan = anatomy.survey(network, ROWS, names)
    grown = plan.develop(plan.genotype()).network
    assert torch.equal(grown(*ROWS), network(*ROWS))
    assert network.seen.requires_grad
