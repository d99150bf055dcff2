"""Scattering: entries and inputs moved away from where initialisation and people put them.

Zeros and ones, of which fresh networks are full, would hide which entry is which.
"""

from __future__ import annotations

import torch
from torch import Tensor

from evoframe.kernel.modules.arguments import Arguments


def scattered(value: Tensor, generator: torch.Generator) -> Tensor:
    """Return a tensor moved away from where its initialisation put it; other kinds as they are."""
    if not value.is_floating_point() or not value.numel():
        return value.clone()
    spread = float(value.std()) if value.numel() > 1 else 0.0
    noise = torch.randn(value.shape, generator=generator, dtype=torch.float32)
    size = 0.1 * max(spread, 0.0) + (0.1 if spread < 1e-6 else 0.0)
    return torch.add(value, noise.to(value), alpha=size)


def two_examples(inputs: Arguments, dice: torch.Generator) -> Arguments:
    """Return inputs with two examples each, as batch norm needs in training; moved apart."""
    doubled = inputs.mapped(lambda one: torch.cat([one[:1], one[-1:]]) if one.ndim else one)
    return moved_apart(doubled, dice)


def moved_apart(inputs: Arguments, dice: torch.Generator) -> Arguments:
    """Return inputs with noise on every float tensor; the rest is as it was."""
    return inputs.mapped(
        lambda one: (
            one + torch.randn(one.shape, generator=dice).to(one) if one.is_floating_point() else one
        )
    )


def scattered_entry(name: str, value: Tensor, dice: torch.Generator) -> Tensor:
    """Return an entry of a state scattered; variances stay above zero."""
    if name.endswith("running_var"):
        return 0.5 + torch.rand(value.shape, generator=dice).to(value)
    return scattered(value, dice)
