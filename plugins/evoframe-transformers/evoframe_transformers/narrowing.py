"""A model of transformers whose layers have widths of their own, each told by its configuration.

The configuration is that of the whole model, with one entry more: the shapes of all parameters and
buffers that are smaller, and the numbers of modules that say so. Written by evoframe-transformers
and not in need of it: torch and transformers are enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

WIDTHS = "evoframe_widths"
"""The entry of a configuration."""

CACHED = "evoframe_use_cache"
"""Where a configuration remembers that keys and values of attention are outputs of its model."""


class Narrowed:
    """Goes before a class of transformers, which becomes as narrow as its configuration says."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        """Build the whole model, then cut it down; weights come afterwards."""
        super().__init__(config, *args, **kwargs)  # type: ignore[call-arg]
        narrow(self, getattr(config, WIDTHS))  # type: ignore[arg-type]


@torch.no_grad()
def narrow(model: nn.Module, widths: Mapping[str, Any]) -> None:
    """Cut parameters and buffers down to their shapes, and set numbers, in place."""
    cut: dict[int, Any] = {}  # parameters that modules share are shared afterwards
    for name, shape in widths["shapes"].items():
        whole = _tensor(model, name)
        part = whole[tuple(slice(size) for size in shape)].clone()
        kept = nn.Parameter(part, whole.requires_grad) if isinstance(whole, nn.Parameter) else part
        cut[id(whole)] = kept
    for module in model.modules():
        for held in (module._parameters, module._buffers):  # noqa: SLF001
            held.update({name: cut[id(one)] for name, one in held.items() if id(one) in cut})
    for name, numbers in widths["numbers"].items():
        module = model.get_submodule(name)
        for attribute, number in numbers.items():
            setattr(module, attribute, tuple(number) if isinstance(number, list) else number)


def _tensor(model: nn.Module, name: str) -> Tensor:
    module, _, own = name.rpartition(".")
    found: Tensor = getattr(model.get_submodule(module), own)
    return found
