"""Codes: weights of few bits are stored in an ONNX program as the whole numbers that they are.

A layer of 8 bits lies in the file as int8 with a step for each row, and a ``DequantizeLinear``
gives its weights; one of 16 bits as int16, which a cast and a product turn into weights, as older
operator sets dequantise no int16. Both give every weight bit for bit, so the program computes what
it would compute with float32 in its file, in float32 too: bits are saved, and not yet time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.kernel.precision import BITS, coded, is_rounded

KINDS = {8: torch.int8, 16: torch.int16}
"""What codes are stored as."""


def stored(file: Path, network: nn.Module, bits: Mapping[str, int]) -> list[str]:
    """Store weights of a program as codes; return what is worth telling.

    Args:
        file: the program, with a plain initializer for each weight; it is written anew.
        network: from which it was made.
        bits: of layers, as their individual has noted them.
    """
    import onnx

    whole, model = file.stat().st_size, onnx.load(file)
    parameters = dict(network.named_parameters())
    found: dict[int, list[str]] = {few: [] for few in BITS}
    told = []
    for name, few in bits.items():
        if name not in parameters:
            continue
        if not is_rounded(parameters[name], few):
            told.append(
                f"{name} is noted with {few} bits, but its weights were not rounded to them (see "
                "nurture 'rounding'), so they are stored as they are"
            )
        elif not _replaced(model.graph, name, parameters[name].detach(), few):
            told.append(f"{name} is not in the program as it is in the network, so it stays there")
        else:
            found[few].append(name)
    if not any(found.values()):
        return told
    onnx.save(model, file)
    said = [f"{few} bits for {', '.join(names)}" for few, names in found.items() if names]
    return [
        f"weights are stored as whole numbers of {'; of '.join(said)}; it computes in float32",
        f"{file.name} takes {file.stat().st_size:,} bytes, {whole:,} with all weights as floats",
        *told,
    ]


def _replaced(graph: Any, name: str, values: Tensor, bits: int) -> bool:
    """Put codes into the place of an initializer; False if there is none with these weights."""
    from onnx import numpy_helper

    for held in sorted(graph.initializer, key=lambda one: one.name != name):
        if (axis := _axis(held, values)) is None:
            continue
        codes, steps = coded(values, bits)
        if axis:
            codes, steps = codes.T, steps.T
        graph.initializer.remove(held)
        for kept, suffix in ((codes.to(KINDS[bits]), "codes"), (_shaped(steps, bits), "steps")):
            array = numpy_helper.from_array(kept.contiguous().numpy(), f"{held.name}.{suffix}")
            graph.initializer.append(array)
        for node in reversed(_nodes(held.name, values.dtype, bits, axis)):
            graph.node.insert(0, node)
        return True
    return False


def _axis(held: Any, values: Tensor) -> int | None:
    """Return the axis of the rows of weights in an initializer; None if it is another."""
    from onnx import TensorProto, numpy_helper

    kind = TensorProto.FLOAT if values.dtype is torch.float32 else TensorProto.DOUBLE
    alike = [values, values.T] if values.ndim == 2 else [values]
    shapes = [tuple(one.shape) for one in alike]
    if held.data_type != kind or tuple(held.dims) not in shapes:
        return None
    numbers = torch.from_numpy(numpy_helper.to_array(held).copy())
    return next((axis for axis, one in enumerate(alike) if torch.equal(numbers, one)), None)


def _is_dequantised(bits: int, kind: torch.dtype) -> bool:
    return bits == 8 and kind is torch.float32


def _shaped(steps: Tensor, bits: int) -> Tensor:
    """Return steps in one row where an operation knows their axis."""
    return steps.reshape(-1) if _is_dequantised(bits, steps.dtype) else steps


def _nodes(name: str, kind: torch.dtype, bits: int, axis: int) -> list[Any]:
    """Return operations that make weights of codes and steps."""
    from onnx import TensorProto, helper

    codes, steps = f"{name}.codes", f"{name}.steps"
    if _is_dequantised(bits, kind):
        return [helper.make_node("DequantizeLinear", [codes, steps], [name], axis=axis)]
    to = TensorProto.FLOAT if kind is torch.float32 else TensorProto.DOUBLE
    return [
        helper.make_node("Cast", [codes], [f"{name}.floats"], to=to),
        helper.make_node("Mul", [f"{name}.floats", steps], [name]),
    ]
