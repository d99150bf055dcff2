"""Putting a life down between epochs and taking it up again, bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from evoframe.kernel.entries import state_of
from evoframe.kernel.genotype import State
from evoframe.kernel.phenotype import Phenotype

STEPS = "steps.taken"
"""The entry that counts steps, where an epoch is a stream and nothing else tells."""


def snapshot(phenotype: Phenotype, optimiser: Optimizer, steps: int) -> dict[str, Tensor]:
    """Return weights, buffers, masks and the optimiser's state as one flat mapping of tensors.

    The number of steps is there too, unless it is 0: where epochs tell it.
    """
    tensors = {STEPS: torch.tensor(steps)} if steps else {}
    tensors |= {f"network.{name}": v for name, v in state_of(phenotype.network).items()}
    tensors |= {f"mask.{name}": mask for name, mask in phenotype.masks.items()}
    for index, values in optimiser.state_dict()["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{name}"] = value
    return tensors


def steps_of(tensors: State) -> int:
    """How many steps had been taken at the snapshot; 0 where epochs tell it."""
    return int(tensors[STEPS]) if STEPS in tensors else 0


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
    """Return the phenotype as it was at the snapshot; network and optimiser change in place."""
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "mask": {}, "optimiser": {}}
    for full_name, value in tensors.items():
        part, _, name = full_name.partition(".")
        if part in parts:
            parts[part][name] = value
    with torch.no_grad():
        for name, held in state_of(phenotype.network).items():
            held.copy_(parts["network"][name])
    state: dict[int, dict[str, Tensor]] = {}
    for full_name, value in parts["optimiser"].items():
        index, _, name = full_name.partition(".")
        state.setdefault(int(index), {})[name] = value
    # Groups are options of the recipe and are not saved: a fresh optimiser has them already.
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    device = next(phenotype.network.parameters()).device
    masks = {name: mask.to(device) for name, mask in parts["mask"].items()}
    return phenotype.masked(masks)
