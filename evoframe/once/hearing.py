"""Hearing: a smaller network that gives the same whatever it is given is no success.

Without any of its attention a transformer that reads one token computes a constant, and every
single block could leave; and the few channels that are left of a layer may all be below the kink
of their ReLU, which no gradient mends. So both networks are asked about several inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.trace.forward import opened
from evoframe.errors import ConfigError
from evoframe.kernel.key import Key, untouched
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.entries import device_of

OTHERS = 3
"""How many inputs are tried besides the example inputs."""


def require_hearing(network: nn.Module, smaller: nn.Module, inputs: Arguments, key: Key) -> None:
    """Refuse a smaller network whose outputs do not depend on what it is given.

    Args:
        network: as it came, whose outputs do.
        smaller: in evaluation mode.
        inputs: example inputs, by which others are made.
        key: of the others.

    Raises:
        ConfigError: the network answers differently to several inputs, the smaller one alike.
    """
    several = [inputs, *(_other(inputs, key.at("other", at)) for at in range(OTHERS))]
    # The smaller one first: it nearly always does, and the other one need not be copied.
    if not _hears(smaller, several) and _hears(network, several):
        raise ConfigError(
            "this network cannot be cut as far as that: without what would leave, its outputs are "
            "the same for all inputs. Ask for less, let layers keep more by `at_least`, or keep a "
            "layer, or the block that it is part of, by `keep`."
        )


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


def _hears(network: nn.Module, several: Sequence[Arguments]) -> bool:
    """Tell whether a network answers differently to several inputs, or cannot be asked.

    A copy is asked: some write down what they see, in evaluation too.
    """
    network = duplicate(network).eval()
    here = device_of(network)
    answers: list[list[Tensor]] = []
    try:
        with untouched(), torch.no_grad():
            for inputs in several:
                answers.append(tensors_in(opened(inputs.to(here).call(network))))  # noqa: PERF401
    except Exception:  # noqa: BLE001  somebody's own code, on inputs that were made up
        return True
    return not all(
        len(one) == len(answers[0]) and all(map(torch.equal, one, answers[0])) for one in answers
    )
