"""Surgery is never silently wrong: every test network, many genotypes, and how much can leave."""

from __future__ import annotations

import pytest
import torch

from networks import NETWORKS
from support.surgery import masked, parameters, shaken, smallest, surveyed, tensors, thinned
from support.widths import assert_settles_by_channels, sizes_of_grown

NEAR = 1e-9


def computed(network, inputs):
    with torch.no_grad():
        return tensors(network.eval()(*inputs))


def largest(value):
    return float(value.double().abs().max())


@pytest.fixture(name="case", params=NETWORKS)
def a_case(request):
    return NETWORKS[request.param]


def test_a_test_network_shrinks_exactly_and_as_far_as_it_did(case) -> None:
    """Each smaller network computes what the masked ancestor does, and comes home the same."""
    torch.manual_seed(0)
    network, inputs = shaken(case.make()), case.example()
    plan = surveyed(network, inputs, case.evolvable(network))
    sizes = [parameters(network)]
    for genotype in (*thinned(plan), smallest(plan)):
        grown = plan.develop(genotype)
        ours, due = computed(grown.network, inputs), computed(masked(network, genotype), inputs)
        for one, other in zip(ours, due, strict=True):
            torch.testing.assert_close(one, other, rtol=NEAR, atol=NEAR * largest(other))
        assert plan.absorb(grown).digest() == genotype.digest()
        told = plan.counted(plan.channels(genotype), genotype.synapses)
        assert told == sizes_of_grown(plan, genotype)
        sizes.append(parameters(grown.network))

    assert 1 - min(sizes) / sizes[0] >= case.share
    for seed, kind in enumerate(("bundle", "filter", "kernel")):
        assert_settles_by_channels(plan, kind, seed, 0.7, 0.5 + seed)
