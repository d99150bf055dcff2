"""Genotype: one individual's heritable half, in the coordinates of the ancestor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.kernel.tensors import passes
from evoframe.kernel.tensors.flags import how_many_of
from evoframe.kernel.tensors.passes import masked_copy

State = Mapping[str, Tensor]
"""Parameters and lasting buffers of the ancestor, each by its first name."""

Masks = Mapping[str, Tensor]
"""Boolean tensors by parameter name; True where a synapse is present."""


@attrs.frozen(eq=False)
class Genotype:
    """Which synapses exist, and how strong they are.

    Both halves are shaped like the ancestor for ever, whatever the phenotype looks like, so any
    two individuals of a run can mate and every surviving channel can be traced home.

    Attributes:
        masks: for each parameter that holds synapses, a boolean tensor of its shape.
        state: every parameter and buffer of the ancestor; zero where a synapse is absent.
    """

    masks: Masks
    state: State

    @property
    def synapses(self) -> int:
        """How many synapses are present."""
        return count(self.masks)

    def strengths(self) -> dict[str, Tensor]:
        """Return the weights of the parameters that hold synapses; views, not copies."""
        return {name: self.state[name] for name in self.masks}

    def to(self, device: torch.device) -> Genotype:
        """Return the same genotype with its tensors on ``device``."""
        return Genotype(
            {name: mask.to(device) for name, mask in self.masks.items()},
            {name: value.to(device) for name, value in self.state.items()},
        )

    def digest(self) -> str:
        """Return 32 hex digits that two genotypes share only if they agree in every bit."""
        state = hashlib.blake2b(digest_size=16, person=b"evoframe.gene")
        for name in sorted(self.masks):
            state.update(b"m%s" % name.encode())
            # Shapes of masks are those of the weights, which are hashed below.
            state.update(np.packbits(self.masks[name].cpu().numpy()).data)
        for name in sorted(self.state):
            value = self.state[name].detach().cpu().contiguous()
            state.update(f"s{name}{value.dtype}{tuple(value.shape)}".encode())
            # Bytes rather than numbers: bfloat16 has no NumPy type, and -0.0 is not 0.0 here.
            state.update(value.reshape(-1).view(torch.uint8).numpy().data)
        return state.hexdigest()


def count(masks: Masks) -> int:
    """Return the number of entries that are True, over all masks."""
    return how_many_of(masks.values())


def masked(state: State, masks: Masks) -> dict[str, Tensor]:
    """Return the state with every absent synapse at exactly zero (never a negative zero)."""
    return {
        name: masked_copy(value, masks[name]) if name in masks else value
        for name, value in state.items()
    }


def cleared(state: State, masks: Masks) -> dict[str, Tensor]:
    """Return the same as :func:`masked`, with the tensors in which that is so already."""
    return {
        name: passes.cleared(value, masks[name]) if name in masks else value
        for name, value in state.items()
    }
