"""Reading somebody's trained weights, without ever running pickled code."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from evoframe.errors import TaskError

UNREADABLE = (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, TypeError)
"""What readers raise over files that are missing, cut short or something else."""


def read_weights(file: Path, network: nn.Module) -> None:
    """Load a state dict into a network, in place.

    Raises:
        TaskError: the file is not there, is no state dict, or does not fit the network.
    """
    try:
        network.load_state_dict(_state(file))
    except UNREADABLE as error:
        raise _refused(file, str(error)) from error


def read_part(file: Path, network: nn.Module, part: str) -> None:
    """Load the entries of one submodule from a state dict, in place; others are not looked at.

    Args:
        file: a state dict that names the submodule's entries as the network does.
        network: the network that has it.
        part: the submodule's name, such as ``features``.

    Raises:
        TaskError: the file is not there or is no state dict, or an entry is missing or of another
            shape.
    """
    try:
        held = _state(file)
    except UNREADABLE as error:
        raise _refused(file, str(error)) from error
    wanted = {
        name: value for name, value in network.state_dict().items() if name.startswith(f"{part}.")
    }
    for name, value in wanted.items():
        found = held.get(name) if isinstance(held, Mapping) else None
        if not isinstance(found, Tensor):
            raise _refused(file, f"it has no tensor {name!r}")
        if found.shape != value.shape:
            shapes = f"has shape {tuple(found.shape)}, and in the network {tuple(value.shape)}"
            raise _refused(file, f"{name!r} {shapes}")
    network.load_state_dict({name: held[name] for name in wanted}, strict=False)


def _state(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        return load_file(file)
    # A ``.pt`` file is a pickle; ``weights_only`` refuses whatever is not plain tensors.
    state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _refused(file: Path, reason: str) -> TaskError:
    return TaskError(
        f"weights '{file}' cannot be loaded into the ancestor: {reason}. Wanted: a state dict "
        "saved with torch.save(network.state_dict(), ...) or as .safetensors."
    )
