"""What is absent stays absent, whoever trains the network, and copies and pickles remember it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings, strategies as some
from torch import Tensor, nn, optim
from torch.nn.functional import cross_entropy

import evoframe
from evoframe.kernel.lasting import is_plain, lasting

INPUTS = torch.arange(360.0).reshape(60, 6).sin()
TARGETS = (INPUTS[:, 0] > 0).long()


def _saved(network: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "adamw": lambda p: optim.AdamW(p, 0.1),
    "adamw foreach": lambda p: optim.AdamW(p, 0.1, foreach=True),
    "adamw fused": lambda p: optim.AdamW(p, 0.1, fused=True),
    "lbfgs": lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe"),
    "rprop": optim.Rprop,
    "asgd": lambda p: optim.ASGD(p, 0.1),
}

COPIES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "deepcopy": copy.deepcopy,
    "a copy of a copy": lambda network: copy.deepcopy(copy.deepcopy(network)),
    "copy": copy.copy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    "torch.save": _saved,
    "its layers in another network": lambda network: nn.Sequential(*copy.deepcopy(network)),
    "another type and back": lambda network: copy.deepcopy(network).double().float(),
}


def made() -> tuple[nn.Sequential, dict[str, Tensor]]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU())
    network.append(nn.Linear(24, 2))
    masks = {n: torch.rand(p.shape) < 0.4 for n, p in network.named_parameters() if p.ndim > 1}
    with torch.no_grad():
        for name, mask in masks.items():
            network.get_parameter(name).mul_(mask)
    return lasting(network, masks), masks


def trained(network: nn.Module, optimiser: optim.Optimizer, steps: int = 4) -> None:
    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = cross_entropy(network(INPUTS), TARGETS)
        loss.backward()
        return loss

    for _ in range(steps):
        if isinstance(optimiser, optim.LBFGS):
            optimiser.step(closure)
        else:
            closure()
            optimiser.step()


def back(network: nn.Module, masks: dict[str, Tensor]) -> int:
    """How many absent entries are there again."""
    values = ((network.get_parameter(name), mask) for name, mask in masks.items())
    return sum(int((value[~mask] != 0).sum()) for value, mask in values)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_no_optimiser_brings_absent_entries_back(name: str) -> None:
    network, masks = made()
    before = network[0].weight.detach().clone()
    trained(network, OPTIMISERS[name](list(network.parameters())))
    assert back(network, masks) == 0
    assert not torch.equal(before, network[0].weight), "nothing was learned at all"


@pytest.mark.skipif(not hasattr(optim, "Muon"), reason="torch has no Muon yet")
def test_an_optimiser_that_mixes_entries_does_not_either() -> None:
    network, masks = made()
    trained(network, optim.Muon([p for p in network.parameters() if p.ndim == 2], 0.1))
    assert back(network, masks) == 0


@pytest.mark.parametrize("name", COPIES)
def test_copies_keep_absence_and_do_not_share_it(name: str) -> None:
    network, masks = made()
    twin = COPIES[name](network)
    trained(twin, optim.SGD(twin.parameters(), 0.1, momentum=0.9))
    assert back(twin, masks) == 0
    assert not is_plain(twin)
    if twin[0].weight is not network[0].weight:
        evoframe.plain(twin)
        trained(network, optim.SGD(network.parameters(), 0.1))
        assert back(network, masks) == 0


@given(
    some.lists(some.sampled_from(sorted(COPIES)), max_size=3), some.sampled_from(["sgd", "adamw"])
)
@settings(max_examples=12, deadline=None)
def test_any_chain_of_copies_keeps_absence(ways: list[str], optimiser: str) -> None:
    network, masks = made()
    for way in ways:
        network = COPIES[way](network)
    trained(network, OPTIMISERS[optimiser](list(network.parameters())), steps=2)
    assert back(network, masks) == 0


def test_a_compiled_network_keeps_absence() -> None:
    torch.compiler.reset()  # of networks that other tests compiled, there is a limit to how many
    network, masks = made()
    answer = torch.compile(network, backend="aot_eager", fullgraph=True)
    optimiser = optim.SGD(network.parameters(), 0.1, momentum=0.9)
    for _ in range(3):
        optimiser.zero_grad()
        cross_entropy(answer(INPUTS), TARGETS).backward()
        optimiser.step()
    assert back(network, masks) == 0
    with torch.no_grad():
        assert torch.allclose(answer(INPUTS), network(INPUTS), atol=1e-6)


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_dict_that_is_loaded_leaves_out_what_is_absent(*, assign: bool) -> None:
    network, masks = made()
    state = {name: torch.randn_like(value) for name, value in network.state_dict().items()}
    wanted = state["0.bias"].clone()
    network.load_state_dict(state, assign=assign)
    assert back(network, masks) == 0
    assert torch.equal(network[0].bias, wanted)
    trained(network, optim.SGD(network.parameters(), 0.1))
    assert back(network, masks) == 0


def test_names_are_those_of_a_plain_module_and_load_into_one() -> None:
    network, _ = made()
    other = copy.deepcopy(network)
    assert is_plain(evoframe.plain(other))
    assert list(network.state_dict()) == list(other.state_dict())
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(INPUTS), network(INPUTS))


def test_a_plain_module_may_bring_synapses_to_life_again() -> None:
    network, masks = made()
    weights = network[2].weight.detach().clone()
    assert evoframe.plain(network) is network
    assert torch.equal(weights, network[2].weight)
    trained(network, optim.SGD(network.parameters(), 0.1))
    assert back(network, masks) > 0
    assert b"evoframe" not in pickle.dumps(network)


def test_layers_that_are_thawed_later_keep_absence() -> None:
    network, masks = made()
    frozen = copy.deepcopy(network.requires_grad_(False)).requires_grad_(True)
    trained(frozen, optim.SGD(frozen.parameters(), 0.1))
    assert back(frozen, masks) == 0


def test_a_tied_weight_keeps_absence_under_both_names() -> None:
    network = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    network[1].weight = network[0].weight
    mask = torch.rand(10, 4) < 0.5
    lasting(network, {"0.weight": mask})
    network.load_state_dict({name: torch.ones(10, 4) for name in ("0.weight", "1.weight")})
    assert not network[1].weight[~mask].any()
    twin = copy.deepcopy(network)
    assert twin[0].weight is twin[1].weight
    optimiser = optim.Adam(twin.parameters(), 0.1)
    twin(torch.arange(10)).square().sum().backward()
    optimiser.step()
    assert not twin[0].weight[~mask].any()


def test_sparse_gradients_are_cleared_after_the_step() -> None:
    network = nn.Embedding(10, 4, sparse=True)
    mask = torch.rand(10, 4) < 0.5
    lasting(network, {"weight": mask})
    optimiser = optim.SparseAdam(network.parameters(), 0.1)
    network(torch.arange(10)).square().sum().backward()
    optimiser.step()
    assert not network.weight[~mask].any()


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_made_where_nothing_can_learn(name: str) -> None:
    network, masks = made()
    with torch.inference_mode():
        twin = COPIES[name](network)
        assert torch.allclose(twin(INPUTS), network(INPUTS), atol=1e-6)
    assert back(twin, masks) == 0


def test_an_empty_network_is_filled_again() -> None:
    network, masks = made()
    empty = copy.deepcopy(network).to("meta").to_empty(device="cpu")
    empty.load_state_dict(network.state_dict())
    assert torch.equal(empty(INPUTS), network(INPUTS))
    trained(empty, optim.SGD(empty.parameters(), 0.1))
    assert back(empty, masks) == 0
