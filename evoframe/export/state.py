"""Weights as safetensors beside an architecture in JSON, from which the network is rebuilt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from evoframe.anatomy.plan.blueprint import Blueprint
from evoframe.anatomy.plan.growing import tensors_of
from evoframe.errors import ExportError
from evoframe.run.run import Run
from evoframe.version import __version__

FORMAT = 1
WEIGHTS, ARCHITECTURE = "weights.safetensors", "architecture.json"


def write(run: Run, identity: str, network: nn.Module, folder: Path) -> list[str]:
    """Write an individual of a run as two files; return lines that are worth telling."""
    genotype = run.genotype(identity)
    blueprint = run.anatomy.blueprint(genotype)
    described = {
        "format": FORMAT,
        "evoframe": __version__,
        "network": f"{type(network).__module__}.{type(network).__qualname__}",
        "individual": identity,
        "digest": genotype.digest(),
        "synapses": genotype.synapses,
        "ancestor": {name: list(shape) for name, shape in blueprint.whole_shapes.items()},
        "numbers": [
            # "place" is the index among several numbers; the word is part of the file's format.
            {"module": module, "attribute": attribute, "place": place, "value": value}
            for (module, attribute, place), value in blueprint.numbers.items()
        ],
    }
    values = {name: value.detach().clone() for name, value in tensors_of(network).items()}
    save_file({name: value.contiguous() for name, value in values.items()}, folder / WEIGHTS)
    (folder / ARCHITECTURE).write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    return [f"rebuild it with evoframe.load({str(folder)!r}, factory), nothing is unpickled"]


def load(path: str | Path, network_factory: Callable[[], nn.Module]) -> nn.Module:
    """Return an exported network, rebuilt without pickle, in evaluation mode on the CPU.

    Args:
        path: the folder that ``evoframe export --format state`` wrote.
        network_factory: builds the whole network that was evolved; its weights do not matter.

    Raises:
        ExportError: the folder is not an export, is damaged, is of a later version, or belongs to
            another architecture.
    """
    folder = Path(path)
    described = _described(folder / ARCHITECTURE)
    try:
        values = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ExportError(f"{folder / WEIGHTS} cannot be read: {error}") from error
    return _blueprint(described, folder).build(network_factory(), values)


def _described(file: Path) -> Mapping[str, Any]:
    try:
        described = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(
            f"{file} cannot be read: {error}. Wanted a folder that `evoframe export --format "
            "state` wrote."
        ) from error
    if not isinstance(described, Mapping) or described.get("format") != FORMAT:
        found = described.get("format") if isinstance(described, Mapping) else described
        raise ExportError(f"{file} has format {found!r}; this evoframe reads format {FORMAT}.")
    return described


def _blueprint(described: Mapping[str, Any], folder: Path) -> Blueprint:
    try:
        shapes = {name: tuple(shape) for name, shape in described["ancestor"].items()}
        numbers = {
            (one["module"], one["attribute"], one["place"]): int(one["value"])
            for one in described["numbers"]
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExportError(f"{folder / ARCHITECTURE} is damaged: {error!r}") from error
    return Blueprint(shapes, numbers)
