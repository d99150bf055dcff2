"""Weights as safetensors beside an architecture in JSON, from which the network is rebuilt.

The architecture holds a digest of itself and of the file of weights: nothing is built of an export
that is not the one that was written.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as read_tensors, save as tensors_written
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from evoframe.anatomy.plan.blueprint import Blueprint
from evoframe.errors import EvoframeError, ExportError
from evoframe.export.answers import answers_of, require_same_answers
from evoframe.export.architecture import (
    DIGEST,
    blueprint_from,
    described,
    digest_of,
    masks_from,
    read,
)
from evoframe.export.delivered import Delivered
from evoframe.export.unwrapping import plain_name, require_plain_code, unwrapped
from evoframe.kernel import wanted
from evoframe.kernel.key import untouched
from evoframe.kernel.lasting import lasting
from evoframe.kernel.modules.entries import tensors_of

WEIGHTS, ARCHITECTURE = "weights.safetensors", "architecture.json"


def write(one: Delivered, folder: Path) -> list[str]:
    """Write a network as two files; return what is worth telling."""
    tensors = {name: value.detach().clone() for name, value in tensors_of(one.network).items()}
    content = tensors_written({name: value.contiguous() for name, value in tensors.items()})
    facts = described(one) | {"answers": answers_of(one.network, one.inputs)}
    facts[DIGEST] = digest_of(facts, content)
    (folder / WEIGHTS).write_bytes(content)
    (folder / ARCHITECTURE).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    return [f"rebuild it with evoframe.load({str(folder)!r}, factory), nothing is unpickled"]


def load(path: str | Path, network_factory: Callable[[], nn.Module]) -> nn.Module:
    """Return an exported network, rebuilt without pickle, in evaluation mode on the CPU.

    Masked synapses remain zero however it is trained, until :func:`evoframe.plain`.

    Args:
        path: the folder that ``evoframe export --format state`` wrote.
        network_factory: builds the whole network that was evolved; its weights do not matter.

    Raises:
        ExportError: the folder is not an export, was modified, is of a later version,
            belongs to another architecture, or what the factory builds cannot be rebuilt.

    >>> folder = evoframe.open_run("first", task=task).export("smaller")
    >>> evoframe.load(folder, factory)(inputs[:5]).shape
    torch.Size([5, 2])
    """
    folder = wanted.path("path", path)
    facts = read(folder / ARCHITECTURE)
    content = _content(folder / WEIGHTS)
    tensors = _tensors(content, folder / WEIGHTS)
    blueprint, masks = blueprint_from(facts, folder), masks_from(facts, folder)
    _require_untouched(facts, content, folder)
    network, answers = _built(network_factory), facts.get("answers")
    if answers is None:
        require_plain_code(network)
    grown = _grown(blueprint, network, tensors)
    try:
        require_same_answers(answers, grown, folder)
    except ExportError:
        require_plain_code(network)  # then it is told which layer
        raise
    return lasting(grown, masks)


def _require_untouched(facts: Mapping[str, Any], content: bytes, folder: Path) -> None:
    """Compare an export with its digest.

    Raises:
        ExportError: it is not what was written.
    """
    if facts["format"] == 1 and DIGEST not in facts:
        warnings.warn(
            f"{folder} was written by an earlier evoframe and holds no digest, so its integrity "
            "cannot be verified. Export it again.",
            stacklevel=3,
        )
    elif facts.get(DIGEST) != digest_of(facts, content):
        raise ExportError(
            f"{folder} is not as it was written: {WEIGHTS} and {ARCHITECTURE} do not have the "
            "digest on record. Copy it anew, or export it again."
        )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ExportError(f"{file} cannot be read: {error}") from error


def _tensors(content: bytes, file: Path) -> dict[str, Tensor]:
    try:
        return {plain_name(name): one for name, one in read_tensors(content).items()}
    except Exception as error:  # its header may say anything
        raise ExportError(f"{file} cannot be read: {error}") from error


def _built(factory: Callable[[], nn.Module]) -> nn.Module:
    if isinstance(factory, nn.Module):
        raise ExportError(
            f"the factory is a {type(factory).__name__}; wanted a function that builds the whole "
            "network, as in evoframe.load(folder, lambda: Network())."
        )
    try:
        with untouched():
            network = factory()
    except EvoframeError:
        raise
    except Exception as error:
        raise ExportError(f"the factory raised {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise ExportError(f"the factory gave a {type(network).__name__}; wanted a torch module.")
    lazy = [name for name, value in tensors_of(network).items() if is_lazy(value)]
    if lazy:
        raise ExportError(
            f"the factory's {lazy[0]!r} is uninitialised, as its lazy layer has not seen an input "
            "yet. Let the factory run the network once on example inputs."
        )
    return unwrapped(network)


def _grown(blueprint: Blueprint, network: nn.Module, values: Mapping[str, Tensor]) -> nn.Module:
    try:
        return blueprint.build(network, values)
    except EvoframeError:
        raise
    except Exception as error:
        raise ExportError(
            f"the network of this export cannot be built: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
