r"""ResNet-56 on CIFAR-10 at a half to a quarter of its MACs, by the protocol of pruning papers.

    python benchmarks/resnet56.py --data cifar-10-batches-bin --weights resnet56.th --out runs/r56
    python benchmarks/resnet56.py --data CIFAR.npz --weights resnet56.th --out runs/try \
        --factors 4.1 -o training.epochs=2 -o task.train_size=20000

One run of `benchmarks/resnet56.toml` for each factor and seed: one cut, then 100 epochs on all
50,000 training images, shifted and mirrored, in batches of 128; SGD with momentum 0.9 and weight
decay 5e-4, a rate of 0.01 that falls to a tenth twice, as Torch-Pruning's benchmark does it (there
at 60 and 80 epochs, here at two thirds and eight ninths). The accuracy is that of the last epoch;
no epoch, seed or setting is chosen on the test images. A run that was interrupted is gone on with.

``--data`` is the original's binary version (a folder), or the archive that
``benchmarks/resnet20.py`` takes. What was compressed as JPEG is another data set: its accuracies
are told as points lost against the network before the cut, and never set beside published ones.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from pathlib import Path
from typing import ClassVar

import attrs
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

from resnet20 import Block, Cifar, ResNet20

import evoframe
from evoframe.config.request import Request
from evoframe.run import starting

PUBLISHED = {
    2.2: (94.13, "DepGraph with a decay that rescues"),
    2.9: (93.69, "Meta-Pruning"),
    4.1: (93.22, "PPSM"),
}
"""By how many times fewer MACs: test accuracy after 93.4 to 93.5 % before, and whose it is."""


class ResNet56(ResNet20):
    """The same network with nine blocks of each width."""

    def __init__(self) -> None:
        super().__init__()
        for layer, width in ((self.layer1, 16), (self.layer2, 32), (self.layer3, 64)):
            layer.extend(Block(width, width) for _ in range(6))


@attrs.frozen
class Cifar56(Cifar):
    """CIFAR-10 and a trained ResNet-56."""

    name: ClassVar[str] = "cifar-resnet56"
    made: ClassVar[type[nn.Module]] = ResNet56

    train_size: int = 50_000


def main() -> None:
    """Run what is asked for and not there yet, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or archive of the images")
    parser.add_argument("--weights", type=Path, required=True, help="of the trained network")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--factors", type=float, nargs="+", default=list(PUBLISHED))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("-o", dest="options", action="append", default=[], help="of the recipe")
    asked = parser.parse_args()
    runs: dict[float, list[evoframe.Run]] = {factor: [] for factor in asked.factors}
    for factor, seed in itertools.product(asked.factors, asked.seeds):
        runs[factor].append(carried(asked, factor, seed))
    print("\n".join(table(runs, original=asked.data.is_dir())))


def carried(asked: argparse.Namespace, factor: float, seed: int) -> evoframe.Run:
    """Begin a run or go on with it, to its end."""
    path = asked.out / f"{factor:g}x-seed-{seed}"
    if not path.exists():
        data, weights = asked.data.absolute(), asked.weights.absolute()
        options = [f"task.data={data}", f"task.weights={weights}", *asked.options]
        choices = {"until": f"flops={factor:g}x", "seed": seed, "device": asked.device}
        recipe = str(Path(__file__).with_suffix(".toml"))
        request = Request(recipe, choices=choices, options=options).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        starting.start(request.recipe, request.registry, path)
    elif evoframe.Run(path).ending is None:
        starting.resume(path)
    return evoframe.Run(path)


def table(runs: dict[float, list[evoframe.Run]], *, original: bool) -> list[str]:
    """Return a table in Markdown, beside published figures where the images are those."""
    lines = ["| fewer MACs | fewer parameters | before, % | after, % by seed | points lost |"]
    lines += ["|---" * 5 + "|"]
    if original:
        lines = [lines[0] + " published, % |", lines[1] + "---|"]
    for factor, several in runs.items():
        before, after = (
            accuracy(several[0].ancestor),
            [accuracy(run.individuals[-1]) for run in several],
        )
        cells = [
            f"{fewer(several, 'flops'):.2f}x",
            f"{fewer(several, 'parameters'):.2f}x",
            f"{before:.2f}",
            ", ".join(f"{one:.2f}" for one in after),
            f"{before - statistics.fmean(after):.2f}",
        ]
        if original:
            found, whose = PUBLISHED.get(factor, ("", ""))
            cells.append(f"{found} {whose}".strip())
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def fewer(runs: list[evoframe.Run], cost: str) -> float:
    """Return how many times less of a cost the last individual has, the mean over seeds."""
    return statistics.fmean(
        run.ancestor.fitness.costs[cost] / run.individuals[-1].fitness.costs[cost] for run in runs
    )


def accuracy(one: evoframe.Individual) -> float:
    """Return the accuracy on the test images, in per cent."""
    assert one.fitness is not None
    return 100 * one.fitness.test["accuracy"].value


if __name__ == "__main__":
    main()
