"""Layout: weights that are cut lie in memory as whole ones do, and the survey sees strides."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn.functional import conv2d, linear, relu

from evoframe import anatomy
from evoframe.anatomy.plan.layout import laid_out_like
from evoframe.anatomy.trace.layout import is_channels_last
from evoframe.anatomy.trace.shortcuts import like, run
from support.exactness import share_that_leaves


class ViewsItsWeight(nn.Module):
    """A weight that is stored transposed, and viewed as it is stored."""

    def __init__(self, axes: tuple[int, ...] = (1, 0)) -> None:
        super().__init__()
        stored = torch.randn(8, 32, dtype=torch.float64) if axes == (1, 0) else torch.randn(32, 8)
        self.weight = nn.Parameter(stored.permute(axes))
        self.axes = axes
        self.b, self.c, self.head = nn.Linear(32, 16), nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        energy = self.weight.permute(self.axes).view(-1).square().sum()
        x = relu(self.b(relu(linear(x, self.weight)))) + relu(self.c(x))
        return self.head(x), energy


class TransposedConvolutions(nn.Module):
    """Kernels with their outputs innermost, as other frameworks store them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(3, 12, 3), nn.Conv2d(12, 8, 3), nn.Linear(8, 2)
        stored = torch.randn(3, 3, 3, 12)
        self.a.weight = nn.Parameter(stored.permute(3, 2, 0, 1))

    def forward(self, x):
        stored = self.a.weight.permute(2, 3, 1, 0).view(-1)
        return self.head(relu(self.b(relu(self.a(x)))).mean((2, 3))), stored.sum()


class RowsOfPixels(nn.Module):
    """Features in channels_last, viewed as rows."""

    def __init__(self, kernel: int = 1, *, normed: bool = False, strided: bool = False) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 16, kernel, padding=kernel // 2, stride=1 + strided)
        self.norm = nn.BatchNorm2d(16) if normed else nn.Identity()
        self.b, self.head = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        x = relu(self.norm(self.a(x))).permute(0, 2, 3, 1)
        return self.head(relu(self.b(x.view(-1, self.a.out_channels))))


class DepthwiseRows(RowsOfPixels):
    """Depthwise and pointwise layers before the view."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Conv2d(16, 16, 1))


def last(network: nn.Module) -> nn.Module:
    return network.to(memory_format=torch.channels_last)


PIXELS = (torch.randn(2, 3, 4, 4, dtype=torch.float64).to(memory_format=torch.channels_last),)
ROWS = (torch.randn(5, 8, dtype=torch.float64),)
HELD = {
    "a transposed matrix": (ViewsItsWeight, ROWS, ("weight", "b.weight", "c.weight")),
    "a plain matrix": (lambda: ViewsItsWeight((0, 1)), ROWS, ("weight", "b.weight", "c.weight")),
    "kernels stored otherwise": (
        TransposedConvolutions,
        (torch.randn(2, 3, 7, 7, dtype=torch.float64),),
        None,
    ),
    "pixels": (lambda: last(RowsOfPixels()), PIXELS, None),
    "pixels, 3 x 3": (lambda: last(RowsOfPixels(3)), PIXELS, None),
    "pixels, batch norm": (lambda: last(RowsOfPixels(3, normed=True)), PIXELS, None),
    "pixels, strided": (lambda: last(RowsOfPixels(3, strided=True)), PIXELS, None),
    "pixels, depthwise": (lambda: last(DepthwiseRows()), PIXELS, None),
    "pixels, weights alone": (lambda: last(RowsOfPixels(3)), (PIXELS[0].contiguous(),), None),
    "pixels, inputs alone": (lambda: RowsOfPixels(3), PIXELS, None),
}


@pytest.mark.parametrize("held", HELD)
def test_views_are_views_in_smaller_networks(held: str) -> None:
    torch.manual_seed(0)
    make, inputs, evolvable = HELD[held]
    assert share_that_leaves(make(), inputs, evolvable) > 0.4


def test_a_weight_comes_from_disk_as_the_ancestor_s_lies() -> None:
    network = last(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)))
    plan = anatomy.survey(network, (torch.zeros(1, 3, 9, 9),), ("0.weight",))
    genotype = plan.genotype()
    for value in genotype.state.values():
        value.data = value.contiguous()
    grown = plan.develop(genotype).network
    for one, other in zip(grown.parameters(), network.parameters(), strict=True):
        assert one.stride() == other.stride()


shapes = st.lists(st.integers(1, 3), min_size=4, max_size=4)


@st.composite
def permuted(draw: st.DrawFn) -> torch.Tensor:
    sizes, order = draw(shapes), draw(st.permutations(range(4)))
    value = torch.empty([sizes[axis] for axis in order])
    value = value.permute([order.index(axis) for axis in range(4)])
    return value.to(memory_format=torch.channels_last) if draw(st.booleans()) else value


@given(permuted(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_convolutions_lie_on_the_meta_device_as_on_the_cpu(value, innermost) -> None:
    weight = torch.empty(2, value.shape[1], 1, 1)
    if innermost:
        weight = weight.to(memory_format=torch.channels_last)
    meta = [torch.empty_strided(one.shape, one.stride(), device="meta") for one in (value, weight)]
    rest = (None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    found = run(torch.ops.aten.convolution.default, (*meta, *rest), {})
    assert found.stride() == conv2d(value, weight).stride()
    assert is_channels_last(meta[0]) == is_channels_last(value)
    assert like(value).stride() == value.stride()


@given(permuted(), shapes)
@settings(max_examples=60, deadline=None)
def test_a_cut_keeps_the_order_of_axes(whole, sizes) -> None:
    value = torch.arange(float(torch.Size(sizes).numel())).reshape(sizes)
    laid = laid_out_like(value, whole)
    assert torch.equal(laid, value)
    same = laid_out_like(torch.zeros(whole.shape), whole)
    assert same.stride() == whole.stride()
    steps = [(one, other) for one in range(4) for other in range(4)]
    for one, other in steps:
        if whole.shape[one] > 1 < whole.shape[other] and sizes[one] > 1 < sizes[other]:
            assert (laid.stride(one) > laid.stride(other)) == (
                whole.stride(one) > whole.stride(other)
            )
