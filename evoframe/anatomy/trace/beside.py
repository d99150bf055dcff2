"""Numbers of which code makes tensors: made on the CPU and moved, so that they are seen.

On the meta device ``torch.tensor(8.0, device=x.device)`` has no contents, and is no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

MAKES: frozenset[Callable[..., Any]] = frozenset({torch.tensor, Tensor.new_tensor})
"""What makes a tensor of numbers."""


def made_beside(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return a tensor on the meta device of numbers that are seen; None if it is none of those."""
    own = func is Tensor.new_tensor
    device = kwargs.get("device") or (args[0].device if own else None)
    numbers = args[int(own) :]
    if device is None or torch.device(device).type != "meta" or kwargs.get("requires_grad"):
        return None
    if len(numbers) != 1 or not isinstance(numbers[0], int | float):
        return None
    kind = kwargs.get("dtype") or (args[0].dtype if own else None)
    return torch.tensor(numbers[0], dtype=kind).to(device)
