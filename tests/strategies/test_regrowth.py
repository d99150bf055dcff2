"""Regrowth: what comes back can learn."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
import torch

from evoframe.errors import ContractError
from evoframe.evolution.genes import require_dna
from evoframe.evolution.synthesis import synthesise
from evoframe.kernel.living import living_channels
from evoframe.plugin import DNA, Genes, Regrowth
from evoframe.testing.case import Case
from evoframe.testing.specimens import Specimen

KINDS = ["perceptron", "convolutions", "normed", "residual", "bias-free"]


def certain(dna: DNA) -> DNA:
    """The same DNA in which all that may live does."""
    genes = {
        name: Genes(torch.zeros_like(one.levels), np.zeros(1), one.eligible)
        for name, one in dna.synapses.items()
    }
    return attrs.evolve(dna, synapses=genes)


def regrown(kind: str, **options: object):
    case = Case(Specimen(kind, 8), share=0.02)
    inheritance, context = case.inheritance(), case.context()
    dna = Regrowth(**options).mutate(case.dna(), inheritance, context)
    return dna, inheritance, context


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_that_comes_back_whole_gets_a_gradient(kind: str) -> None:
    """It begins with the ancestor's weights, is read with 0, and that 0 is what learns first."""
    dna, inheritance, context = regrown(kind, rate=0.5, channels=True)
    wiring = context.anatomy.wiring
    before = living_channels(inheritance.eligible, wiring)
    newborn = synthesise(certain(dna), inheritance, context)
    risen = living_channels(newborn.masks, wiring) & ~before

    assert bool(risen.any())
    for name, mask in newborn.masks.items():
        fresh = mask & ~inheritance.eligible[name]
        into, out_of = risen[wiring.targets[name]] & fresh, risen[wiring.sources[name]] & fresh
        whole = context.ancestor.state[name]
        assert torch.equal(newborn.state[name][into], whole[into])
        assert not newborn.state[name][out_of & ~into].any()
        old = mask & inheritance.eligible[name]
        assert torch.equal(newborn.state[name][old], inheritance.state[name][old])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_offered_that_has_no_reader(kind: str) -> None:
    """Every candidate joins channels that live, or that come back with it."""
    dna, inheritance, context = regrown(kind, rate=0.3, channels=True)
    offered = {name: genes.eligible for name, genes in dna.synapses.items()}
    living = living_channels(offered, context.anatomy.wiring)

    for name, mask in offered.items():
        fresh = mask & ~inheritance.eligible[name]
        sources, targets = (
            ends[name].expand(mask.shape)
            for ends in (context.anatomy.wiring.sources, context.anatomy.wiring.targets)
        )
        assert bool((living[sources] & living[targets])[fresh].all())


def test_without_the_option_it_is_what_it_was() -> None:
    """Single synapses, with 0."""
    dna, inheritance, context = regrown("perceptron", rate=0.5)
    newborn = synthesise(certain(dna), inheritance, context)

    assert not dna.weights
    for name, mask in newborn.masks.items():
        assert not newborn.state[name][mask & ~inheritance.eligible[name]].any()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda given: {f"{name}?": one for name, one in given.items()}, "parameters that evolve"),
        (lambda given: {name: one[:1] for name, one in given.items()}, "wanted"),
        (lambda given: {name: one / 0 for name, one in given.items()}, "finite floats"),
        (lambda given: {name: one.int() for name, one in given.items()}, "finite floats"),
        (list, "a mapping"),
    ],
)
def test_weights_that_nothing_could_begin_with_are_refused(spoil, words) -> None:
    """What was found, and what was wanted."""
    case = Case()
    dna, eligible = case.dna(), case.inheritance().eligible
    given = spoil({name: torch.zeros(mask.shape) for name, mask in eligible.items()})

    with pytest.raises(ContractError, match=words):
        require_dna(attrs.evolve(dna, weights=given), eligible, dna)
