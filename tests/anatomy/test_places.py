"""Barriers say where they were met: the operation, the module and the line."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe.anatomy import survey
from evoframe.anatomy.remedies import remedy
from evoframe.run.checks.shrinking import nothing_can_leave


class Ordered(nn.Module):
    """Orders its channels, which no smaller network could do alike."""

    def forward(self, x):
        return F.relu(x).sort(1).values


class Divided(nn.Module):
    """Divides by channels that may all be zero."""

    def forward(self, x):
        return x.tanh() / x


@pytest.mark.parametrize("step", [Ordered(), Divided()])
def test_a_barrier_names_operation_module_line_and_remedy(step: nn.Module) -> None:
    network = nn.Sequential(nn.Linear(6, 8), nn.Sequential(step), nn.Linear(8, 4))

    plan = survey(network, (torch.rand(2, 6),), ["0.weight"])

    lines, first = inspect.getsourcelines(type(step).forward)
    (barrier,) = plan.barriers
    assert barrier.module == "1.0"
    assert barrier.line == f"test_places.py:{first + len(lines) - 1}"
    assert barrier.what in nothing_can_leave(plan)
    assert remedy(barrier) in nothing_can_leave(plan)


def test_zero_by_zero_is_no_reason_to_believe_a_rule() -> None:
    """What divides is zero where it is dead: kept, whatever numbers would say."""
    network = nn.Sequential(nn.Linear(6, 8), Divided(), nn.Linear(8, 4))
    plan = survey(network, (torch.rand(2, 6),), ["0.weight"], numbers=False)

    assert plan.bundles.count(torch.ones_like(plan.bundles.kept)) == 0
