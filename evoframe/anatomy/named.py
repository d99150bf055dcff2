"""Named: the parameters and layers that a person says may evolve, or are to be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from evoframe.anatomy.computed import instead_of_weights, weights_computed_from
from evoframe.errors import TaskError, close_match


def evolvable_shapes(network: nn.Module, evolvable: Sequence[str]) -> dict[str, torch.Size]:
    """Return the shapes of the parameters whose synapses may evolve, each under its first name.

    Raises:
        TaskError: a name is no weight that synapses could be taken from, or there is none.
    """
    parameters, computed = dict(network.named_parameters()), weights_computed_from(network)
    tied = dict(network.named_parameters(remove_duplicate=False))
    shapes: dict[str, torch.Size] = {}
    for name in evolvable:
        _require_can_evolve(name, tied, computed)
        if not tied[name].numel():  # of a block that left: there is nothing of it to lose
            continue
        # By identity: ``==`` of tensors compares elements.
        first = next(own for own, value in parameters.items() if value is tied[name])
        shapes[first] = tied[name].shape  # a tied weight evolves once, under its first name
    if not shapes:
        raise TaskError(
            "the ancestor has no parameter that may evolve: wanted a convolution or linear layer "
            f"before the last one. {instead_of_weights(network, computed)}"
        )
    return shapes


def kept_layers(
    network: nn.Module, shapes: Mapping[str, torch.Size], keep: Sequence[str]
) -> list[str]:
    """Return the parameters that names of modules or parameters stand for, evolvable or not.

    Raises:
        TaskError: a name is neither.
    """
    tied = [name for name, _ in network.named_parameters(remove_duplicate=False)]
    known = {name for name, _ in network.named_modules()} | set(tied)
    for name in keep:
        if name not in known:
            raise TaskError(
                f"the layer to keep {name!r} does not exist; wanted the name of a module or of a "
                f"parameter.{close_match(name, known)}"
            )
    return [
        entry
        for entry in dict.fromkeys([*shapes, *tied])
        if any(not name or entry == name or entry.startswith(f"{name}.") for name in keep)
    ]


def _require_can_evolve(
    name: str, tied: Mapping[str, nn.Parameter], computed: Mapping[str, str]
) -> None:
    """Refuse the name of what is no weight that synapses could be taken from.

    Args:
        name: of what should evolve.
        tied: all parameters, under each of their names.
        computed: weights that are computed in every pass, by what they are computed from.

    Raises:
        TaskError: the name, and what is wrong with it.
    """
    if name in computed.values():
        raise TaskError(
            f"parameter {name!r} cannot evolve: it is computed from others in every pass, by a "
            "parametrisation or a norm of weights. Leave it out of `evolvable`, or remove the "
            "parametrisation."
        )
    if name not in tied or tied[name].ndim < 2:
        found = f"has shape {tuple(tied[name].shape)}" if name in tied else "does not exist"
        raise TaskError(
            f"parameter {name!r} cannot evolve: it {found}; wanted a weight with at least "
            f"two axes.{close_match(name, tied)}"
        )
    for source, weight in computed.items():
        if tied.get(source) is tied[name]:
            raise TaskError(
                f"parameter {name!r} cannot evolve: {weight} is computed from it anew in every "
                "pass, and would be 0/0 where all of it is absent. Leave it out of `evolvable`, "
                "or remove the parametrisation."
            )
