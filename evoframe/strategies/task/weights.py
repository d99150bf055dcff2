"""Reading somebody's trained weights, without ever running pickled code."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from evoframe.errors import TaskError


def read_weights(file: Path, network: nn.Module) -> None:
    """Load a state dict into a network, in place.

    Raises:
        TaskError: the file is not there, is no state dict, or does not fit the network.
    """
    try:
        if file.suffix == ".safetensors":
            state = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, TypeError) as error:
        raise TaskError(
            f"weights '{file}' cannot be loaded into the ancestor: {error}. Wanted: a state dict "
            "saved with torch.save(network.state_dict(), ...) or as .safetensors."
        ) from error
