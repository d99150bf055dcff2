"""An environment that adds to log-probabilities without a ceiling: probabilities above 1.

Right: the run stops with exit code 2 and a sentence that names environment spring, its distribution
and version, the individual, and that a log-probability is above 0.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Environment, hookimpl

EXPECT = "stops"
USE = ["--encoding", "uniform", "--environment", "spring"]


@attrs.frozen
class Spring(Environment):
    """Everything is likelier."""

    name = "spring"

    def press(self, dna, inheritance, context):
        pressed = {
            name: attrs.evolve(genes, log_survival=genes.log_survival + 1.0)
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=pressed)


@hookimpl
def evoframe_environments():
    return [Spring]
