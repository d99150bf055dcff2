"""Contexts for strategies that look at little of them."""

from __future__ import annotations

import torch

from evoframe.kernel.context import Context
from evoframe.kernel.key import Key


def keyed(key: Key, generation: int = 2) -> Context:
    """Return a context of which only the key and the generation can be used."""
    return Context(None, None, None, None, torch.device("cpu"), generation, key)
