"""Networks as programs: ``torch.export`` and ONNX, checked against PyTorch at several sizes."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.utils._pytree import tree_leaves, tree_map  # the documented way to flatten outputs

from evoframe.costs.latency import batched
from evoframe.errors import ExportError
from evoframe.export.answers import outputs_of
from evoframe.export.codes import stored
from evoframe.export.sizes import Shapes, fixed_needlessly, in_words, probes_of, shapes_of
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.kernel.modules.nested import plainly

TOLERANCE = 1e-4
"""How far outputs may be apart, relative and absolute: another order of the same sums."""

GUARD = "Guard failed"
"""How a program of torch says that it was not written for inputs of these sizes."""

Compute = Callable[[Arguments], Any]
"""Takes inputs and gives the outputs of a program."""


def write_torch_export(network: nn.Module, inputs: Inputs, folder: Path) -> list[str]:
    """Write ``network.pt2``, for inputs of any size that the network allows.

    Raises:
        ExportError: torch cannot export it, or the outputs are not those of PyTorch.
    """
    given = without_defaults(network, Arguments.of(inputs))
    program, told = _exported(network, given)
    torch.export.save(program, folder / "network.pt2")
    again = torch.export.load(folder / "network.pt2").module()
    shapes = shapes_of(program, given)
    return [
        *told,
        _agreement(lambda probe: probe.call(again), network, given, shapes, "torch.export"),
    ]


def write_onnx(
    network: nn.Module, inputs: Inputs, folder: Path, bits: Mapping[str, int] | None = None
) -> list[str]:
    """Write ``network.onnx`` by torch's dynamo exporter, and run it in onnxruntime.

    Args:
        network: what is written.
        inputs: an example.
        folder: where to.
        bits: with how many its layers are to be stored, by parameter, where their weights allow.

    Raises:
        ExportError: a package is missing, torch cannot export the network, or the outputs are not
            those of PyTorch.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if not _is_there(name)]
    if missing:
        raise ExportError(
            f"format onnx needs {', '.join(missing)}. Try: pip install 'evoframe[onnx]'"
        )
    given = without_defaults(network, Arguments.of(inputs))
    program, told = _exported(network, given)
    file = folder / "network.onnx"
    try:
        _to_onnx(program, file)
    except Exception as error:
        raise _cannot("ONNX", error) from error
    told += stored(file, network, bits) if bits else []
    shapes = shapes_of(program, given)
    return [*told, _agreement(_session(file), network, given, shapes, "onnxruntime")]


def without_defaults(network: nn.Module, inputs: Arguments) -> Arguments:
    """The arguments but for those that are None and would be anyway: a program has no place for."""
    known = inspect.signature(network.forward).parameters
    given = {
        name: value
        for name, value in inputs.kwargs.items()
        if value is not None or name not in known or known[name].default is not None
    }
    return Arguments(inputs.args, given)


def _exported(network: nn.Module, inputs: Arguments) -> tuple[ExportedProgram, list[str]]:
    """The network as a program whose sizes are free wherever its code leaves them free.

    It holds no traces of the stack, which would show the folders of this machine.
    """
    # A batch of one would be taken for a constant by ``torch.export``, which specialises 0 and 1.
    several = batched(inputs, 2)
    with torch.no_grad(), _quiet(), _plain_outputs(network):
        try:
            program = _program(network, several, dynamic_shapes=_free_sizes(network, several))
        except Exception:  # noqa: BLE001  many things may tie a network to its sizes
            try:
                program = _program(network, inputs)
            except Exception as error:
                raise _cannot("torch.export", error) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    shapes = shapes_of(program, inputs)
    told = [f"it takes inputs of {in_words(shapes)}, of any sizes that the network itself takes"]
    return program, told + fixed_needlessly(network, batched(inputs, 2), shapes)


def _program(network: nn.Module, inputs: Arguments, **settings: Any) -> ExportedProgram:
    return torch.export.export(network, inputs.args, dict(inputs.kwargs), **settings)


def _free_sizes(network: nn.Module, inputs: Arguments) -> Any:
    """What says that the sizes of all inputs are free: in the order of places, or by name."""
    given: Any = inputs.args
    if inputs.kwargs:
        bound = inspect.signature(network.forward).bind(*inputs.args, **inputs.kwargs)
        given = bound.arguments
    return tree_map(
        lambda one: dict.fromkeys(range(one.ndim), Dim.AUTO) if isinstance(one, Tensor) else None,
        given,
    )


@contextmanager
def _plain_outputs(network: nn.Module) -> Iterator[None]:
    """Let a network give plain tuples, lists and dictionaries in a block."""
    hook = network.register_forward_hook(lambda _module, _inputs, outputs: plainly(outputs))
    try:
        yield
    finally:
        hook.remove()


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

    def compute(inputs: Arguments) -> list[Tensor]:
        fed = {name: one.numpy() for name, one in zip(names, inputs.tensors, strict=True)}
        return [torch.from_numpy(answer) for answer in session.run(None, fed)]

    return compute


@torch.no_grad()
def _agreement(
    compute: Compute, network: nn.Module, inputs: Arguments, shapes: Shapes, who: str
) -> str:
    """How well outputs agree over inputs of several sizes, in words.

    Sizes that a program itself refuses are told; those of the example it has to take.

    Raises:
        ExportError: they do not.
    """
    worst, tried, refused = 0.0, list[str](), list[str]()
    for probe in probes_of(inputs, shapes):
        try:
            wanted = [one.detach().double() for one in outputs_of(network, probe)]
        except Exception:  # noqa: BLE001, S112  sizes that the network itself does not take
            continue
        said = " and ".join(str(tuple(one.shape)) for one in probe.tensors)
        try:
            found = _tensors(compute(probe))
        except Exception as error:
            if tried and str(error).startswith(GUARD):
                refused.append(f"; inputs of {said} it refuses: {_first_line(error)}")
                continue
            raise _cannot(f"{who}, for inputs of {said},", error) from error
        worst = max(worst, _apart(found, wanted, f"{who}, for inputs of {said},"))
        tried.append(said)
    return (
        f"{who} and PyTorch agree on {len(tried)} inputs of shapes {', '.join(tried)}: outputs are "
        f"at most {worst:.1g} apart{''.join(refused)}"
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
    said = f"{type(error).__name__}: {_first_line(error)}"
    return ExportError(f"{who} cannot take this network: {said}. Try --format state.")


def _first_line(error: Exception) -> str:
    return next((one.strip()[:200] for one in str(error).splitlines() if one.strip()), "no reason")


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
