"""Sizes: which axes of its inputs a program leaves free, and inputs of several sizes to try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from evoframe.kernel.modules.arguments import Arguments

Shapes = list[tuple[Any, ...]]
"""The shapes of input tensors, in order; a size is a whole number, or a symbol where it is free."""


def shapes_of(program: ExportedProgram, inputs: Arguments) -> Shapes:
    """The shapes that a program takes; those of the inputs where they are not tensors alone."""
    names = [
        one.arg.name
        for one in program.graph_signature.input_specs
        if one.kind == InputKind.USER_INPUT
    ]
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    found = [values[name] for name in names if isinstance(values.get(name), Tensor)]
    own = [tuple(one.shape) for one in inputs.tensors]
    return [tuple(map(_known, value.shape)) for value in found] if len(found) == len(own) else own


def in_words(shapes: Shapes) -> str:
    """Shapes with ``any`` for a free size."""
    said = [
        "(" + ", ".join(str(size) if isinstance(size, int) else "any" for size in shape) + ")"
        for shape in shapes
    ]
    return f"shape {' and '.join(said)}"


def probes_of(inputs: Arguments, shapes: Shapes) -> Iterator[Arguments]:
    """Inputs of the example's size and of others, as far as the program leaves sizes free.

    Their values are random: example inputs are often zeros, on which much that differs agrees.

    Args:
        inputs: the example.
        shapes: which the program takes.
    """
    own = [tuple(one.shape) for one in inputs.tensors]
    hints = {
        size: mine
        for shape, sizes in zip(shapes, own, strict=True)
        for size, mine in zip(shape, sizes, strict=True)
        if not isinstance(size, int) and size.is_Symbol
    }
    batch = shapes[0][0] if shapes and shapes[0] else None
    changes = [
        hints,
        {one: size + 1 for one, size in hints.items()},
        {one: 2 * size for one, size in hints.items()},
        {one: 5 if one == batch else size for one, size in hints.items()},
        {one: 3 if one == batch else max(size // 2, 1) for one, size in hints.items()},
    ]
    seen: list[list[tuple[int, ...]]] = []
    for change in changes:
        wanted = [tuple(_size(size, change) for size in shape) for shape in shapes]
        if wanted not in seen:
            seen.append(wanted)
            yield _filled(inputs, wanted, seed=len(seen))


@torch.no_grad()
def fixed_needlessly(network: nn.Module, inputs: Arguments, shapes: Shapes) -> list[str]:
    """A line for every size that a program fixes although the network runs at others.

    Args:
        network: as PyTorch runs it.
        inputs: on which it runs.
        shapes: which the program takes.
    """
    own, told = [tuple(one.shape) for one in inputs.tensors], []
    for place, shape in enumerate(shapes):
        for axis, size in enumerate(shape):
            if not isinstance(size, int):
                continue
            longer = (*own[place][:axis], own[place][axis] + 1, *own[place][axis + 1 :])
            try:
                _filled(inputs, [*own[:place], longer, *own[place + 1 :]], seed=0).call(network)
            except Exception:  # noqa: BLE001, S112  then it is fixed for a reason
                continue
            told.append(
                f"axis {axis} of input {place} is fixed at {size} in the program, although the "
                "network itself takes other sizes"
            )
    return told


def _known(size: Any) -> Any:
    """A whole number for a size that is fixed, else its expression."""
    if isinstance(size, int):
        return size
    return int(size.node.expr) if size.node.expr.is_Integer else size.node.expr


def _size(size: Any, change: dict[Any, int]) -> int:
    return size if isinstance(size, int) else int(size.subs(change))


def _filled(inputs: Arguments, shapes: list[tuple[int, ...]], *, seed: int) -> Arguments:
    """Inputs of these shapes: normal numbers, or whole ones between the least and the largest."""
    generator, left = torch.Generator().manual_seed(seed), iter(shapes)

    def fill(one: Tensor) -> Tensor:
        shape = next(left)
        if one.is_floating_point() or one.is_complex():
            return torch.randn(shape, generator=generator, dtype=one.dtype)
        least, largest = (int(one.min()), int(one.max())) if one.numel() else (0, 0)
        return torch.randint(least, largest + 1, shape, generator=generator).to(one.dtype)

    return inputs.mapped(fill)
