"""What each barrier holds back, by hand."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from evoframe.anatomy import Anatomy, survey
from evoframe.anatomy.held import Held, held_back
from evoframe.anatomy.remedies import remedy
from evoframe.run.checks.shrinking import nothing_can_leave


class Steps(nn.Module):
    """Three layers with something between the first and the second, and the second and third."""

    def __init__(self, first, second, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 8), nn.Linear(8, 32), nn.Linear(32, 2)
        self.steps, self.norm = (first, second), norm or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return two numbers."""
        x = self.norm(self.steps[0](self.one(x)))
        out: Tensor = self.three(self.steps[1](self.two(x)))
        return out


def surveyed(network: nn.Module, **options) -> Anatomy:
    """Return the anatomy of a network of which all weights evolve."""
    evolvable = [name for name, value in network.named_parameters() if value.ndim > 1]
    return survey(network, (torch.zeros(2, 4),), evolvable, **options)


def mixed(x: Tensor) -> Tensor:
    """Return sums along channels, which depend on their positions."""
    return x.cumsum(1)


def chosen(x: Tensor) -> Tensor:
    """Return channels in another order, by their positions."""
    return x[:, torch.arange(x.shape[1] - 1, -1, -1, device=x.device)]


def divided(x: Tensor) -> Tensor:
    """Return a softmax over channels."""
    return x.softmax(1)


def sliced(x: Tensor) -> Tensor:
    """Return the channels with the halves in the other order, which numbers say."""
    return torch.cat([x[:, 4:], x[:, :4]], 1)


WHOLE = 4 * 8 + 8 + 8 * 32 + 32 + 32 * 2 + 2


@pytest.mark.parametrize("step", [mixed, chosen, divided])
def test_a_barrier_holds_back_what_could_leave_without_it(step) -> None:
    """Rows and biases of the layer before it, seven of eight and 31 of 32, by hand.

    What reads them behind the barrier is not counted: nobody knows there whose channels they are.
    """
    found = held_back(surveyed(Steps(step, torch.relu)))
    late = held_back(surveyed(Steps(torch.relu, step)))

    assert [one.parameters for one in found] == pytest.approx([7 * (4 + 1) / WHOLE])
    assert [one.parameters for one in late] == pytest.approx([31 * (1 + 1) / WHOLE])
    assert 0 < found[0].flops < late[0].flops < 1


def test_a_barrier_that_is_met_twice_holds_back_both() -> None:
    """The second layer reads what is behind the first, which nobody knows: all eight inputs."""
    (found,) = held_back(surveyed(Steps(mixed, mixed)))

    assert found.parameters == pytest.approx((7 * (4 + 1) + 31 * (8 + 1)) / WHOLE)


def test_channels_that_are_counted_hold_back() -> None:
    """Four of eight outputs stay before one slice, and a fifth tells the other from no slice."""
    (found,) = held_back(surveyed(Steps(sliced, torch.relu)))

    assert "by their positions" in found.barrier.reason
    assert "positions" in remedy(found.barrier)
    assert found.parameters == pytest.approx(4 * (4 + 1 + 1) / WHOLE)


def test_barriers_are_ranked_by_what_they_hold_back() -> None:
    """Whoever mends one begins with the first."""
    first, second = held_back(surveyed(Steps(mixed, divided)))

    assert "softmax" in first.barrier.operation
    assert "cumsum" in second.barrier.operation
    assert first.share > second.share > 0


def test_what_a_person_lets_leave_is_not_held_back() -> None:
    """With approximate = true a norm is no barrier."""
    network = Steps(torch.relu, torch.relu, nn.LayerNorm(8))

    (norm,) = held_back(surveyed(network))

    assert "approximate" in remedy(norm.barrier)
    assert held_back(surveyed(network, approximate=True)) == ()


class Stubborn(nn.Module):
    """Asks for values once more in every pass, so that no answer can be told again."""

    passes = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return two numbers."""
        for _ in range(next(self.passes)):
            float(x.detach().sum())
        out: Tensor = self.two(self.one(x))
        return out


def test_a_network_that_cannot_be_surveyed_is_held_back_entirely() -> None:
    """One reason for all of it, with what helps."""
    anatomy = surveyed(Stubborn())

    (found,) = held_back(anatomy)

    assert found == Held(found.barrier, 1.0, None)
    words = nothing_can_leave(anatomy)
    assert words.startswith(
        "no channel can be removed from this network, so no tensor will shrink."
    )
    assert "at least 100% of the parameters" in words
    assert "Try: write the forward pass so that it runs on torch's meta device" in words
