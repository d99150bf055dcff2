"""Pre-screening by a surrogate, which selects the most promising of several pressures.

Chosen as ``--environment prescreening.py:Prescreened``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from evoframe.plugin import (
    DNA,
    Context,
    Environment,
    Inheritance,
    Population,
    doc,
    log_multiplier,
    scaled,
)


@attrs.frozen
class Prescreened(Environment):
    """Draws several shares for each layer, and applies those that a surrogate ranks best."""

    name: ClassVar[str] = "prescreened"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    tries: int = attrs.field(
        default=8, validator=attrs.validators.ge(1), metadata=doc("number of candidates")
    )
    least: float = attrs.field(default=0.6, metadata=doc("smallest share of a layer that is drawn"))
    ridge: float = attrs.field(default=1.0, metadata=doc("ridge regularisation of the surrogate"))
    price: float = attrs.field(
        default=0.05, metadata=doc("value of halving the synapses, in units of the metric")
    )

    def begin(self, context: Context) -> dict[str, Any]:
        """Return examples to learn from: none yet."""
        layers = len(context.anatomy.wiring.sources)
        return {"shares": np.zeros((0, layers)), "worth": np.zeros(0)}

    def learned(self, state: dict[str, Any], population: Population) -> dict[str, Any]:
        """Return the examples with those of the last generation."""
        shares, worth = list(state["shares"]), list(state["worth"])
        for one in population.sound():
            if "shares" in one.notes:
                value = population.metric.sort_value(one.fitness.value(population.metric.name))
                shares.append(one.notes["shares"])
                worth.append(value - self.price * np.log2(one.synapses))
        return {
            "shares": np.reshape(shares, (-1, state["shares"].shape[1])),
            "worth": np.array(worth),
        }

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA of which each layer keeps the share that promises most."""
        words = context.key.words(self.tries * len(dna.synapses)).astype(np.float64) / 2**32
        drawn = self.least + (1 - self.least) * words.reshape(self.tries, -1)
        shares, synapses = drawn[np.argmax(self._expected(drawn, context.state))], {}
        for (name, genes), share in zip(dna.synapses.items(), shares, strict=True):
            most = share * int(inheritance.eligible[name].sum())
            factor = log_multiplier([genes.histogram()], [genes.log_survival], most)
            synapses[name] = attrs.evolve(genes, log_survival=scaled(genes.log_survival, factor))
        return attrs.evolve(dna, synapses=synapses, notes={"shares": shares})

    def _expected(self, shares: Any, known: dict[str, Any]) -> Any:
        """Return what a ridge regression on all that was lived expects of shares."""
        inputs, worth = known["shares"], known["worth"]
        if not len(worth):
            return np.zeros(len(shares))  # of equals the first, which chance has drawn
        middle = inputs.mean(0)
        square = (inputs - middle).T @ (inputs - middle) + self.ridge * np.eye(len(middle))
        slope = np.linalg.solve(square, (inputs - middle).T @ (worth - worth.mean()))
        return (shares - middle) @ slope
