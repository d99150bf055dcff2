"""Architecture: what ``architecture.json`` says, as it is written and as it is read."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan.blueprint import Blueprint
from evoframe.anatomy.replacements import Idle
from evoframe.errors import ExportError
from evoframe.export.delivered import Delivered
from evoframe.export.unwrapping import plain_name
from evoframe.kernel.bits import Absent
from evoframe.version import __version__

FORMAT = 4
"""1 had no digest, no masks and no answers; 2 had no replacements; 3 no idle modules."""

DIGEST = "export_digest"


def described(one: Delivered) -> dict[str, Any]:
    """What there is to say of a network beside its weights, for JSON."""
    network = one.network
    return {
        "format": FORMAT,
        "evoframe": __version__,
        "network": f"{type(network).__module__}.{type(network).__qualname__}",
        "individual": one.identity,
        "digest": one.genotype.digest(),
        "synapses": one.genotype.synapses,
        "ancestor": {name: list(shape) for name, shape in one.blueprint.whole_shapes.items()},
        "numbers": [
            # "place" is the index among several numbers; the word is part of the file's format.
            {"module": module, "attribute": attribute, "place": place, "value": value}
            for (module, attribute, place), value in one.blueprint.numbers.items()
        ],
        "replacements": dict(one.blueprint.replacements),
        "idle": {name: attrs.asdict(how) for name, how in one.blueprint.idle.items()},
        "absent": {name: _packed(name, mask) for name, mask in one.masks.items()},
    }


def digest_of(facts: Mapping[str, Any], weights: bytes) -> str:
    """32 hex digits for an architecture, but for its own digest, and the bytes of its weights."""
    said = {name: value for name, value in facts.items() if name != DIGEST}
    state = hashlib.blake2b(digest_size=16, person=b"evoframe.export")
    state.update(json.dumps(said, sort_keys=True).encode())
    state.update(b"|")
    state.update(weights)
    return state.hexdigest()


def read(file: Path) -> Mapping[str, Any]:
    """What a file says.

    Raises:
        ExportError: it cannot be read, or is of another format.
    """
    try:
        facts = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(
            f"{file} cannot be read: {error}. Wanted a folder that `evoframe export --format "
            "state` wrote."
        ) from error
    found = facts.get("format") if isinstance(facts, Mapping) else facts
    if type(found) is not int or not 1 <= found <= FORMAT:
        raise ExportError(
            f"{file} has format {found!r}; this evoframe reads formats 1 to {FORMAT}."
        )
    return facts  # type: ignore[no-any-return]


def blueprint_from(facts: Mapping[str, Any], folder: Path) -> Blueprint:
    """How the smaller network differs from the whole architecture.

    Raises:
        ExportError: the file does not say so.
    """
    try:
        shapes = {
            plain_name(str(name)): tuple(_whole(size) for size in shape)
            for name, shape in facts["ancestor"].items()
        }
        numbers = {
            (plain_name(str(one["module"])), str(one["attribute"]), _place(one["place"])): _whole(
                one["value"]
            )
            for one in facts["numbers"]
        }
        stand = {
            plain_name(str(name)): str(kind) for name, kind in facts.get("replacements", {}).items()
        }
        idle = {
            plain_name(str(name)): Idle(
                str(how["kind"]), _whole(how["several"]), last=how["last"] is True
            )
            for name, how in facts.get("idle", {}).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, error) from error
    return Blueprint(shapes, numbers, stand, idle)


def masks_from(facts: Mapping[str, Any], folder: Path) -> dict[str, Tensor]:
    """The masks of parameters with absent entries; none in an export of format 1.

    Raises:
        ExportError: the file does not say so.
    """
    try:
        return {
            plain_name(name): _unpacked(name, one) for name, one in facts.get("absent", {}).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, error) from error


def _packed(name: str, mask: Tensor) -> dict[str, Any]:
    """A bit for each entry that is absent, the first in the lowest bit of the first byte."""
    bits = Absent.of({name: mask}, {name: mask.shape}).packed
    return {
        "shape": list(mask.shape),
        "bits": base64.b64encode(bits.cpu().numpy().tobytes()).decode(),
    }


def _unpacked(name: str, one: Mapping[str, Any]) -> Tensor:
    shape = torch.Size([_whole(size) for size in one["shape"]])
    content = bytearray(base64.b64decode(one["bits"], validate=True))
    if len(content) != -(-math.prod(shape) // 8):
        raise ValueError(f"{len(content)} bytes for {tuple(shape)}")
    # Of nothing torch makes no tensor.
    packed = torch.frombuffer(content or bytearray(1), dtype=torch.uint8)[: len(content)]
    return Absent({name: shape}, packed).masks()[name]


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _place(value: object) -> int | None:
    return None if value is None else _whole(value)


def _damaged(folder: Path, error: Exception) -> ExportError:
    return ExportError(f"{folder / 'architecture.json'} is damaged: {error!r}")
