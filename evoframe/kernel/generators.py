"""Where the global generators of random numbers are, as tensors that can be kept in a file.

Python's ``random``, NumPy's legacy global state and torch's generators, CPU and CUDA: those that
:func:`evoframe.kernel.key.sealed` seeds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoframe.kernel import device
from evoframe.kernel.genotype import State

Places = dict[str, Any]
"""Each generator by name, with its state as its library tells it."""


def places() -> Places:
    """Return the state of every global generator."""
    found: Places = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002  others use it
        "torch": torch.get_rng_state(),
    }
    return found | {f"cuda{index}": one for index, one in enumerate(device.rng_states())}


def moved(before: Places, after: Places) -> list[str]:
    """Return the names of the generators that were drawn from in between."""
    return [name for name, one in before.items() if not _same(one, after.get(name))]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(np.array_equal(one, other))


def packed(found: Places, names: Iterable[str] | None = None) -> State:
    """Return states of generators as tensors; with names, those alone."""
    return {
        name: _PACKED.get(name, _as_it_is)(found[name])
        for name in (found if names is None else names)
    }


def put_back(kept: State) -> None:
    """Put generators back to where :func:`packed` says that they were."""
    if "python" in kept:
        *words, gauss = kept["python"].tolist()
        whole = tuple(int(word) for word in words)
        random.setstate((3, whole, None if math.isnan(gauss) else gauss))
    if "numpy" in kept:
        *words, place, has_gauss, gauss = kept["numpy"].tolist()
        keys = np.array(words, dtype=np.uint32)
        np.random.set_state(("MT19937", keys, int(place), int(has_gauss), gauss))  # noqa: NPY002
    if "torch" in kept:
        torch.set_rng_state(kept["torch"].clone())
    device.restore_rng_states(_of_cuda(kept))


def _of_cuda(kept: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the states of CUDA generators in order; those that are not kept as they are."""
    if not any(name.startswith("cuda") for name in kept):
        return []
    now = device.rng_states()
    return [kept[f"cuda{i}"].clone() if f"cuda{i}" in kept else one for i, one in enumerate(now)]


def _python(state: Any) -> Tensor:
    _, words, gauss = state  # words below 2**32 are whole numbers as float64
    return torch.tensor([*words, math.nan if gauss is None else gauss], dtype=torch.float64)


def _numpy(state: Any) -> Tensor:
    _, words, place, has_gauss, gauss = state
    return torch.tensor([*words.tolist(), place, has_gauss, gauss], dtype=torch.float64)


def _as_it_is(state: Any) -> Tensor:
    kept: Tensor = state.clone()
    return kept


_PACKED = {"python": _python, "numpy": _numpy}
