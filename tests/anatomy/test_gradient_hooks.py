"""Hooks on gradients: what is done to a weight's gradient is done to that of a smaller weight."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from torch import nn

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.modules.duplicate import duplicate
from support.exactness import assert_exact
from support.surgery import shaken, smallest, thinned

ROWS = (torch.randn(5, 6, dtype=torch.float64),)
MASK = torch.rand(24, 6, generator=torch.Generator().manual_seed(0)).double()


def scaled(gradient, by: float):
    return gradient * by


def observed(gradient) -> None:
    """Look only."""


def masked(gradient):
    return gradient * MASK


def by_rows(gradient):
    return gradient * torch.arange(1.0, 1 + len(gradient)).reshape(-1, 1)


def clipped(gradient):
    return gradient / gradient.norm().clamp_min(1.0)


HOOKS = {
    "scales": functools.partial(scaled, by=0.5),
    "looks": observed,
    "has the ancestor's shape": masked,
    "knows rows": by_rows,
    "clips by its length": clipped,
    "freezes": torch.zeros_like,
}


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_smaller_weights_learn_as_the_ancestor_s(hook: str) -> None:
    network = shaken(layers())
    network[0].weight.register_hook(HOOKS[hook])
    plan = anatomy.survey(network, ROWS, ("0.weight", "2.weight"))
    for genotype in (plan.genotype(), *thinned(plan), smallest(plan)):
        assert_exact(network, plan, genotype, ROWS)


def test_hooks_come_one_after_the_other_and_leave_with_their_handle() -> None:
    network = shaken(layers())
    network[0].weight.register_hook(torch.zeros_like).remove()
    network[0].weight.register_hook(lambda gradient: gradient + 1)
    network[0].weight.register_hook(lambda gradient: gradient * 2)
    plan = anatomy.survey(network, ROWS, ("0.weight", "2.weight"))
    assert_exact(network, plan, plan.genotype(), ROWS)


def test_a_task_hands_hooks_on() -> None:
    network = layers()
    network[0].weight.register_hook(torch.zeros_like)
    twin = duplicate(network)
    twin(torch.ones(1, 6)).sum().backward()
    assert not twin[0].weight.grad.any()
    assert network[0].weight.grad is None
    assert copy.deepcopy(network)[0].weight._backward_hooks is None


def refused(network: nn.Module) -> str:
    with pytest.raises(TaskError) as caught:
        anatomy.survey(duplicate(network), ROWS, ("0.weight",))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_what_would_act_on_the_ancestor_is_refused() -> None:
    network = layers()
    network[0].weight.register_post_accumulate_grad_hook(lambda parameter: parameter.grad.zero_())
    assert "'0.weight' has a hook that runs once its gradient is there" in refused(network)


@pytest.mark.parametrize("way", ["closure", "partial", "method"])
def test_a_hook_with_a_parameter_in_its_hands_is_refused(way: str) -> None:
    network = layers()
    weight = network[0].weight

    def decayed(gradient, parameter=None):
        return gradient + 0.1 * (weight if parameter is None else parameter)

    ways = {
        "closure": decayed,
        "partial": functools.partial(scaled, by=weight),
        "method": network.register_full_backward_hook,
    }
    weight.register_hook(ways[way])
    assert "a gradient hook on the ancestor's parameter '0.weight' holds" in refused(network)


def test_a_run_keeps_what_a_hook_froze(tmp_path) -> None:
    network = layers()
    network[0].weight.register_hook(torch.zeros_like)
    values = torch.arange(360.0).reshape(60, 6).sin()
    pairs = torch.utils.data.TensorDataset(values, (values[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(
        network=network, train=loader, validation=loader, loss=nn.functional.cross_entropy
    )
    options = ["training.epochs=1", "training.weight_decay=0"]
    settings = {"observer": [], "generations": 2, "population": 2, "options": options}
    run = evoframe.evolve(task, out=tmp_path / "run", **settings)
    for one in run.individuals:
        if one.is_alive:
            state = run.genotype(one.id).state
            mask = run.genotype(one.id).masks["0.weight"]
            assert torch.equal(state["0.weight"], network[0].weight.detach() * mask)
            assert not torch.equal(state["4.bias"], network[4].bias) or one.generation == 1
