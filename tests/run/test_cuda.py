"""Runs on CUDA: the same bits twice and after a stop, and networks that live there."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import evoframe
from evoframe import anatomy
from networks import NETWORKS
from support.cuda_runs import RECIPES, STOPPED, Interrupter, evolve
from support.surgery import masked, parameters, shaken, smallest, surveyed, tensors, thinned

pytestmark = pytest.mark.gpu

NEAR = 1e-9


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_on_cuda_gives_the_same_bits_twice(recipe, tmp_path) -> None:
    """Strictly: every weight of every individual."""
    first, again = (evolve(tmp_path / name, **RECIPES[recipe]) for name in ("first", "again"))

    assert first.digest() == again.digest()
    assert len(first.individuals) > 3
    assert all(one.is_alive for one in first.individuals)


@pytest.mark.parametrize("recipe", STOPPED)
def test_a_stopped_run_on_cuda_ends_like_an_unbroken_one(recipe, tmp_path) -> None:
    """Weights, optimiser, generators and masks come back to the device, also from a rung."""
    chosen = copy.deepcopy(RECIPES[recipe])
    often = ["training.epochs=4", "training.optimiser=adamw", "run.checkpoint=0"]
    chosen["options"] = [*chosen.get("options", ()), *often]
    whole = evolve(tmp_path / "whole", **chosen)

    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "broken", **chosen, observer=[Interrupter()])
    assert list((tmp_path / "broken" / "lives").iterdir())
    broken = evoframe.resume(tmp_path / "broken", observer=[])

    assert whole.digest() == broken.digest()


@pytest.mark.parametrize("form", ["state", "torch-export", "onnx"])
def test_what_grew_on_cuda_is_exported(form, tmp_path) -> None:
    """An export lies on the CPU wherever the run was."""
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    run = evolve(tmp_path / "run")

    run.export(tmp_path / "out", format=form)

    network = run.network()
    assert {one.device.type for one in network.parameters()} == {"cpu"}
    if form == "state":
        loaded = evoframe.load(tmp_path / "out", lambda: run.recipe.task.ancestor(evoframe.Key(1)))
        points = torch.randn(5, 4)
        assert torch.equal(loaded(points), network(points))
        there = copy.deepcopy(loaded).cuda()
        assert torch.allclose(there(points.cuda()).cpu(), network(points), atol=1e-4)
        with_absences_after_a_step(there)


def with_absences_after_a_step(network: nn.Module) -> None:
    """Absent synapses of a network that was moved stay absent while it learns."""
    before = {n: value == 0 for n, value in network.named_parameters()}
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    for _ in range(2):
        optimiser.zero_grad()
        network(torch.randn(5, 4, device="cuda")).square().sum().backward()
        optimiser.step()
    assert any(bool(absent.any()) for absent in before.values())
    for name, value in network.named_parameters():
        if value.ndim > 1:
            assert bool((value[before[name]] == 0).all())


HERE_ALONE = ("block: where", "block without bias: where")
"""Networks that make tensors on the CPU while they run, and so run nowhere else."""


# Weights that are cut lie in memory one by one; cuDNN says that it copies them together.
@pytest.mark.filterwarnings("ignore:RNN module weights:UserWarning")
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in HERE_ALONE])
def test_a_network_that_lives_on_cuda_shrinks_as_it_does_on_the_cpu(name) -> None:
    """The same channels leave, and what is left computes there what the masked ancestor does."""
    case = NETWORKS[name]
    torch.manual_seed(0)
    here, inputs = shaken(case.make()), case.example()
    network, given = copy.deepcopy(here).cuda(), tuple(one.cuda() for one in inputs)
    cuda = torch.device("cuda")

    plan = surveyed(network, given, case.evolvable(network))
    due = surveyed(here, inputs, case.evolvable(here))

    assert torch.equal(plan.bundles.classes, due.bundles.classes)
    assert torch.equal(plan.bundles.kept, due.bundles.kept)
    for genotype in (*thinned(plan), smallest(plan)):
        there = plan.to(cuda)
        grown = there.develop(genotype.to(cuda))
        assert {one.device.type for one in grown.network.parameters()} == {"cuda"}
        assert parameters(grown.network) == parameters(plan.develop(genotype).network)
        with torch.no_grad():
            ours = tensors(grown.network.eval()(*given))
            theirs = tensors(masked(network, genotype).eval()(*given))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=NEAR, atol=NEAR * float(other.abs().max()))
        assert there.absorb(grown).digest() == genotype.digest()


def test_inputs_may_live_elsewhere_than_the_network() -> None:
    """A survey brings both together; its numbers are tried either way."""
    network = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2)).eval()
    there = copy.deepcopy(network).cuda()
    plans = [
        anatomy.survey(one, (inputs,), ["0.weight"])
        for one in (network, there)
        for inputs in (torch.randn(1, 6), torch.randn(1, 6, device="cuda"))
    ]
    assert {int((~plan.bundles.kept).sum()) for plan in plans} == {24}
    assert {plan.genotype().digest() for plan in plans} == {plans[0].genotype().digest()}
