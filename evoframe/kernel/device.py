"""All that is particular to a device; no other module names CUDA."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, TypeVar

import torch

from evoframe.errors import DeviceError
from evoframe.kernel.modules.nested import mapped

T = TypeVar("T")


def resolve(name: str) -> torch.device:
    """Return the device that ``auto``, ``cpu``, ``cuda`` or ``cuda:n`` names here.

    Raises:
        DeviceError: the name is unknown, or the device is not present on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = str(name).partition(":")
    if kind not in ("cpu", "cuda") or (index and (kind == "cpu" or not index.isdigit())):
        raise DeviceError(f"device {name!r} is not known. Wanted: auto, cpu, cuda or cuda:n.")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if int(index or 0) >= count:
        raise DeviceError(
            f"device {name!r} is not here: this machine has {count} CUDA device(s). "
            "Try --device auto or --device cpu."
        )
    return torch.device(name)


def describe(device: torch.device) -> str:
    """Return the device in words, e.g. ``NVIDIA H200`` or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def runs_kernels(device: torch.device) -> bool:
    """Tell whether Triton writes kernels for a device."""
    return device.type == "cuda"


def current(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which kernels are launched on a device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def move(value: T, device: torch.device) -> T:
    """Return ``value`` with every tensor inside of it on ``device``, as :func:`mapped` finds them.

    What has a method ``to``, as batches of many libraries have, moves itself. Transfers to CUDA are
    not waited for; kernels that use them come after them in its stream.
    """
    if callable(getattr(value, "to", None)) and not isinstance(value, torch.Tensor | type):
        return copy.copy(value).to(device)  # type: ignore[attr-defined, no-any-return]
    moved: T = mapped(value, lambda one: one.to(device, non_blocking=True))
    return moved


def half_precision(device: torch.device, *, wanted: bool) -> AbstractContextManager[Any]:
    """Return a context with bfloat16 arithmetic where it is wanted and the device has it."""
    if wanted and device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def arithmetic(device: torch.device, *, threads: int, strict: bool) -> Iterator[None]:
    """Run a block with this many CPU threads and, when strict, deterministic CUDA kernels only.

    Sums depend on how they are split over threads, so the number is part of a recipe. On CUDA,
    ``strict`` promises the same bits again; cuBLAS reads its workspace setting when CUDA starts,
    hence the environment variable.
    """
    before, strict_before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    if strict and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(strict_before)


def seed(number: int) -> None:
    """Seed torch's generators: the CPU's, and those of accelerators where there are any.

    ``torch.manual_seed`` alone would do, but records the call stack for each kind of accelerator
    that has not been started: a millisecond, on a machine that has none.
    """
    if _has_accelerator():
        torch.manual_seed(number)
    else:
        torch.default_generator.manual_seed(number)


@cache
def _has_accelerator() -> bool:
    kinds = (torch.cuda, torch.backends.mps, torch.xpu)
    return any(kind.is_available() for kind in kinds)


def rng_states() -> list[torch.Tensor]:
    """Return the state of every CUDA generator; empty where CUDA was never started."""
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.cuda.get_rng_state_all() if started else []


def restore_rng_states(states: list[torch.Tensor]) -> None:
    """Put back what :func:`rng_states` returned."""
    if states:
        torch.cuda.set_rng_state_all(states)
