"""Bits: the absent entries of several tensors, packed eight to a byte and applied in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.kernel import fused
from evoframe.kernel.tensors.passes import clear
from evoframe.kernel.tensors.rooms import room

BIT_VALUES = (1, 2, 4, 8, 16, 32, 64, 128)


@attrs.frozen(eq=False)
class Absent:
    """Which entries of named tensors are absent: a bit each, all in one buffer.

    Attributes:
        shapes: of the tensors, by name, in the order of the buffer.
        packed: uint8; the entries of each tensor in row-major order, the first in the lowest bit.
    """

    shapes: Mapping[str, torch.Size]
    packed: Tensor
    # Of a training, in which the same tensors are cleared after every step.
    _last: dict[str, fused.Clearing] = attrs.field(factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, masks: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> Absent:
        """Pack masks that say what is present.

        Args:
            masks: bool, broadcast to the shapes.
            shapes: of the tensors that they mask.
        """
        order = {name: shapes[name] for name in masks}
        if all(mask.device.type == "cpu" for mask in masks.values()):
            return cls(order, _packed(masks, order))
        bits = torch.cat([~mask.expand(order[name]).reshape(-1) for name, mask in masks.items()])
        # (bytes, 8): the last byte is filled up with bits that ``_unpacked`` never reaches.
        padded = torch.nn.functional.pad(bits, (0, -len(bits) % 8)).reshape(-1, 8)
        values = torch.tensor(BIT_VALUES, dtype=torch.uint8, device=bits.device)
        return cls(order, (padded * values).sum(1, dtype=torch.uint8))

    def masks(self) -> dict[str, Tensor]:
        """Return the masks again: bool, true where an entry is present."""
        flipped = attrs.evolve(self, packed=~self.packed)
        return flipped._unpacked()  # noqa: SLF001  of the same class

    @torch.no_grad()
    def clear(self, tensors: Mapping[str, Tensor]) -> None:
        """Set the absent entries of the named tensors to zero, in place."""
        if 8 * len(self.packed) >= fused.SMALL and fused.kernels(self.packed) is not None:
            ours = [tensors[name] for name, shape in self.shapes.items() if shape.numel()]
            if fused.can_clear(ours):
                self._clearing(ours)(ours, self.packed)
                return
        for name, mask in self.masks().items():
            clear(tensors[name], mask)

    def _clearing(self, tensors: list[Tensor]) -> fused.Clearing:
        """Return the clearing of tensors: the last one, while they lie where they lay."""
        last = self._last.get("clearing")
        if last is None or last.places != fused.places_of(tensors):
            last = self._last["clearing"] = fused.Clearing(tensors)
        return last

    def _unpacked(self) -> dict[str, Tensor]:
        """Return a bool for each entry of each tensor, as views of one buffer.

        On a GPU, eight of them are read from a table at once, as one 64-bit word.
        """
        if self.packed.device.type == "cpu":
            bits = np.unpackbits(self.packed.numpy(), bitorder="little")
            flat = torch.from_numpy(bits.view(bool))
        else:  # uint8 as an index would be taken for a mask
            flat = _table(self.packed.device)[self.packed.int()].view(torch.bool)
        start, found = 0, {}
        for name, shape in self.shapes.items():
            found[name] = flat[start : start + shape.numel()].view(shape)
            start += shape.numel()
        return found


def _packed(masks: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> Tensor:
    """Return a bit for each entry, set where masks on the CPU say that it is absent."""
    bits, start = room((sum(one.numel() for one in shapes.values()),), torch.bool), 0
    for name, mask in masks.items():
        end = start + shapes[name].numel()
        torch.logical_not(mask.expand(shapes[name]), out=bits[start:end].view(shapes[name]))
        start = end
    return torch.from_numpy(np.packbits(bits.numpy(), bitorder="little"))


@cache
def _table(device: torch.device) -> Tensor:
    """Return for every byte its eight bits as bytes, read as one int64."""
    values = torch.arange(256, dtype=torch.uint8).unsqueeze(1)
    # (256, 8) bools, a byte each, seen as (256, 1) words; the order
    # of bytes is the machine's own on both ways, so it never shows.
    bits = values.bitwise_and(torch.tensor(BIT_VALUES, dtype=torch.uint8)).ne(0)
    return bits.view(torch.int64).squeeze(1).to(device)
