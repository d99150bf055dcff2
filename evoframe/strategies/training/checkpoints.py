"""Putting a life down and taking it up again, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evoframe.kernel.genotype import State
from evoframe.kernel.modules.entries import passing_of, state_of
from evoframe.kernel.phenotype import Phenotype

STEPS = "steps.taken"
"""The entry that counts steps: where an epoch is a stream, nothing else tells."""


def snapshot(phenotype: Phenotype, optimiser: Optimizer, steps: int) -> dict[str, Tensor]:
    """Return weights, buffers, masks and the optimiser's state as one flat mapping of tensors.

    The number of steps is there too, unless it is 0. Nothing is copied.
    """
    tensors = {STEPS: torch.tensor(steps)} if steps else {}
    tensors |= grown(phenotype)
    for index, values in optimiser.state_dict()["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{name}"] = value
    return tensors


def grown(phenotype: Phenotype) -> dict[str, Tensor]:
    """Return weights, buffers and masks as one flat mapping of tensors. Nothing is copied."""
    network = phenotype.network
    return {
        **under("network", state_of(network)),
        **under("passing", passing_of(network)),
        **under("mask", phenotype.masks),
    }


def steps_of(tensors: State) -> int:
    """How many steps had been taken at the snapshot; 0 where epochs tell it."""
    return int(tensors[STEPS]) if STEPS in tensors else 0


def part(tensors: State, name: str) -> dict[str, Tensor]:
    """Return the tensors under a name, without it."""
    begin = f"{name}."
    return {
        full.removeprefix(begin): value for full, value in tensors.items() if full.startswith(begin)
    }


def under(name: str, tensors: State) -> dict[str, Tensor]:
    """Return tensors under a name, for :func:`part` to find."""
    return {f"{name}.{own}": value for own, value in tensors.items()}


def unfit(tensors: State, phenotype: Phenotype) -> str:
    """Tell why a snapshot cannot be of this phenotype, in words; empty if it can."""
    due = {f"network.{name}": tuple(v.shape) for name, v in state_of(phenotype.network).items()}
    held = {name: tuple(value.shape) for name, value in tensors.items()}
    masks = {name: name.replace("mask", "network", 1) for name in held if name.startswith("mask.")}
    for name, shape in due.items():
        if held.get(name) != shape:
            return f"{name!r} is {held.get(name, 'not there')}, and in this life {shape}"
    for name, weights in masks.items():
        if held[name] != due.get(weights):
            return f"{name!r} is {held[name]}, and in this life {due.get(weights, 'not there')}"
    return ""


def restore(tensors: State, phenotype: Phenotype, optimiser: Optimizer) -> Phenotype:
    """Return the phenotype as it was at the snapshot; network and optimiser change in place.

    The tensors stay as they are, so the same life can be taken up from them more than once.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for full_name, value in part(tensors, "optimiser").items():
        index, _, name = full_name.partition(".")
        state.setdefault(int(index), {})[name] = value.clone()
    # Groups are options of the recipe and are not saved: a fresh optimiser has them already.
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return regrow(tensors, phenotype)


def regrow(tensors: State, phenotype: Phenotype) -> Phenotype:
    """Return the phenotype with the weights, buffers and masks of :func:`grown`, put in place."""
    network = phenotype.network
    _copy(part(tensors, "network"), state_of(network))
    _copy(part(tensors, "passing"), passing_of(network))
    device = next(network.parameters()).device
    masks = {name: mask.to(device) for name, mask in part(tensors, "mask").items()}
    return phenotype.masked(masks)


def _copy(kept: State, into: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in kept.items():
            if name in into and into[name].shape == value.shape:
                into[name].copy_(value)


def modes(network: nn.Module) -> dict[str, Tensor]:
    """Return flags of the modules that are in training mode, and of the parameters that learn."""
    training = [module.training for module in network.modules()]
    learning = [value.requires_grad for value in network.parameters()]
    return {"training": torch.tensor(training), "learning": torch.tensor(learning)}


def put_in_mode(kept: State, network: nn.Module) -> None:
    """Put modules and parameters in the modes of :func:`modes`."""
    for module, flag in zip(network.modules(), kept["training"].tolist(), strict=True):
        module.training = flag
    for value, flag in zip(network.parameters(), kept["learning"].tolist(), strict=True):
        value.requires_grad_(flag)
