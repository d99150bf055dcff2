"""DNA: probabilities of what may be, and of nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from evoframe.kernel.dna import DNA, Genes
from evoframe.testing.case import Case
from evoframe.testing.catalogue import law
from evoframe.testing.prepared import on_cases, prepared
from evoframe.testing.trying import broken


@law("encoding", "mutation", "environment")
def check_probabilities_lie_between_0_and_1(strategy: Any) -> None:
    """Every level is in its table, and every entry of a table is the logarithm of a probability.

    At most 0, and not NaN; minus infinity means never.
    """

    def attempt(case: Case) -> None:
        dna: DNA = prepared(strategy, case).call()
        for name, genes in dna.synapses.items():
            _require_probabilities(f"parameter {name!r}", genes)
        if dna.clusters is not None:
            _require_probabilities("clusters", dna.clusters.genes)

    on_cases(strategy, attempt)


@law("encoding", "environment")
def check_covers_exactly_what_is_eligible(strategy: Any) -> None:
    """Genes are there for exactly the parameters that came in, and as many synapses are eligible.

    What the parents did not have does not come back by itself: only a mutation offers synapses.
    """

    def attempt(case: Case) -> None:
        dna: DNA = prepared(strategy, case).call()
        wanted = case.inheritance().eligible
        if set(dna.synapses) != set(wanted):
            broken(f"there are genes for {sorted(dna.synapses)}; wanted {sorted(wanted)}")
        for name, genes in dna.synapses.items():
            if not torch.equal(genes.eligible, wanted[name]):
                found, should = int(genes.eligible.sum()), int(wanted[name].sum())
                broken(f"of {name!r}, {found} synapses are eligible; wanted the same {should}")

    on_cases(strategy, attempt)


def _require_probabilities(what: str, genes: Genes) -> None:
    table = genes.log_survival
    if np.isnan(table).any():
        broken(f"the table of {what} holds NaN")
    if (table > 0).any():
        broken(
            f"the table of {what} holds {table.max():g}, a probability of {np.exp(table.max()):g}"
        )
    low, high = (int(f(genes.levels)) for f in (torch.min, torch.max))
    if low < 0 or high >= len(table):
        broken(f"{what} has levels from {low} to {high}; the table has {len(table)} entries")
