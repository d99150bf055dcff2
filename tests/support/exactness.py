"""Exactness: ever smaller networks against the ancestor with the same absences."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.roles.task import Task
from support.surgery import cut, drawn, parameters, shaken, smallest, tensors, thinned

NEAR = {"atol": 1e-8, "rtol": 1e-6}


def share_that_leaves(
    network: nn.Module, inputs: tuple[Any, ...], evolvable: Sequence[str] | None = None
) -> float:
    """The part of all parameters that can leave a network in double precision, all of it exact."""
    network = shaken(network)
    task: Any = SimpleNamespace(example_inputs=lambda: inputs)
    names = Task.evolvable(task, network) if evolvable is None else evolvable
    plan = anatomy.survey(network, inputs, names)
    for genotype in (*thinned(plan), drawn(plan, 9, 0.6, 0.5), smallest(plan)):
        assert_exact(network, plan, genotype, inputs)
    left = parameters(plan.develop(smallest(plan)).network)
    return 1 - left / parameters(network)


def assert_exact(network: nn.Module, plan: Any, genotype: Any, inputs: tuple[Any, ...]) -> None:
    """A grown network computes, learns and comes home as its masked ancestor does."""
    born, twin = plan.develop(genotype), with_state(network, genotype.state)
    assert plan.absorb(born).digest() == genotype.digest()
    with torch.no_grad():
        assert_near(tensors(born.network.eval()(*inputs)), tensors(twin.eval()(*inputs)))
    ours, due = _slopes(born.network, inputs), _slopes(twin, inputs)
    assert ours.keys() <= due.keys()
    for name, slope in ours.items():
        assert_near([slope], [cut(born, name, due[name])])
    statistics = dict(twin.named_buffers())
    for name, value in born.network.named_buffers():
        if name in genotype.state:
            assert_near([value], [cut(born, name, statistics[name])])


def with_state(network: nn.Module, state: Any) -> nn.Module:
    """A copy of the ancestor, its gradient hooks too, with the weights of a genotype."""
    twin = duplicate(network)
    held = dict(twin.named_parameters()) | dict(twin.named_buffers())
    assert state.keys() <= held.keys()
    with torch.no_grad():
        for name, value in state.items():
            held[name].copy_(value)
    return twin


def _slopes(network: nn.Module, inputs: tuple[Any, ...]) -> dict[str, Tensor]:
    """The gradients of one pass in training mode, by parameter."""
    total = sum((one.square() + one).sum() for one in tensors(network.train()(*inputs)))
    total.backward()
    return {n: one.grad for n, one in network.named_parameters() if one.grad is not None}


def assert_near(ours: Sequence[Tensor], due: Sequence[Tensor]) -> None:
    """Tensors agree in shape and in value, not a number where the others are not."""
    assert [one.shape for one in ours] == [one.shape for one in due]
    for one, other in zip(ours, due, strict=True):
        assert torch.allclose(one.double(), other.double(), **NEAR, equal_nan=True)
