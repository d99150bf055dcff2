"""Headers of safetensors files: their metadata, which say the format that a file is of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from evoframe.errors import DamagedError
from evoframe.run.disk import formats
from evoframe.run.disk.folder import RunFolder

NUMBER = "evoframe_format"
"""The entry that holds the number; plain "format" is what other programs use for theirs."""


def written_here(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata with the number of the format that is written here."""
    return {NUMBER: str(formats.FORMAT), **metadata}


def metadata_of(content: bytes, path: Path) -> dict[str, str]:
    """Return the metadata of a file.

    Args:
        content: all of it, or as much as its header takes.
        path: where it is.

    Raises:
        LaterFormatError: a later version of evoframe wrote it.
        DamagedError: it has no header.
        ValueError: the header is no JSON.
    """
    # A safetensors file: 8 bytes of length, a header of JSON, then the tensors.
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise DamagedError(f"{path} is damaged: it has no header.")
    formats.require_readable(formats.number(metadata.get(NUMBER), path), path)
    return metadata


def require_readable(folder: RunFolder) -> None:
    """Refuse a run with a genotype or a checkpoint of a later format; damaged ones are let pass.

    Raises:
        LaterFormatError: of the first of them.
    """
    for kept in (folder.genotype("*"), folder.checkpoint("*")):
        for path in sorted(kept.parent.glob(kept.name)):
            with suppress(OSError, ValueError, DamagedError):
                metadata_of(head_of(path), path)


def head_of(path: Path) -> bytes:
    """Return the beginning of a file, up to where its tensors begin."""
    with path.open("rb") as file:
        length = file.read(8)
        # A damaged length may name petabytes, which ``read`` would try to reserve.
        return length + file.read(min(int.from_bytes(length, "little"), path.stat().st_size))
