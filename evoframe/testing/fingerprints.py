"""Fingerprints: whether two values are the same in every bit, whatever they are made of."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from evoframe.kernel import device as devices
from evoframe.roles import Strategy


def fingerprint(value: Any) -> str:
    """Return 16 hex digits that two values share only if they agree in every bit.

    Looks into tensors, arrays, modules, attrs values, mappings and sequences; of everything else
    ``repr`` is taken.
    """
    state = hashlib.blake2b(digest_size=8)
    for part in _parts(value):
        state.update(part)
    return state.hexdigest()


def global_randomness() -> str:
    """Return the fingerprint of every global random generator."""
    legacy = np.random.get_state()  # noqa: NPY002  what is watched is the global state
    return fingerprint(
        (random.getstate(), repr(legacy), torch.get_rng_state(), devices.rng_states())
    )


def disturb_global_randomness() -> None:
    """Draw from every global random generator, which must change nothing for anybody else."""
    random.random()  # noqa: S311  nobody relies on this number
    np.random.rand()  # noqa: NPY002
    torch.rand(1)


def _parts(value: Any) -> Iterator[bytes]:
    # The type tells an empty list from an empty mapping, and 1 from True.
    yield type(value).__name__.encode() + b":"
    if isinstance(value, Tensor):
        yield f"{value.dtype}{tuple(value.shape)}{value.device.type}".encode()
        yield value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode() + value.tobytes()
    elif isinstance(value, nn.Module):
        yield from _parts(dict(value.state_dict()))
    elif attrs.has(type(value)):
        for name in _fields(value):
            yield name.encode()
            yield from _parts(getattr(value, name))
    elif isinstance(value, Mapping):
        # Sorted: the order in which a mapping was filled is no difference in what it says.
        for name in sorted(value, key=repr):
            yield repr(name).encode()
            yield from _parts(value[name])
    elif isinstance(value, set | frozenset | list | tuple):
        # The order of a set of texts is another in every process.
        for item in sorted(value, key=repr) if isinstance(value, set | frozenset) else value:
            yield from _parts(item)
    else:
        yield repr(value).encode()


def _fields(value: Any) -> list[str]:
    """Return the names of an attrs value's fields, but for what is found on the way and kept.

    What a strategy keeps is looked at.
    """
    names = [field.name for field in attrs.fields(type(value))]
    return [one for one in names if isinstance(value, Strategy) or not one.startswith("_")]
