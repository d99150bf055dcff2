"""CMA-ES over the share of each layer that is kept, with the library ``cmaes``.

Chosen as ``--environment cma_retention.py:CmaRetention``; needs ``pip install cmaes``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from cmaes import CMA

from evoframe.plugin import (
    DNA,
    Context,
    Environment,
    Inheritance,
    Origin,
    Population,
    doc,
    log_multiplier,
    scaled,
)


@attrs.frozen
class CmaRetention(Environment):
    """Searches for the share of each layer to keep, by CMA-ES over the generations."""

    name: ClassVar[str] = "cma-retention"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    start: float = attrs.field(default=0.85, metadata=doc("share of each layer, at the start"))
    spread: float = attrs.field(default=0.5, metadata=doc("standard deviation, in log-odds"))
    price: float = attrs.field(
        default=0.05, metadata=doc("value of halving the synapses, in units of the metric")
    )

    def begin(self, context: Context) -> dict[str, Any]:
        """Return a distribution over as many shares as there are layers, and nobody waiting."""
        layers = len(context.anatomy.wiring.sources)
        mean = np.full(layers, np.log(self.start / (1 - self.start)))
        return {"cma": _closed(CMA(mean, self.spread)), "tried": []}

    def learned(self, state: dict[str, Any], population: Population) -> dict[str, Any]:
        """Return the distribution moved towards those that did well."""
        for one in (*population.individuals, *population.stillborn):
            # An elite was tried before, and of the ancestor nothing was.
            if one.origin is Origin.OFFSPRING and "odds" in one.notes:
                worth = np.inf
                if one.fitness is not None:
                    value = population.metric.sort_value(one.fitness.value(population.metric.name))
                    worth = self.price * np.log2(one.synapses) - value
                state["tried"].append([one.notes["odds"], worth])
        cma = _opened(state["cma"])
        while len(state["tried"]) >= cma.population_size:
            batch = state["tried"][: cma.population_size]
            state["tried"] = state["tried"][cma.population_size :]
            cma.tell([tuple(one) for one in batch])
        return {"cma": _closed(cma), "tried": state["tried"]}

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA of which each layer keeps the share that was drawn for it."""
        cma = _opened(context.state["cma"])
        cma.reseed_rng(int(context.key.words(1)[0]))
        odds, synapses = cma.ask(), dict(dna.synapses)
        for (name, genes), share in zip(dna.synapses.items(), 1 / (1 + np.exp(-odds)), strict=True):
            most = share * int(inheritance.eligible[name].sum())
            factor = log_multiplier([genes.histogram()], [genes.log_survival], most)
            synapses[name] = attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
        return attrs.evolve(dna, synapses=synapses, notes={"odds": odds})


def _closed(cma: CMA) -> dict[str, Any]:
    # Its memory of values, which begins uninitialised, is for rules to stop that nobody asks.
    return {n: v for n, v in cma.__getstate__().items() if not n.startswith("_funhist")}


def _opened(state: dict[str, Any]) -> CMA:
    cma = CMA(state["_mean"], state["_sigma"])
    cma.__setstate__(dict(state))  # as pickle does
    return cma
