"""Factories of networks, right ones and wrong ones; named on command lines as well."""

from __future__ import annotations

import torch
from torch import nn


def factory() -> nn.Sequential:
    layers = [nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2)]
    return nn.Sequential(*layers)


def with_inputs() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return factory(), (torch.zeros(1, 6),)


def compiled() -> nn.Module:
    return torch.compile(factory(), backend="eager")  # type: ignore[return-value]


def compiled_in_place() -> nn.Module:
    network = factory()
    network.compile(backend="eager")
    return network


def compiled_member() -> nn.Module:
    network = factory()
    network[2] = torch.compile(network[2], backend="eager")
    return network


def member_compiled_in_place() -> nn.Module:
    network = factory()
    network[2].compile(backend="eager")
    return network


def compiled_twice() -> nn.Module:
    return torch.compile(compiled_member(), backend="eager")  # type: ignore[return-value]


def forward_replaced() -> nn.Module:
    network = factory()
    own = network.forward
    network.forward = lambda values: own(1.0 * values)
    return network


def autocast() -> nn.Module:
    network = factory()
    network.forward = torch.autocast("cpu", enabled=False)(network.forward)
    return network


def layer_replaced() -> nn.Module:
    network = factory()
    own = network[2].forward
    network[2].forward = lambda values: own(1.0 * values)
    return network


def compiled_forward() -> nn.Module:
    network = factory()
    network.forward = torch.compile(network.forward, backend="eager")
    return network


def hooked() -> nn.Module:
    network = factory()
    last = network[4]
    last.register_forward_hook(
        lambda _module, given, _out: torch.zeros(len(given[0]), 2) + last.bias
    )
    return network


def other_activation() -> nn.Module:
    layers = [nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 2)]
    return nn.Sequential(*layers)


def wider() -> nn.Module:
    layers = [nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 2)]
    return nn.Sequential(*layers)


def failing() -> nn.Module:
    raise RuntimeError("no memory left")


def nothing() -> None:
    return None
