"""Retention: the environmental factor model of the papers, F(E) = C.

``multiplicative`` is 1606.04393's: q = C * P, so far fewer than C survive where P is small.
``calibrated`` finds the lambda for which the sum of min(1, lambda * P) is C times the eligible
synapses (1609.01360, 1709.02043). ``hard-cap`` draws with P and then drops the least probable
until at most that many are left.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import attrs
import numpy as np
import torch

from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Clusters, Genes, Inheritance
from evoframe.kernel.drawing.budgets import log_multiplier, scaled
from evoframe.kernel.genotype import count
from evoframe.kernel.limits import Cap
from evoframe.kernel.tensors.tallies import tallied
from evoframe.roles import Encoding, Environment, doc


@attrs.frozen
class Retention(Environment):
    """Keeps at most a share of the synapses that the parents offer."""

    name: ClassVar[str] = "retention"
    dial: ClassVar[str] = "retention"

    retention: float = attrs.field(
        default=0.5,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the eligible synapses to keep, 0 to 1"),
    )
    mode: Literal["multiplicative", "calibrated", "hard-cap"] = attrs.field(
        default="calibrated",
        metadata=doc("multiply probabilities by the share, meet it on average, or never exceed it"),
    )
    scope: Literal["network", "layer"] = attrs.field(
        default="network",
        metadata=doc("one budget for the whole network, or the same share for every layer"),
    )
    clusters: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional([attrs.validators.gt(0), attrs.validators.le(1)]),
        metadata=doc("share of clusters to keep per generation; default: square root of retention"),
    )

    def check(self, encoding: Encoding) -> None:
        """Refuse to take probabilities at their word where only their order counts."""
        if "ranks" in encoding.traits and self.mode != "calibrated":
            raise ConfigError(
                f"environment 'retention' with mode {self.mode!r} takes probabilities as they are, "
                f"and encoding {encoding.name!r} only ranks synapses. Use mode = 'calibrated'."
            )

    def allowance(self, inheritance: Inheritance, context: Context) -> float:
        """Return the share of all eligible synapses; every mode and scope keeps to it."""
        return self.retention * count(inheritance.eligible)

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA that keeps to the share of ``inheritance.eligible``."""
        if self.mode == "hard-cap":
            return attrs.evolve(dna, caps=dna.caps + self._caps(dna, inheritance))
        rate = self._cluster_rate(dna)
        if dna.clusters is not None:
            dna = attrs.evolve(dna, clusters=self._press_clusters(dna.clusters, dna, rate))
        synapses: dict[str, Genes] = {}
        for names in self._groups(dna):
            factor = self._log_factor(names, dna, inheritance, rate)
            # A table that layers share is rewritten once, and they share it still.
            tables = {id(table): table for table in (dna.synapses[n].log_survival for n in names)}
            pressed = {number: scaled(table, factor) for number, table in tables.items()}
            for name in names:
                genes = dna.synapses[name]
                table = pressed[id(genes.log_survival)]
                synapses[name] = genes.under(table)
        return attrs.evolve(dna, synapses=synapses)

    def _groups(self, dna: DNA) -> list[tuple[str, ...]]:
        names = tuple(dna.synapses)
        return [names] if self.scope == "network" else [(name,) for name in names]

    def _caps(self, dna: DNA, inheritance: Inheritance) -> tuple[Cap, ...]:
        return tuple(
            Cap(names, math.floor(self.retention * _eligible(inheritance, names)))
            for names in self._groups(dna)
        )

    def _cluster_rate(self, dna: DNA) -> float:
        if dna.clusters is None:
            return 1.0
        # A synapse lives if its cluster and it do, so the two rates multiply to the retention.
        return math.sqrt(self.retention) if self.clusters is None else self.clusters

    def _log_factor(
        self, names: tuple[str, ...], dna: DNA, inheritance: Inheritance, rate: float
    ) -> float:
        if self.mode == "multiplicative":
            return _log(self.retention / rate if rate else 0.0)
        clusters = dna.clusters
        # A synapse counts by its cluster's chance to
        # live: the budget is met over both draws at once.
        survival = None if clusters is None else clusters.genes.probabilities()
        counts = [
            dna.synapses[name].histogram(
                None if clusters is None or survival is None else clusters.at(name, survival)
            )
            for name in names
        ]
        tables = [dna.synapses[name].log_survival for name in names]
        return log_multiplier(counts, tables, self.retention * _eligible(inheritance, names))

    def _press_clusters(self, clusters: Clusters, dna: DNA, rate: float) -> Clusters:
        genes = clusters.genes
        factor = _log(rate)
        if self.mode == "calibrated":
            sizes = torch.zeros(genes.levels.shape, dtype=torch.int64, device=genes.levels.device)
            for name, synapses in dna.synapses.items():
                for held in (clusters.members, clusters.within):
                    if name in held:
                        sizes += tallied(held[name], len(sizes), synapses.eligible)
            # Clusters weigh as many synapses as they hold, since the budget is one of synapses.
            weights = genes.histogram(sizes.double())
            factor = log_multiplier([weights], [genes.log_survival], rate * weights.sum())
        table = scaled(genes.log_survival, factor)
        return attrs.evolve(clusters, genes=genes.under(table))


def _eligible(inheritance: Inheritance, names: tuple[str, ...]) -> int:
    return count({name: inheritance.eligible[name] for name in names})


def _log(share: float) -> float:
    return float(np.log(share)) if share > 0 else -math.inf
