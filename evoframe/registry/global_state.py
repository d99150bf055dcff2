"""Global state: what an import has no business to change is noticed, and put back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
import torch

from evoframe.errors import listing
from evoframe.kernel.key import untouched


@attrs.frozen
class Setting:
    """A number or word that all code of a process shares."""

    words: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]


def _write_device(device: torch.device) -> None:
    # With None nothing stands between a call and torch, as before.
    torch.set_default_device(None if device.type == "cpu" else device)


SETTINGS = (
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch's default device", torch.get_default_device, _write_device),
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting(
        "torch's deterministic algorithms",
        torch.get_deterministic_debug_mode,
        torch.set_deterministic_debug_mode,
    ),
    Setting("whether torch takes gradients", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting(
        "torch's precision of products",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    Setting(
        "whether cuDNN looks for the quickest kernel",
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    Setting(
        "whether cuDNN is deterministic",
        lambda: torch.backends.cudnn.deterministic,
        lambda value: setattr(torch.backends.cudnn, "deterministic", value),
    ),
    Setting("what NumPy does with errors", np.geterr, lambda value: np.seterr(**value)),
)

NOTICED: dict[str, tuple[str, ...]] = {}
"""What modules have changed while they were imported, which they do once a process."""


@contextmanager
def put_back(module: str) -> Iterator[None]:
    """Import a module in a block; the global state is as before, and what was changed is noticed.

    Args:
        module: its name, by which :data:`NOTICED` has what it has changed.
    """
    before = [setting.read() for setting in SETTINGS]
    with untouched():
        seeds = _seeds()
        try:
            yield
        finally:
            after = _seeds()
            found = [f"the seed of {one}" for one, seed in seeds.items() if after[one] != seed]
            for setting, value in zip(SETTINGS, before, strict=True):
                if (now := setting.read()) != value:
                    found.append(f"{setting.words} from {value} to {now}")
                    setting.write(value)
            if found:
                NOTICED[module] = tuple(found)


def in_words(who: str, found: tuple[str, ...]) -> str:
    """Return a sentence on what an import has changed."""
    return (
        f"importing {who} changed {listing(found)}. That was put back, for it would touch all "
        "other code of the process: set it where it is used."
    )


def _seeds() -> dict[str, Any]:
    """Return of each generator what a seed changes, and a draw does not."""
    python: Any = random.getstate()
    legacy: Any = np.random.get_state()  # noqa: NPY002  others use it
    # A Mersenne twister that was seeded stands at the end of its words, as after no draw but many.
    fresh = python[1][-1] == len(python[1]) - 1, legacy[2] == len(legacy[1])
    return {
        "torch": torch.initial_seed(),
        "Python's random": python if fresh[0] else None,
        "numpy.random": legacy[1].tobytes() if fresh[1] else None,
    }
