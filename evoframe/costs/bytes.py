"""Bytes of tensors as they lie on disk, and of weights that few bits hold."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.notes import Notes
from evoframe.kernel.precision import bits_of, is_rounded


def bytes_of(values: Mapping[str, Tensor]) -> int:
    """Return the bytes of all tensors, without headers."""
    return sum(value.numel() * value.element_size() for value in values.values())


def costs_in_bits(anatomy: Anatomy, genotype: Genotype, notes: Notes) -> dict[str, float]:
    """Return the sizes of an individual, with bytes as its layers need them by their bits.

    A note saves nothing by itself: a layer counts fewer bytes only where its weights are on the
    grid of so many bits. The step of each row is counted too.

    Args:
        anatomy: of the run.
        genotype: whose sizes.
        notes: that the individual carries.
    """
    costs, bits = dict(anatomy.costs(genotype)), bits_of(notes)
    if bits:
        values = dict(anatomy.develop(genotype).network.named_parameters())
        costs["bytes"] -= sum(_spared(values[n], few) for n, few in bits.items() if n in values)
    return costs


def _spared(values: Tensor, bits: int) -> int:
    if not is_rounded(values, bits):
        return 0
    return bytes_of({"": values}) - bytes_of_codes(values, bits)


def bytes_of_codes(values: Tensor, bits: int) -> int:
    """Return the bytes of weights as codes of so many bits, with a step for each row."""
    rows = len(values) if values.ndim > 1 else 1
    return values.numel() * bits // 8 + rows * values.element_size()
