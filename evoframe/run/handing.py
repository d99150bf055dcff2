"""Handing out: a newborn as somebody gets it who trains it, and what comes back of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import ConfigError, RunError
from evoframe.evolution.elsewhere import Unschooled
from evoframe.export.unwrapping import plain_name
from evoframe.kernel.individual import Measurement
from evoframe.kernel.modules.entries import state_of

SPREAD = "module."
"""What names of parameters begin with in a wrapper of torch for several devices."""


@attrs.frozen(eq=False)
class Asked:
    """A newborn network, to be trained by the caller.

    Attributes:
        id: identifies it in ``tell``.
        generation: its number; the ancestor's is 1.
        parents: ids of its parents.
        network: to be trained, on the run's device; masked synapses remain zero however it is
            trained. It may be copied, compiled, wrapped, or sent to another process.
        costs: its sizes, as ``parameters`` and ``flops``.
        notes: notes of strategies on it.
    """

    id: str
    generation: int
    parents: tuple[str, ...]
    network: nn.Module
    costs: Mapping[str, float]
    notes: Mapping[str, Any]


@attrs.frozen(eq=False)
class Out:
    """Somebody who was handed out, and when."""

    one: Unschooled
    asked: Asked
    since: float


def take(network: nn.Module | Mapping[str, Tensor], out: Out) -> None:
    """Put trained weights into the network that was handed out.

    Raises:
        RunError: they are of another network.
    """
    own = out.one.phenotype.network
    if network is own:
        return
    if not isinstance(network, nn.Module | Mapping):
        raise RunError(
            f"what was told of {out.asked.id} is a {type(network).__name__}; wanted the network "
            "that was handed out, or its state_dict()."
        )
    due = {name: tuple(value.shape) for name, value in state_of(own).items()}
    given = _unwrapped(network, due)
    found = {name: tuple(value.shape) for name, value in given.items() if name in due}
    if wrong := [name for name in due if found.get(name) != due[name]]:
        raise RunError(
            f"the network told for {out.asked.id} is not the one that was handed out: "
            f"{wrong[0]!r} is {found.get(wrong[0], 'not there')}, and was {due[wrong[0]]}."
        )
    with torch.no_grad():
        for name, value in state_of(own).items():
            value.copy_(given[name])


def _unwrapped(network: nn.Module | Mapping[str, Tensor], due: Iterable[str]) -> dict[str, Tensor]:
    """Return a state by the names that it had before it was compiled or wrapped, in any order."""
    given = network.state_dict() if isinstance(network, nn.Module) else network
    found = {plain_name(name): value for name, value in given.items()}
    while found and not set(due) <= found.keys() and all(map(_is_spread, found)):
        found = {name.removeprefix(SPREAD): value for name, value in found.items()}
    return found


def _is_spread(name: str) -> bool:
    return name.startswith(SPREAD)


def measurements(given: Mapping[str, Any]) -> dict[str, Measurement]:
    """Return metrics with what is known of their errors.

    Raises:
        ConfigError: one is no number.
    """
    found = {}
    for name, value in given.items():
        if isinstance(value, Measurement):
            found[name] = value
            continue
        try:
            found[name] = Measurement(float(value))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"the metric {name!r} is {value!r}; wanted a number.") from error
    return found
