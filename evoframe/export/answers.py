"""Answers: what a network says to inputs that can be made again anywhere.

Names and shapes do not tell two architectures apart that differ in an activation or in the number
of heads, and cannot tell whether a module computes with its own weights. What it answers does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves  # the documented way to flatten outputs

from evoframe.errors import ExportError
from evoframe.kernel import device as devices
from evoframe.kernel.key import untouched
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.kernel.modules.nested import tensors_within

MOST = 16
"""How many entries of an output are kept."""

TOLERANCE = 1e-3
"""How far answers may be apart, as a share of the largest: another machine, other sums."""


def answers_of(network: nn.Module, inputs: Inputs) -> dict[str, Any] | None:
    """What a network in evaluation mode answers, for JSON.

    Nothing for inputs that are not tensors alone, and for a network that answers differently when
    it is asked again.
    """
    if (asked := shapes_told(inputs)) is None:
        return None
    try:
        first, again = _outputs(network, asked), _outputs(network, asked, seed=1)
    except Exception:  # noqa: BLE001  it may not take such inputs
        return None
    if not first or apart_of(first, again) > tolerance_of(network) / 10:
        return None
    return {"inputs": asked, "outputs": first}


def shapes_told(inputs: Inputs) -> list[dict[str, Any]] | None:
    """The shapes of inputs for JSON; None where they are not tensors alone.

    Those that are given by keyword have a name; what is None by keyword counts as not given.
    """
    given, told = Arguments.of(inputs), []
    named: list[tuple[str, Any]] = [("", one) for one in given.args]
    for name, one in (*named, *given.kwargs.items()):
        if one is None and name:
            continue
        if not isinstance(one, Tensor):
            return None
        about = {"shape": list(one.shape), "dtype": str(one.dtype).removeprefix("torch.")}
        told.append(about | ({"name": name} if name else {}))
    return told


def arguments_like(
    told: Sequence[Mapping[str, Any]], make: Callable[[tuple[int, ...], torch.dtype], Tensor]
) -> Arguments:
    """Arguments of the shapes that were told.

    Args:
        told: what :func:`shapes_told` gave.
        make: makes a tensor of a shape and a kind of numbers.
    """
    made = [make(tuple(one["shape"]), getattr(torch, one["dtype"])) for one in told]
    pairs = list(zip(told, made, strict=True))
    return Arguments(
        tuple(one for about, one in pairs if "name" not in about),
        {about["name"]: one for about, one in pairs if "name" in about},
    )


def answers_of_architecture(network: nn.Module, inputs: Inputs) -> dict[str, Any] | None:
    """What a network would answer if its parameters and buffers were waves, for JSON.

    So two networks can be compared of which only one has been trained.
    """
    try:
        with torch.no_grad():
            twin = copy.deepcopy(network).cpu().eval()
            for place, value in enumerate([*twin.parameters(), *twin.buffers()]):
                if value.is_floating_point():
                    wave = torch.arange(value.numel(), dtype=torch.float64).add(place).sin()
                    value.copy_(
                        (wave.abs() + 0.1).reshape(value.shape)
                        if value.ndim < 2
                        else wave.reshape(value.shape) / max(value[0].numel(), 1) ** 0.5
                    )
    except Exception:  # noqa: BLE001  a network may not let itself be copied or written to
        return None
    return answers_of(twin, inputs)


def require_same_answers(recorded: Any, network: nn.Module, folder: Path) -> None:
    """Refuse a network that does not answer as the exported one did.

    Args:
        recorded: what :func:`answers_of` gave; None if it is not known.
        network: in evaluation mode, on the CPU.
        folder: of the export.

    Raises:
        ExportError: it does not.
    """
    if recorded is None:
        return
    try:
        found = _outputs(network, recorded["inputs"])
        apart = apart_of(recorded["outputs"], found)
    except Exception as error:
        raise ExportError(
            f"the network of {folder} does not run: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}. {ADVICE}"
        ) from error
    if apart > tolerance_of(network):
        raise ExportError(
            f"the network of {folder} answers otherwise than the one that was exported did: the "
            f"largest difference is {apart:.2g} of the largest answer. {ADVICE}"
        )


def tolerance_of(network: nn.Module) -> float:
    """How far answers of a network may be apart: in half precision sums are rounded coarsely."""
    halves = any(one.dtype in (torch.float16, torch.bfloat16) for one in network.parameters())
    return 30 * TOLERANCE if halves else TOLERANCE


ADVICE = (
    "The factory must build the network that was evolved, with the same arguments, and it must "
    "compute with its own parameters."
)


def _outputs(network: nn.Module, asked: Sequence[Any], *, seed: int = 0) -> list[dict[str, Any]]:
    inputs = arguments_like(asked, _made)
    with untouched(), torch.no_grad():
        devices.seed(seed)
        found = outputs_of(network, inputs)
    return [{"shape": list(one.shape), "values": _some(one)} for one in found]


def outputs_of(network: nn.Module, inputs: Arguments) -> list[Tensor]:
    """All tensors among the outputs of a network, in order."""
    leaves = tree_leaves(inputs.call(network))  # torch knows some kinds that hold tensors
    return [tensor for leaf in leaves for tensor in tensors_within(leaf)]


def _made(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Waves for floats; zeros for whole numbers, which may be places in a table of one row."""
    if not (dtype.is_floating_point or dtype.is_complex):
        return torch.zeros(shape, dtype=dtype)
    count = torch.Size(shape).numel()
    return torch.arange(count, dtype=torch.float64).mul(0.7).sin().reshape(shape).to(dtype)


def _some(output: Tensor) -> list[str]:
    """Entries at equal distances over an output, as texts: JSON has no words for NaN."""
    flat = torch.view_as_real(output) if output.is_complex() else output
    values = flat.detach().double().reshape(-1)
    places = torch.linspace(0, max(len(values) - 1, 0), min(MOST, len(values))).long()
    return [repr(float(value)) for value in values[places]]


def apart_of(due: Sequence[Any], found: Sequence[Any]) -> float:
    """The largest difference as a share of the largest answer; infinite for other shapes."""
    if [one["shape"] for one in due] != [one["shape"] for one in found]:
        return float("inf")
    worst = 0.0
    for one, other in zip(due, found, strict=True):
        a, b = (torch.tensor([float(v) for v in some["values"]]).double() for some in (one, other))
        if not torch.equal(a.isfinite(), b.isfinite()):
            return float("inf")
        inside = a.isfinite()
        if bool(inside.any()):
            largest = a[inside].abs().max().clamp_min(1e-12)
            worst = max(worst, float((a - b)[inside].abs().max() / largest))
    return worst
