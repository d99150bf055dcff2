"""Hearing: a smaller network that gives the same whatever it is given is no success.

Without any of its attention a transformer that reads one token computes a constant, and every
single block could leave; and the few channels that are left of a layer may all be below the kink
of their ReLU, which no gradient mends. So both networks are asked about several inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.trace.forward import opened
from evoframe.errors import ConfigError
from evoframe.evolution.hearing import Heard
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.entries import device_of
from evoframe.kernel.modules.nested import named_tensors_within

OTHERS = 3
"""How many inputs are tried besides the example inputs."""


def require_hearing(network: nn.Module, smaller: nn.Module, inputs: Arguments, key: Key) -> str:
    """Refuse a smaller network of which no output depends on what it is given.

    One of several outputs may be the same for the inputs that are tried without being lost, as
    scores of a network that was not trained, which differ by hardly more than roundings.

    Args:
        network: as it came; outputs that do not depend on it there either count for nothing.
        smaller: in evaluation mode.
        inputs: example inputs, by which others are made.
        key: of the others.

    Returns:
        Which of several outputs differ for several inputs, and no longer of the smaller one.

    Raises:
        ConfigError: they all are the same for all inputs.
    """
    several = [inputs, *(_other(inputs, key.at("other", at)) for at in range(OTHERS))]
    # The smaller one first: it nearly always does, and the other one need not be copied.
    found = _heard(smaller, several)
    lost = found.lost(_heard(network, several)) if found.same else ""
    if lost and found.is_deaf:
        raise ConfigError(
            f"this network cannot be cut that far: without what would be removed, its {lost} "
            "the same for all inputs. Ask for less, let layers keep more by `at_least`, or keep a "
            "layer, or the block that it is part of, by `keep`."
        )
    return lost


def _other(inputs: Arguments, key: Key) -> Arguments:
    """Return inputs of the same shapes and kinds with other values, as valid as those given."""
    generator = key.generator()

    def changed(one: Tensor) -> Tensor:
        if one.is_floating_point():
            noise = torch.randn(one.shape, generator=generator, dtype=torch.float32)
            return one + noise.to(one)
        flat = one.reshape(-1)  # numbers of tokens and masks: the same ones at other places
        order = torch.randperm(len(flat), generator=generator).to(one.device)
        return flat[order].reshape(one.shape)

    return inputs.mapped(changed)


def _heard(network: nn.Module, several: Sequence[Arguments]) -> Heard:
    """Return the outputs that differ for several inputs; nothing where it cannot be asked.

    A copy is asked: some write down what they see, in evaluation too.
    """
    network = duplicate(network).eval()
    here = device_of(network)
    answers: list[Mapping[str, Tensor]] = []
    try:
        with untouched(), torch.no_grad():
            for inputs in several:
                answers.append(_named(inputs.to(here).call(network)))  # noqa: PERF401
    except Exception:  # noqa: BLE001  somebody's own code, on inputs that were made up
        return Heard()
    first = answers[0]
    # Classes of so few inputs may be the same by chance.
    numbers = any(one.is_floating_point() for one in first.values())
    if not numbers or any(one.keys() != first.keys() for one in answers):
        return Heard()
    same = {name for name in first if all(torch.equal(first[name], one[name]) for one in answers)}
    return Heard.of(first, first.keys() - same)


def _named(answer: Any) -> Mapping[str, Tensor]:
    """Return outputs by their names; by their places, where they are in objects of other kinds."""
    found = named_tensors_within(answer) or enumerate(tensors_in(opened(answer)))
    return {str(name): one for name, one in dict(found).items()}
