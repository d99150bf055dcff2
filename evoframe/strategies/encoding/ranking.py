"""Encodings in which only the order of scores counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.levels import ranked, relative_levels

Scope = Literal["network", "layer"]
"""Whether scores of different layers compete as they are, or divided by their layer's largest."""


def by_rank(scores: Mapping[str, Tensor], inheritance: Inheritance, scope: Scope) -> DNA:
    """Return DNA in which a higher score always outlives a lower one.

    Scores closer than one part in 4,096 share a level, and chance decides between them.
    """
    largest = {
        name: float(scores[name][eligible].max()) if bool(eligible.any()) else 0.0
        for name, eligible in inheritance.eligible.items()
    }
    network = max(largest.values(), default=0.0)
    table = ranked()
    genes = {}
    for name, eligible in inheritance.eligible.items():
        scale = network if scope == "network" else largest[name]
        genes[name] = Genes(relative_levels(scores[name], scale), table, eligible)
    return DNA(genes)
