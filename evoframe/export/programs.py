"""Networks as programs: ``torch.export`` and ONNX, each checked against PyTorch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves  # the documented way to flatten outputs

from evoframe.costs.latency import batched
from evoframe.errors import ExportError

TOLERANCE = 1e-4
"""How far outputs may be apart, relative and absolute: another order of the same sums."""


def write_torch_export(network: nn.Module, inputs: tuple[Any, ...], folder: Path) -> list[str]:
    """Write ``network.pt2``, for any batch size where the network allows it."""
    # A batch of one would be taken for a constant by ``torch.export``, which specialises 0 and 1.
    several = batched(inputs, 2)
    told = []
    try:
        program = torch.export.export(network, several, dynamic_shapes=_free_batch(several))
    except Exception:  # noqa: BLE001  many things may tie a network to its batch size
        several = inputs
        program = torch.export.export(network, several)
        told = ["the program takes inputs of the example's batch size only"]
    torch.export.save(program, folder / "network.pt2")
    again = torch.export.load(folder / "network.pt2").module()
    # Example inputs are often zeros, on which much that differs agrees.
    probe = _probe(several)
    return [*told, _agreement(again(*probe), network(*probe), "torch.export")]


def write_onnx(network: nn.Module, inputs: tuple[Any, ...], folder: Path) -> list[str]:
    """Write ``network.onnx`` by torch's dynamo exporter, and run it in onnxruntime.

    Raises:
        ExportError: a package is missing, or the outputs are not those of PyTorch.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if not _is_there(name)]
    if missing:
        raise ExportError(
            f"format onnx needs {', '.join(missing)}. Try: pip install 'evoframe[onnx]'"
        )
    import onnxruntime

    several, told = batched(inputs, 2), []
    file = folder / "network.onnx"
    try:
        _to_onnx(network, several, file, _free_batch(several))
    except Exception:  # noqa: BLE001  many things may tie a network to its batch size
        several = inputs
        _to_onnx(network, several, file, None)
        told = ["the model takes inputs of the example's batch size only"]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    probe = _probe(several)
    given = [value for value in tree_leaves(probe) if isinstance(value, Tensor)]
    names = [one.name for one in session.get_inputs()]
    answers = session.run(None, {n: v.numpy() for n, v in zip(names, given, strict=True)})
    found = [torch.from_numpy(answer) for answer in answers]
    return [*told, _agreement(found, network(*probe), "onnxruntime")]


def _to_onnx(network: nn.Module, inputs: tuple[Any, ...], file: Path, shapes: Any) -> None:
    torch.onnx.export(
        network,
        inputs,
        file,
        dynamo=True,
        dynamic_shapes=shapes,
        external_data=False,
        verbose=False,
    )


def _free_batch(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return shapes in which the first axis of every tensor is the batch."""
    batch = torch.export.Dim("batch", min=1)
    return tuple({0: batch} if isinstance(one, Tensor) and one.ndim else None for one in inputs)


def _probe(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return inputs of the same shapes that are not all alike, where they are numbers."""
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(one.shape, generator=generator, dtype=one.dtype)
        if isinstance(one, Tensor) and one.is_floating_point()
        else one
        for one in inputs
    )


def _agreement(found: Any, wanted: Any, who: str) -> str:
    """Return the agreement of outputs in words, with the largest difference.

    Raises:
        ExportError: they do not.
    """
    pairs = list(zip(_tensors(found), _tensors(wanted), strict=True))
    apart = max((float((one - other).abs().max()) for one, other in pairs), default=0.0)
    if not all(torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE) for a, b in pairs):
        raise ExportError(f"{who} gives other outputs than PyTorch: they are {apart:.2g} apart.")
    return f"{who} and PyTorch agree: outputs are at most {apart:.1g} apart"


def _tensors(outputs: Any) -> list[Tensor]:
    return [one.detach().double() for one in tree_leaves(outputs) if isinstance(one, Tensor)]


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
