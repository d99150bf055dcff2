"""Write and use your own encoding; this one keeps synapses of about mean strength."""

import argparse
import tempfile
from typing import ClassVar

import attrs
import numpy as np

import evoframe
from evoframe.plugin import (
    DNA,
    Context,
    Encoding,
    Evidence,
    Genes,
    Inheritance,
    doc,
    even_levels,
    even_scores,
)


@attrs.frozen
class Mediocrity(Encoding):
    """Keeps synapses with a probability that falls with the distance from the mean strength."""

    name: ClassVar[str] = "mediocrity"

    tolerance: float = attrs.field(
        default=0.1, metadata=doc("distance from the mean at which the probability falls to 1/e")
    )

    def encode(self, inheritance: Inheritance, evidence: Evidence, context: Context) -> DNA:
        """Return P = exp(-distance / tolerance), with distances as shares of the largest."""
        table = -even_scores() / self.tolerance
        genes = {}
        for name, eligible in inheritance.eligible.items():
            strengths = inheritance.strengths[name].abs()
            distance = (strengths - strengths[eligible].mean()).abs()
            levels = even_levels(distance, float(distance[eligible].max()))
            genes[name] = Genes(levels, table, eligible)
        return DNA(genes)


def main(out: str) -> None:
    """Evolve the digits network with it, and with magnitude pruning for comparison."""
    for encoding in (Mediocrity(tolerance=0.2), "magnitude"):
        name = encoding if isinstance(encoding, str) else encoding.name
        run = evoframe.evolve(
            "mnist",
            encoding=encoding,
            generations=3,
            out=f"{out}/{name}",
            options=["task.train_size=600", "training.epochs=3", "training.batch_size=20"],
        )
        scores = [one.fitness.test["accuracy"].value for one in run.individuals if one.fitness]
        print(f"{name}: {run.efficiency(run.best):.1f}x smaller, accuracy {np.round(scores, 3)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=None, help="folder for the runs")
    main(parser.parse_args().out or tempfile.mkdtemp())
