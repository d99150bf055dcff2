"""The promises of nurtures, and what the papers say of a step."""

import pytest
import torch

from evoframe.plugin import Gradient, Life
from evoframe.testing import Case, Specimen, conformance
from evoframe_rewiring import RigL, Set

test_conformance = conformance(Set(), Set(share=1.0), RigL(every=1, until=6))

CASE = Case(Specimen(width=12), share=0.5)


@pytest.mark.parametrize("nurture", [Set(), RigL(every=1, until=6)], ids=repr)
def test_synapses_move_and_their_number_stays(nurture):
    before = CASE.phenotype()
    context = CASE.context(life=Life(companions=(nurture,)))
    result = Gradient(epochs=2).train(CASE.phenotype(), context)

    for name, mask in before.masks.items():
        assert int(mask.sum()) == int(result.phenotype.masks[name].sum())
    assert any(not torch.equal(m, result.phenotype.masks[n]) for n, m in before.masks.items())


def test_rigl_grows_where_the_gradient_is_largest_and_forgets_its_momentum():
    phenotype, context = CASE.phenotype(), CASE.context()
    optimiser = torch.optim.SGD(phenotype.network.parameters(), 0.01, momentum=0.9)
    CASE.specimen.step(phenotype.network, CASE.specimen.batches("train")[0]).backward()
    optimiser.step()
    phenotype.enforce()

    rewired = RigL(share=0.4, every=1, until=10).after_step(phenotype, optimiser, context, 0)

    parameters = dict(phenotype.network.named_parameters())
    for name, mask in phenotype.masks.items():
        grown, gradient = rewired.masks[name] & ~mask, parameters[name].grad.abs()
        assert bool(grown.any())
        assert float(gradient[grown].min()) >= float(gradient[~grown & ~mask].max())
        assert not bool(parameters[name][grown].any())
        assert not bool(optimiser.state[parameters[name]]["momentum_buffer"][grown].any())


def test_set_drops_what_is_nearest_to_zero_on_either_side():
    phenotype = CASE.phenotype()
    name, mask = next(iter(phenotype.masks.items()))
    value = dict(phenotype.network.named_parameters())[name]
    before = value.detach().clone()

    rewired = Set(share=0.2).after_epoch(phenotype, CASE.context(), 0)

    dropped = mask & ~rewired.masks[name]
    for side in (mask & (before > 0), mask & (before < 0)):
        gone, left = before[side & dropped].abs(), before[side & ~dropped].abs()
        assert gone.max() <= left.min()
