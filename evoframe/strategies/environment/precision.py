"""Precision: an environment in which weights have few bits (1707.00095, as we read its abstract).

Restrictions of synaptic precision are imposed while offspring are synthesised: probabilities are
read from weights as they would be with the bits that the offspring's layers have. What rounds to
zero cannot live. Synapses of one row that round to the same magnitude cannot be told apart, so all
of them are as likely as they are in the mean. Whatever encoding has read the weights, this is done
to its levels; then another environment presses as it would without.

It also notes how many bits every layer has, so that the record of each offspring is whole. That
its weights are rounded in its life too is the work of the nurture `rounding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.errors import ConfigError
from evoframe.kernel import precision
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.levels import LEVELS, Table
from evoframe.kernel.population import Population
from evoframe.roles import Encoding, Environment, doc
from evoframe.strategies.environment.retention import Retention


@attrs.frozen
class Precision(Environment):
    """Applies another environment to DNA read from weights rounded to few bits."""

    name: ClassVar[str] = "precision"

    of: Environment = attrs.field(
        default=Retention(), metadata=doc("environment that determines how many synapses are kept")
    )
    bits: Literal[8, 16] = attrs.field(
        default=16,
        validator=attrs.validators.in_(precision.BITS),
        metadata=doc("default bits of layers that neither parents nor mutations have set"),
    )

    @property
    def traits(self) -> frozenset[str]:  # type: ignore[override]
        """The abilities of the other one."""
        return self.of.traits

    def begin(self, context: Context) -> Any:
        """Return the state of the other one, in a list: it may have none."""
        return [self.of.begin(context)]

    def learned(self, state: Any, population: Population) -> Any:
        """Return the state of the other one for the next generation."""
        return [None if state[0] is None else self.of.learned(state[0], population)]

    def check(self, encoding: Encoding) -> None:
        """Refuse what the other one refuses."""
        self.of.check(encoding)

    def check_ancestor(self, context: Context) -> None:
        """Refuse weights that no grid is exact for, and what the other one refuses."""
        for name, values in context.ancestor.strengths().items():
            _require_kind(name, values)
        self.of.check_ancestor(context)

    def allowance(self, inheritance: Inheritance, context: Context) -> float | None:
        """Return the allowance of the other one."""
        return self.of.allowance(inheritance, _inside(context))

    def latency(self, costs: Mapping[str, float]) -> float | None:
        """Return the seconds that the other one makes of sizes."""
        return self.of.latency(costs)

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA under the other's pressure, with a note of the bits of every layer."""
        known = precision.bits_of(context.notes)
        bits = {
            name: known.get(name, self.bits)
            for name in dna.synapses
            if inheritance.strengths[name].dtype in precision.KINDS
        }
        tables: dict[int, Table] = {}  # those that layers share, they share still
        synapses = {
            name: _read(genes, name, inheritance, bits[name], tables) if name in bits else genes
            for name, genes in dna.synapses.items()
        }
        notes = precision.noted(dna.notes, bits)
        read = attrs.evolve(dna, synapses=synapses, notes=notes)
        told = attrs.evolve(context, notes=context.notes | notes)
        pressed = self.of.press(read, inheritance, _inside(told))
        return attrs.evolve(pressed, notes=notes | pressed.notes)


def _inside(context: Context) -> Context:
    """Return the context of a call of the other environment, with its own state."""
    return attrs.evolve(context, state=context.state[0] if context.state else None)


def _read(
    genes: Genes, name: str, inheritance: Inheritance, bits: int, tables: dict[int, Table]
) -> Genes:
    """Return genes as they are read from rounded weights.

    Args:
        genes: as an encoding has read them.
        name: of the parameter.
        inheritance: with the weights; what is no part of it has none yet, and stays as it is.
        bits: of the layer.
        tables: those that were made of others, by the identity of these; more are added.
    """
    table, inherited = genes.log_survival, inheritance.eligible[name]
    weights = torch.where(inherited, inheritance.strengths[name], 0.0)
    codes = precision.coded(weights, bits)[0].abs_()
    known = genes.eligible & inherited
    levels = _levelled(genes.levels, codes, known & (codes > 0))
    is_full = len(table) >= LEVELS
    if id(table) not in tables:
        # Level 0 means never; the grid has no more than so many levels, and then takes one for it.
        tables[id(table)] = np.concatenate([[-np.inf], table[1:] if is_full else table])
    levels = levels.clamp(min=1) if is_full else levels + 1
    levels = torch.where(known & (codes == 0), 0, levels).to(torch.int32)
    return attrs.evolve(genes, levels=levels, log_survival=tables[id(table)])


def _require_kind(name: str, values: Tensor) -> None:
    if values.dtype not in precision.KINDS:
        kind = str(values.dtype).removeprefix("torch.")
        raise ConfigError(
            f"environment 'precision' rounds weights of float32 or float64, and {name!r} is "
            f"{kind}. Let the task give a network in float32 (network.float()), or leave the "
            "environment out."
        )


def _levelled(levels: Tensor, codes: Tensor, chosen: Tensor) -> Tensor:
    """Return levels, of the chosen with one code in a row their mean; whole numbers throughout."""
    if not bool(chosen.any()):
        return levels
    rows = torch.arange(len(levels), device=levels.device)
    rows = rows.reshape(-1, *[1] * (levels.ndim - 1)).expand_as(levels)[chosen]
    kinds = rows * 2 ** max(precision.BITS) + codes[chosen].to(torch.int64)
    _, kind, counts = kinds.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros_like(counts).index_add_(0, kind, levels[chosen].to(torch.int64))
    means = (sums + counts // 2) // counts
    found = levels.clone()
    found[chosen] = means[kind].to(levels.dtype)
    return found
