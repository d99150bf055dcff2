"""Products with matrices of one's own: what evolves, and what it costs."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evoframe.roles.task import Task
from networks.products import IN_OUT, OUT_IN, Own
from support.surgery import drawn, parameters, surveyed

WAYS = {**dict.fromkeys(IN_OUT, False), **dict.fromkeys(OUT_IN, True)}


class Given:
    """A task of which only the example inputs are asked."""

    @staticmethod
    def example_inputs():
        """One example."""
        return (torch.randn(2, 5, 6),)


@pytest.mark.parametrize("way", WAYS)
def test_a_matrix_of_ones_own_evolves_shrinks_and_is_counted(way: str) -> None:
    torch.manual_seed(0)
    network = Own({**IN_OUT, **OUT_IN}[way], turned=WAYS[way]).eval()
    names = Task.evolvable(Given, network)
    assert names == ("one", "two")

    plan = surveyed(network, Given.example_inputs(), names)
    # With a single channel left, an einsum goes another way, and nothing is cut.
    genotype = drawn(plan, 0, 0.3, 1.0)
    grown = plan.develop(genotype).network
    assert parameters(grown) < 0.7 * parameters(network)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        grown(*Given.example_inputs())
    assert plan.costs(genotype)["flops"] == counter.get_total_flops()


def test_what_no_product_reads_and_what_is_read_last_do_not_evolve() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.up = nn.Embedding(9, 6), nn.Parameter(torch.randn(6, 6))
            self.places, self.latent = nn.Parameter(torch.randn(5, 6)), nn.Parameter(torch.eye(6))

        def forward(self, x):
            asked = self.latent @ self.up
            x = torch.tanh(self.words(x) + self.places) @ asked.t() @ self.up
            return x @ self.words.weight.t()

    class Words(Given):
        @staticmethod
        def example_inputs():
            return (torch.zeros(2, 5, dtype=torch.long),)

    assert Task.evolvable(Words, Tied()) == ("up",)
    plain = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
    assert Task.evolvable(Words, plain) == ("0.weight",)  # which does not run on these
