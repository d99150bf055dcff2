"""Streaming: weights of a file brought to their places a part at a time.

A file that is mapped into memory stands there as a whole, beside what is made of it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.tensors.flags import how_many
from evoframe.kernel.tensors.passes import BITS, filled
from evoframe.kernel.tensors.rooms import room
from evoframe.run.disk.headers import head_of


class Rows:
    """Reads rows of weights from a file whose header safetensors has found right."""

    def __init__(self, path: Path) -> None:
        """Open a file."""
        head = head_of(path)
        self._header: dict[str, Any] = json.loads(head[8:])
        self._begin = len(head)
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._file.close()

    def spread(self, name: str, kind: torch.dtype, mask: Tensor) -> Tensor:
        """Return a tensor of the shape of a mask: its present entries from a row, and zeros.

        Args:
            name: of the row.
            kind: of its weights.
            mask: bool, on the CPU.

        Raises:
            ValueError: there are more present entries than in the row, or fewer.
        """
        count, shape = how_many(mask), self._header[name]["shape"]
        if shape != [count]:
            raise ValueError(f"there are {math.prod(shape)} weights for {count} synapses")
        self._file.seek(self._begin + self._header[name]["data_offsets"][0])
        found = room(mask.shape, kind, zeros=True)

        def following(many: int) -> npt.NDArray[Any]:
            return np.frombuffer(self._read(many * kind.itemsize), dtype=f"i{kind.itemsize}")

        if kind.itemsize in BITS:
            return filled(found, mask, following)
        found[mask] = torch.frombuffer(bytearray(self._read(count * kind.itemsize)), dtype=kind)
        return found

    def _read(self, size: int) -> bytes:
        found = self._file.read(size)
        if len(found) != size:
            raise ValueError("it ends too early")
        return found
