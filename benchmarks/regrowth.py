"""How many channels that grow back learn: regrowth of single synapses, and of whole channels.

python benchmarks/regrowth.py [--generations 10] [--population 3] [--seeds 3]

A channel grew back if it was dead in its parent and lives in the offspring. It has learned if a
weight that leads to it is another after the offspring's life than at its birth, where there is no
decay that would change it: 0 for single synapses, the ancestor's for whole channels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

import evoframe
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.living import living_channels
from evoframe.kernel.wiring import Wiring

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from blobs import Blobs

OPTIONS = ["training.epochs=4", "training.weight_decay=0", "environment.retention=0.75"]


def changed(child: Genotype, born_with: Genotype, wiring: Wiring) -> Tensor:
    """Return a bool for each channel: a weight that leads to it is not what it began with."""
    found = torch.zeros_like(wiring.fed)
    for name, mask in child.masks.items():
        moved = mask & (child.state[name] != born_with.state[name])
        targets = wiring.targets[name].expand(mask.shape)
        found[targets[moved]] = True
    return found


def counted(run: evoframe.Run, *, whole: bool) -> tuple[int, int]:
    """Return how many channels grew back in a run, and how many of those learned."""
    wiring, ancestor = run.anatomy.wiring, run.genotype(run.ancestor.id)
    zeros = {name: torch.zeros_like(value) for name, value in ancestor.state.items()}
    born_with = ancestor if whole else Genotype(ancestor.masks, zeros)
    back = learned = 0
    for one in run.individuals[1:]:
        if one.is_alive:
            child, parent = run.genotype(one.id), run.genotype(one.parents[0])
            risen = living_channels(child.masks, wiring) & ~living_channels(parent.masks, wiring)
            writes = torch.zeros_like(risen)
            for name in child.masks:
                writes[wiring.targets[name].reshape(-1)] = True
            risen &= writes  # sums of others have no weights of their own
            back += int(risen.sum())
            learned += int((risen & changed(child, born_with, wiring)).sum())
    return back, learned


def main() -> None:
    """Print a row for each kind of network and each way to grow back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    for norm in (False, True):
        kind = "with batch norm" if norm else "perceptron"
        for whole in (False, True):
            rows, scores = [], []
            for seed in range(asked.seeds):
                run = evoframe.evolve(
                    Blobs(hidden=32, norm=norm),
                    heredity="asexual",
                    mutation=["regrowth"],
                    selection="truncation",
                    generations=asked.generations,
                    population=asked.population,
                    seed=seed,
                    out=f"{tempfile.mkdtemp()}/run",
                    options=[
                        *OPTIONS,
                        "mutation[0].rate=0.05",
                        f"mutation[0].channels={str(whole).lower()}",
                    ],
                )
                rows.append(counted(run, whole=whole))
                last = [one for one in run.individuals if one.generation == asked.generations]
                alive = [one for one in last if one.fitness]
                scores += [one.fitness.value("accuracy") for one in alive if one.fitness]
            back, learned = (sum(column) for column in zip(*rows, strict=True))
            way = "whole channels" if whole else "single synapses"
            print(
                f"{kind:15} {way:16} grew back {back:4}, learned {learned:4}; "
                f"accuracy of the last generation {mean(scores) if scores else float('nan'):.3f}"
            )


if __name__ == "__main__":
    main()
