"""Modules that hold sizes in their attributes, and options that say what may leave."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from evoframe import anatomy
from evoframe.errors import StillbornError, TaskError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.living import living_channels
from evoframe.kernel.settling import settle
from evoframe.roles.task import WITH_SYNAPSES
from evoframe.run.checks.remarks import of_anatomy
from networks.counting import NORMS, Blocks, Groups, HeadsFromOneLayer


def surveyed(network, shape, **options):
    modules = [n for n, m in network.named_modules() if isinstance(m, WITH_SYNAPSES)]
    names = [f"{name}.weight" for name in modules][:-1]
    return anatomy.survey(network.eval(), (torch.zeros(1, *shape[1:]),), names, **options)


def without(plan, seed: int, share: float) -> Genotype:
    """Return the ancestor's genotype after whole slots of its blocks died, and single channels."""
    generator = torch.Generator().manual_seed(seed)
    whole = plan.genotype()
    dead = torch.rand(len(plan.bundles.classes), generator=generator) < share / 4
    for grid in plan.bundles.grids:
        axis = int(torch.randint(grid.channels.ndim, (), generator=generator))
        gone = torch.rand(grid.channels.shape[axis], generator=generator) < share
        dead[grid.channels.index_select(axis, gone.nonzero().flatten()).reshape(-1)] = True
    dead = dead[plan.bundles.classes]
    masks = {n: mask & ~dead[plan.wiring.targets[n]] for n, mask in whole.masks.items()}
    return settle(Genotype(masks, whole.state), plan.wiring)


def assert_exact(network, plan, genotype, inputs):
    """The grown network computes what the masked ancestor does, and comes home the same."""
    phenotype = plan.develop(genotype)
    twin = copy.deepcopy(network)
    twin.load_state_dict(dict(genotype.state), strict=False)
    with torch.no_grad():
        expected, found = twin.eval()(inputs), phenotype.network.eval()(inputs)
    assert torch.allclose(expected, found, atol=1e-5)
    assert plan.absorb(phenotype).digest() == genotype.digest()
    return phenotype.network


@pytest.mark.parametrize("fused", [False, True], ids=["by hand", "fused"])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2)], ids=["plain", "grouped queries"])
def test_heads_leave_where_modules_count_them(*, heads: int, kv_heads: int, fused: bool) -> None:
    torch.manual_seed(0)
    network, inputs = Blocks(heads, kv_heads, fused=fused), torch.randn(3, 5, 4)
    plan = surveyed(network, inputs.shape)
    seen = set()
    for seed in range(30):
        genotype = without(plan, seed, 0.5)
        for block in assert_exact(network, plan, genotype, inputs).blocks:
            grown = block[1]
            assert grown.inner == grown.out.in_features == grown.q.out_features
            seen.add((grown.heads, grown.kv_heads))
    assert seen == ({(1, 1), (2, 2), (3, 3), (4, 4)} if kv_heads == heads else {(2, 1), (4, 2)})


def test_places_inside_heads_leave_together() -> None:
    """Heads of one place make torch multiply in another way, which may be refused, by name."""
    torch.manual_seed(0)
    network, inputs = HeadsFromOneLayer(), torch.randn(3, 5, 4)
    plan = surveyed(network, inputs.shape)
    shapes = set()
    for seed in range(40):
        genotype = without(plan, seed, 0.3)
        try:
            shapes.add(assert_exact(network, plan, genotype, inputs).shape)
        except StillbornError:
            alive = living_channels(genotype.masks, plan.wiring)
            assert plan.proved.plan.numbers(plan.bundles.staying(alive))["", "shape", 1] == 1
    assert {heads for heads, _ in shapes} == {1, 2, 3}
    assert {size for _, size in shapes} >= {2, 3, 4}


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_groups_leave_as_a_whole_or_lose_places(norm) -> None:
    torch.manual_seed(0)
    network, inputs = Groups(norm), torch.randn(3, 2, 5, 5)
    plan = surveyed(network, inputs.shape)
    seen = set()
    for seed in range(30):
        grown = assert_exact(network, plan, without(plan, seed, 0.5), inputs)
        assert grown.two.in_channels == grown.one.out_channels
        seen.add((grown.two.groups, grown.two.in_channels // grown.two.groups))
    assert {groups for groups, _ in seen} == {1, 2, 3, 4}
    assert {size for _, size in seen} == {1, 2, 3}
    assert plan.barriers == ()


@pytest.mark.parametrize("norm", [nn.LayerNorm(8), nn.RMSNorm(8), nn.LayerNorm(8, bias=False)])
def test_normalised_channels_leave_only_when_asked(norm) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), norm, nn.ReLU(), nn.Linear(8, 5), nn.Linear(5, 2))
    exact, near = (surveyed(network, (1, 4), approximate=flag) for flag in (False, True))
    for plan, widths in ((exact, {8}), (near, {2, 3, 4, 5, 6})):
        found = set()
        for seed in range(20):
            genotype = without(plan, seed, 2.0)
            phenotype = plan.develop(genotype)
            assert phenotype.network(torch.randn(3, 4)).shape == (3, 2)
            assert plan.absorb(phenotype).digest() == genotype.digest()
            found.add(phenotype.network[0].out_features)
            assert phenotype.network[1].normalized_shape == (phenotype.network[0].out_features,)
        assert found >= widths if len(widths) > 1 else found == widths
    assert any("mixes" in barrier.reason for barrier in exact.barriers)
    assert not near.barriers


class Locally(nn.Module):
    def forward(self, x):
        return F.local_response_norm(x, 3)


class Globally(nn.Module):
    def forward(self, x):
        norm = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        return x * norm / (norm.mean(1, keepdim=True) + 1e-6)


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 8), Locally(), Globally()])
def test_what_is_computed_nearly_tells_how_nearly(norm) -> None:
    """With ``approximate`` single channels leave, and what that changes is measured."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 8, 3), norm, nn.Conv2d(8, 2, 3))
    exact, near = (surveyed(network, (1, 2, 7, 7), approximate=flag) for flag in (False, True))
    assert exact.error is None
    assert 0 < near.error < 100
    assert "deviate from the masked ancestor's by up to" in of_anatomy(near)[0]

    widths = {near.develop(without(near, seed, 0.7)).network[0].out_channels for seed in range(20)}
    assert len(widths) > 2
    assert all(one.line.startswith("test_sizes_in_modules.py:") for one in exact.barriers)


def test_layers_keep_as_many_channels_as_they_are_told_to() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 20), nn.Linear(20, 2))
    plan = surveyed(network, (1, 4), keep=["0"], multiple=4, at_least=3)
    for seed in range(20):
        genotype = without(plan, seed, 3.6)
        grown = assert_exact(network, plan, genotype, torch.randn(3, 4))
        assert grown[0].out_features == 30
        assert grown[2].out_features % 4 == 0
        assert 4 <= grown[2].out_features < 20
    with pytest.raises(TaskError, match="'zero' does not exist"):
        surveyed(network, (1, 4), keep=["zero"])
