"""Networks composed at random of many small steps: shrunk exactly in both modes, or kept.

The rules alone are asked as well as rules with numbers: what numbers refute, a rule had wrong.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from anatomy.composing import JOINING, OWNING, PLAIN, Whole
from evoframe import anatomy
from evoframe.roles.task import WITH_SYNAPSES
from support.surgery import cut, masked, shaken, smallest, tensors, thinned

NEAR = 1e-6
KINDS = (*WITH_SYNAPSES, nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)


def nested(most: int, deeper: st.SearchStrategy | None = None) -> st.SearchStrategy:
    """Steps after each other, some of them with two branches where there is anything deeper."""
    steps = [
        st.tuples(st.sampled_from([*PLAIN])),
        st.sampled_from([("Layer",), ("NoBias",)]),
        st.tuples(st.sampled_from([*OWNING])),
    ]
    if deeper is not None:
        steps.append(st.tuples(st.sampled_from([*JOINING]), deeper, deeper))
    return st.lists(st.one_of(steps), min_size=1, max_size=most).map(tuple)


STEPS = nested(4, nested(2, nested(2)))


def evolvable(network: nn.Module) -> list[str]:
    """All weights but those of the head, each under its first name."""
    existing = dict(network.named_parameters())
    names = [
        f"{name}.{weight}"
        for name, module in network.named_modules()
        if isinstance(module, KINDS) and name != "head"
        for weight, value in module.named_parameters(recurse=False)
        if value.ndim > 1 and weight.startswith(("weight", "in_proj_weight"))
    ]
    return [name for name in names if name in existing]


def taught(network, inputs):
    """Outputs, gradients by name, and buffers by name, of one pass in training."""
    outputs = tensors(network.train()(inputs))
    dice = torch.Generator().manual_seed(2)
    sum(
        (one * torch.randn(one.shape, generator=dice, dtype=one.dtype)).sum() for one in outputs
    ).backward()
    slopes = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    return outputs, slopes, dict(network.named_buffers())


def require_near(one, other, what: str, scale: float = 0.0) -> None:
    """Hold a tensor to another, where that is finite."""
    assert one.shape == other.shape, what
    largest = max(float(other.detach().abs().max()), scale, 1e-12)
    if other.isfinite().all():
        assert float((one - other).detach().abs().max()) <= NEAR * largest, what


def check(steps, seed: int, *, last: bool, numbers: bool) -> None:
    """Hold ever smaller networks to their masked ancestors."""
    torch.manual_seed(seed)
    network = shaken(Whole(steps, last=last))
    inputs = torch.randn(3, 4, 5).double()
    plan = anatomy.survey(network, (inputs,), evolvable(network), numbers=numbers)
    for genotype in (*thinned(plan), smallest(plan)):
        grown, twin = plan.develop(genotype), masked(network, genotype)
        with torch.no_grad():
            ours, due = grown.network.eval()(inputs), twin.eval()(inputs)
        require_near(ours, due, "in evaluation")
        assert plan.absorb(grown).digest() == genotype.digest()
        (ours,), slopes, buffers = taught(grown.network, inputs)
        (due,), right, statistics = taught(twin, inputs)
        require_near(ours, due, "in training")
        # A root of a dead channel has no slope in the masked ancestor, and spoils all before it.
        if all(one.isfinite().all() for one in right.values()):
            steepest = max(float(one.abs().max()) for one in right.values())
            for name in slopes.keys() & right.keys():
                require_near(slopes[name], cut(grown, name, right[name]), name, steepest)
        for name in buffers.keys() & statistics.keys():
            if buffers[name].is_floating_point():
                require_near(buffers[name], cut(grown, name, statistics[name]), name)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=12)
@given(STEPS, st.integers(0, 1000), st.booleans(), st.booleans())
def test_a_composed_network_is_exact_in_both_modes(steps, seed, last, numbers) -> None:
    """Whatever steps are put together, nothing is silently wrong."""
    check(steps, seed, last=last, numbers=numbers)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=max(300, settings().max_examples))  # more in `make fuzz`
@given(STEPS, st.integers(0, 1000), st.booleans(), st.booleans())
def test_many_composed_networks_are_exact_in_both_modes(steps, seed, last, numbers) -> None:
    """The same, a few hundred times."""
    check(steps, seed, last=last, numbers=numbers)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("name", [*PLAIN, *OWNING, *JOINING])
def test_rules_alone_are_right_about_each_step(name, last) -> None:
    """Each step after a layer, and twice with other steps around it."""
    step = (name, (("Layer",),), (("NoBias",), ("sigmoid",))) if name in JOINING else (name,)
    check((step, ("Layer",)), 1, last=last, numbers=False)
    check((("Layer",), ("logsumexp",), step, ("NoBias",), step), 1, last=last, numbers=False)
