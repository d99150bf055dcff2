"""Networks as programs: ``torch.export`` and ONNX, checked against PyTorch at several sizes."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.utils._pytree import tree_leaves  # the documented way to flatten outputs

from evoframe.costs.latency import batched
from evoframe.errors import ExportError
from evoframe.export.sizes import Shapes, fixed_needlessly, in_words, probes_of, shapes_of

TOLERANCE = 1e-4
"""How far outputs may be apart, relative and absolute: another order of the same sums."""

Compute = Callable[[tuple[Any, ...]], Any]
"""Takes inputs and gives the outputs of a program."""


def write_torch_export(network: nn.Module, inputs: tuple[Any, ...], folder: Path) -> list[str]:
    """Write ``network.pt2``, for inputs of any size that the network allows.

    Raises:
        ExportError: torch cannot export it, or the outputs are not those of PyTorch.
    """
    program, told = _exported(network, inputs)
    torch.export.save(program, folder / "network.pt2")
    again = torch.export.load(folder / "network.pt2").module()
    shapes = shapes_of(program, inputs)
    return [*told, _agreement(lambda given: again(*given), network, inputs, shapes, "torch.export")]


def write_onnx(network: nn.Module, inputs: tuple[Any, ...], folder: Path) -> list[str]:
    """Write ``network.onnx`` by torch's dynamo exporter, and run it in onnxruntime.

    Raises:
        ExportError: a package is missing, torch cannot export the network, or the outputs are not
            those of PyTorch.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if not _is_there(name)]
    if missing:
        raise ExportError(
            f"format onnx needs {', '.join(missing)}. Try: pip install 'evoframe[onnx]'"
        )
    program, told = _exported(network, inputs)
    file = folder / "network.onnx"
    try:
        _to_onnx(program, file)
    except Exception as error:
        raise _cannot("ONNX", error) from error
    shapes = shapes_of(program, inputs)
    return [*told, _agreement(_session(file), network, inputs, shapes, "onnxruntime")]


def _exported(network: nn.Module, inputs: tuple[Any, ...]) -> tuple[ExportedProgram, list[str]]:
    """The network as a program whose sizes are free wherever its code leaves them free.

    It holds no traces of the stack, which would show the folders of this machine.
    """
    if not isinstance(inputs, tuple):
        raise ExportError(
            f"programs take inputs by position, and this network is given a "
            f"{type(inputs).__name__}. Try --format state."
        )
    # A batch of one would be taken for a constant by ``torch.export``, which specialises 0 and 1.
    several = batched(inputs, 2)
    free = tuple(
        dict.fromkeys(range(one.ndim), Dim.AUTO) if isinstance(one, Tensor) else None
        for one in several
    )
    with torch.no_grad(), _quiet():
        try:
            program = torch.export.export(network, several, dynamic_shapes=free)
        except Exception:  # noqa: BLE001  many things may tie a network to its sizes
            try:
                program = torch.export.export(network, inputs)
            except Exception as error:
                raise _cannot("torch.export", error) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    shapes = shapes_of(program, inputs)
    told = [f"it takes inputs of {in_words(shapes)}, of any sizes that the network itself takes"]
    return program, told + fixed_needlessly(network, batched(inputs, 2), shapes)


def _to_onnx(program: ExportedProgram, file: Path) -> None:
    with _quiet():
        written = torch.onnx.export(program, (), dynamo=True, verbose=False)
    assert written is not None
    for value in written.model.graph.inputs:  # a fixed size comes as a name, and would be free
        for axis, size in enumerate(value.shape or ()):
            if str(getattr(size, "value", size)).isdecimal():
                value.shape[axis] = int(getattr(size, "value", size))
    written.save(str(file), external_data=False)


def _session(file: Path) -> Compute:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _cannot("onnxruntime", error) from error
    names = [one.name for one in session.get_inputs()]

    def compute(inputs: tuple[Any, ...]) -> list[Tensor]:
        given = [value for value in tree_leaves(inputs) if isinstance(value, Tensor)]
        fed = {name: value.numpy() for name, value in zip(names, given, strict=True)}
        return [torch.from_numpy(answer) for answer in session.run(None, fed)]

    return compute


@torch.no_grad()
def _agreement(
    compute: Compute, network: nn.Module, inputs: tuple[Any, ...], shapes: Shapes, who: str
) -> str:
    """How well outputs agree over inputs of several sizes, in words.

    Raises:
        ExportError: they do not.
    """
    worst, tried = 0.0, []
    for probe in probes_of(inputs, shapes):
        try:
            wanted = _tensors(network(*probe))
        except Exception:  # noqa: BLE001, S112  sizes that the network itself does not take
            continue
        said = " and ".join(str(tuple(one.shape)) for one in probe if isinstance(one, Tensor))
        try:
            found = _tensors(compute(probe))
        except Exception as error:
            raise _cannot(f"{who}, for inputs of {said},", error) from error
        worst = max(worst, _apart(found, wanted, f"{who}, for inputs of {said},"))
        tried.append(said)
    return (
        f"{who} and PyTorch agree on {len(tried)} inputs of shapes {', '.join(tried)}: outputs are "
        f"at most {worst:.1g} apart"
    )


def _apart(found: list[Tensor], wanted: list[Tensor], who: str) -> float:
    if [one.shape for one in found] != [one.shape for one in wanted]:
        shapes = [[tuple(one.shape) for one in several] for several in (found, wanted)]
        raise ExportError(f"{who} gives outputs of shapes {shapes[0]}, and PyTorch {shapes[1]}.")
    apart = [
        float((a - b).abs().nan_to_num(0.0).max())
        for a, b in zip(found, wanted, strict=True)
        if a.numel()
    ]
    same = (
        torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        for a, b in zip(found, wanted, strict=True)
    )
    if not all(same):
        raise ExportError(f"{who} gives other outputs than PyTorch: {max(apart):.2g} apart.")
    return max(apart, default=0.0)


def _tensors(outputs: Any) -> list[Tensor]:
    return [one.detach().double() for one in tree_leaves(outputs) if isinstance(one, Tensor)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what torch logs, prints and warns of: what matters is told, or is in the error."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _cannot(who: str, error: Exception) -> ExportError:
    """The refusal of a network, in one line."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")
    return ExportError(
        f"{who} cannot take this network: {type(error).__name__}: {said[:200]}. Try --format state."
    )


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
