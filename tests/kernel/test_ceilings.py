"""Ceilings: what is told by widths decides as growing every network that is tried would."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from evoframe import anatomy
from evoframe.errors import ConfigError, StillbornError
from evoframe.kernel.dna import DNA, Clusters, Genes
from evoframe.kernel.drawing import ceilings
from evoframe.kernel.drawing.ceilings import under_ceilings
from evoframe.kernel.drawing.purse import Purse
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key
from evoframe.kernel.limits import Cap, Ceiling
from evoframe.kernel.widths import Width
from networks import NETWORKS
from support.surgery import shaken

BOUNDED = ("flops", "parameters", "bytes", "synapses", "activations")


class Grown:
    """An anatomy that tells nothing before it has grown a network."""

    def __init__(self, own: anatomy.Anatomy) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def network_of(self, alive: torch.Tensor, *, tried: bool = True) -> torch.Tensor:
        return self.own.network_of(alive)

    def counted(self, there: torch.Tensor, synapses: int) -> dict[str, float]:
        return {}

    def costs_of(self, there: torch.Tensor, synapses: int, names: Any = None) -> dict[str, float]:
        return self.own.costs_of(there, synapses)


def purse(plan: Any, what: str, share: float, seed: int) -> Purse:
    """What an offspring of a network may cost, each of whose bundles is drawn with chance 0.7."""
    whole = plan.genotype()
    partition = plan.clusters("bundle")
    count = len(partition.fixed)
    clusters = Clusters.of(genes((count,), 0.7), partition)
    synapses = {name: genes(tuple(shape), 1.0) for name, shape in plan.evolvable.items()}
    limit = plan.costs(whole)[what] * share
    ceiling = Ceiling({what: 1.0}, limit, 0.1, what=what)
    return Purse(DNA(synapses, clusters, ceilings=(ceiling,)), Key(seed), whole.state, plan)


def genes(shape: tuple[int, ...], chance: float) -> Genes:
    levels = torch.zeros(shape, dtype=torch.int32)
    return Genes(levels, np.log([chance]), torch.ones(shape, dtype=torch.bool))


def offspring(own: Purse) -> Genotype | str:
    """Who is born, or why nobody is."""
    try:
        return under_ceilings(own)
    except StillbornError as error:
        return str(error)


def by_growing(own: Purse) -> Genotype | str:
    """The same, of whom every try was grown and settled by its synapses."""
    # A cap that nobody reaches: whoever looks at single synapses settles them one by one.
    cap = Cap(tuple(own.dna.synapses), 10**12)
    dna = attrs.evolve(own.dna, caps=(cap,))
    return offspring(attrs.evolve(own, dna=dna, anatomy=Grown(own.anatomy)))


def assert_same(one: Genotype | str, other: Genotype | str) -> None:
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
    else:
        assert one.masks.keys() == other.masks.keys()
        assert all(torch.equal(mask, other.masks[name]) for name, mask in one.masks.items())


ODD = ("own matrix: as a convolution", "one head in chunks")
"""Networks that do not run with all channels that could stay, where few do."""


SAID = ({}, {"depth": True}, {"multiple": 2}, {"layers": {"*": Width(at_most=0.7)}})


def assert_decides_the_same(name: str, what: str, share: float, seed: int, said: int) -> None:
    """What is told by widths comes to the same offspring, within its budget."""
    torch.manual_seed(seed)
    case = NETWORKS[name]
    network, inputs = shaken(case.make()), case.example()
    try:
        plan = anatomy.survey(network, inputs, case.evolvable(network), **SAID[said])
    except ConfigError:  # a layer that cannot be so narrow
        return
    if what not in plan.costs(plan.genotype()):
        return
    own = purse(plan, what, share, seed)

    born = offspring(own)

    assert_same(born, by_growing(own))
    if isinstance(born, Genotype):
        assert own.dna.ceilings[0].spent(plan.costs(born)) <= own.dna.ceilings[0].limit


DRAWN = st.sampled_from([0.15, 0.4, 0.8]), st.integers(0, 99), st.sampled_from(range(len(SAID)))


@pytest.mark.parametrize("name", ODD)
@settings(max_examples=5, deadline=None)
@given(st.sampled_from(BOUNDED), *DRAWN)
def test_widths_decide_where_some_networks_do_not_run(name, what, share, seed, said) -> None:
    assert_decides_the_same(name, what, share, seed, said)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*NETWORKS]), st.sampled_from(BOUNDED), *DRAWN)
def test_widths_decide_as_grown_networks_do(name, what, share, seed, said) -> None:
    assert_decides_the_same(name, what, share, seed, said)


class Masks(TorchDispatchMode):
    """Counts the operations on tensors that have a flag for each synapse of a parameter."""

    def __init__(self, shapes: set[torch.Size]) -> None:
        super().__init__()
        self.shapes, self.count = shapes, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        self.count += any(one.dtype == torch.bool and one.shape in self.shapes for one in given)
        return func(*args, **(kwargs or {}))


def test_more_tries_look_at_no_more_synapses(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device each look would be waited for."""
    torch.manual_seed(0)
    layers = [nn.Linear(9, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 4)]
    network = nn.Sequential(*layers)
    plan = anatomy.survey(network, (torch.zeros(1, 9),), ("0.weight", "2.weight", "4.weight"))
    plan.clusters("bundle")  # which are found once
    tries, looks = [], []
    allows = Purse.allows
    monkeypatch.setattr(Purse, "allows", lambda *given: tries.append(0) or allows(*given))
    for patience in (2, 20):
        monkeypatch.setattr(ceilings, "PATIENCE", patience)
        tries.clear()
        with Masks(set(plan.evolvable.values())) as masks:
            under_ceilings(purse(plan, "flops", 0.5, 0))
        looks.append((len(tries), masks.count))

    (few, some), (many, others) = looks
    assert many > 1.5 * few
    assert others == some > 0
