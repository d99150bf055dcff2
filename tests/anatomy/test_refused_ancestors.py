"""Ancestors without numbers, or with numbers that two tensors share, are refused in one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError

VALUES = torch.arange(360.0).reshape(60, 6).sin()


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 2))


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return layers()


def one_on_meta() -> nn.Module:
    network = layers()
    network[2] = nn.Linear(8, 8, device="meta")
    return network


def a_buffer_on_meta() -> nn.Module:
    network = layers()
    network.register_buffer("centre", torch.zeros(2, device="meta"))
    return network


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))


def lazy_inside() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.LazyBatchNorm1d(), nn.Linear(8, 8), nn.Linear(8, 2))


def lazy_convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (6, 1)), nn.LazyConv1d(8, 1), nn.Flatten(), nn.Linear(8, 2)
    )


def tied_by_data() -> nn.Module:
    network = layers()
    network[3] = nn.Linear(8, 8)
    network[3].weight = nn.Parameter(network[2].weight.data)
    return network


def tied_transposed() -> nn.Module:
    network = layers()
    network[3].weight = nn.Parameter(network[2].weight.data.t()[:2])
    return network


def a_buffer_on_a_parameter() -> nn.Module:
    network = layers()
    network.register_buffer("shown", network[2].weight.data[0])
    return network


def two_buffers_on_one_memory() -> nn.Module:
    network = layers()
    network.register_buffer("mean", network[1].running_mean.data)
    return network


def an_attribute_on_a_parameter() -> nn.Module:
    network = layers()
    network.first = network[2].weight[0]
    return network


def attributes_on_a_parameter() -> nn.Module:
    network = layers()
    network[0].rows = {"several": list(network[2].weight.detach())}
    return network


REFUSED = {
    on_meta: "'0.weight' is on the meta device",
    one_on_meta: "'2.weight' is on the meta device",
    a_buffer_on_meta: "'centre' is on the meta device",
    lazy: "'0.weight' is uninitialised, as its lazy layer",
    lazy_inside: "'1.weight' is uninitialised, as its lazy layer",
    lazy_convolutions: "'1.weight' is uninitialised, as its lazy layer",
    tied_by_data: "'2.weight' and '3.weight' are two tensors over one memory",
    tied_transposed: "'2.weight' and '3.weight' are two tensors over one memory",
    a_buffer_on_a_parameter: "'2.weight' and 'shown' are two tensors over one memory",
    an_attribute_on_a_parameter: "'2.weight' and 'first' are two tensors over one memory",
    attributes_on_a_parameter: "'2.weight' and \"0.rows['several'][0]\" are two tensors",
    two_buffers_on_one_memory: "are two tensors over one memory",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_it_is_refused_before_anything_is_written(make, tmp_path) -> None:
    pairs = torch.utils.data.TensorDataset(VALUES, (VALUES[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(pairs, 30)
    task = evoframe.task(
        network=make(), train=loader, validation=loader, loss=nn.functional.cross_entropy
    )
    with pytest.raises(TaskError) as caught:
        evoframe.evolve(task, out=tmp_path / "run", observer=[])
    assert REFUSED[make] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()


def halves_of_one_memory() -> nn.Module:
    network = layers()
    both = torch.randn(8, 16)
    network[2].weight = nn.Parameter(both[:, :8])
    network.register_buffer("rest", both[:, 8:])
    return network


def views_of_a_constant() -> nn.Module:
    network = layers()
    table = torch.arange(12.0)
    network.register_buffer("table", table)
    network.register_buffer("first", table[:3])
    return network


@pytest.mark.parametrize("make", [halves_of_one_memory, views_of_a_constant, layers])
def test_memory_that_is_not_shared_is_taken(make) -> None:
    anatomy.survey(make(), (torch.zeros(2, 6),), ("0.weight", "2.weight"))
