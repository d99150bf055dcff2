"""Cuts of one network to a share of its FLOPs, head to head: ours and Torch-Pruning's.

    PYTHONPATH=FOLDER_OF_TORCH_PRUNING python benchmarks/head_to_head.py --out OUT --data DATA \
        --problem resnet20 --factors 4 --arms fisher-alike torch-pruning-taylor-local --seeds 0 1 2
    python benchmarks/head_to_head.py --out OUT --table
    python benchmarks/head_to_head.py --out OUT --picture FILE.svg --arms ARM ARM

Every arm has the same number of *passes*: one is a forward pass of the ancestor over one example,
a step of training three, times the share of FLOPs that the network has left; scoring and judging
count, a teacher's forward pass does, and what an arm saves goes into more steps of training. Loss,
schedule, data and the estimate of batch-norm statistics after the cut are the same for all. Each
result is a file of its own in OUT: run again, what is there is not made again. Settings are chosen
by the validation split; seconds are those of the process.

DATA is a folder with ``cifar10_jpeg_stream.npz`` and ``resnet-cifar10/`` (see
``benchmarks/resnet20.py``), and ``ecssd.zip``. Images that were compressed as JPEG are not the
published CIFAR-10: accuracies must not be set beside published ones.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))

from head_to_head_arms import ARMS, STEP, Cut, flops
from head_to_head_decay import DECAYS
from head_to_head_generations import GENERATIONS
from head_to_head_litters import LITTERS
from head_to_head_problems import (
    Learning,
    Photographs,
    Problem,
    estimate_statistics,
)
from head_to_head_saliency import Maps, UNet
from head_to_head_tables import picture, table
from resnet20 import ResNet20
from resnet56 import ResNet56

from evoframe.kernel.key import Key

PROBLEMS: dict[str, Callable[[Path, Path, str], Problem]] = {
    "resnet20": lambda out, data, device: Photographs(
        "resnet20", out, data, ResNet20, (4, 0.02), device=device
    ),
    "resnet56": lambda out, data, device: Photographs(
        "resnet56", out, data, ResNet56, (1, 0.02), device=device
    ),
    "unet": lambda out, data, device: Maps(
        name="unet",
        out=out,
        data=data,
        make=UNet,
        tuning=(20, 0.05),
        metric="f-max",
        passes=12_000,
        staying=("fuse", "sides.0", "sides.1", "sides.2", "sides.3"),
        recovery=700,
        batch_size=16,
        device=device,
    ),
}
"""By name, given the folders of results and of data, and the device."""

LATE = LITTERS | GENERATIONS | DECAYS
"""Arms that train before the last training, so they are given its passes and its rate."""

STATISTICS = 20
"""Batches on which batch-norm statistics are estimated after the cut."""


def main() -> None:
    """Run what is asked for and not there yet, or show what is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--data", type=Path, help="folder of data and weights")
    parser.add_argument("--problem", choices=PROBLEMS, default="resnet20")
    parser.add_argument("--factors", type=float, nargs="+", default=[4.0])
    parser.add_argument(
        "--arms", nargs="+", default=[], metavar="ARM", help=", ".join([*ARMS, *LATE])
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--teacher", action="store_true", help="the ancestor teaches, by half")
    parser.add_argument("--passes", type=int, help="of the whole, per example; else the problem's")
    parser.add_argument("--rate", type=float, help="largest learning rate; else the problem's")
    parser.add_argument("--device", default="cpu", help="of training and measuring")
    parser.add_argument("--table", action="store_true", help="print what is there")
    parser.add_argument("--picture", type=Path, help="draw what is there, as .svg")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    problem = PROBLEMS[asked.problem](asked.out, asked.data, asked.device)
    passes, rate = asked.passes or problem.passes, asked.rate or problem.rate
    shows = asked.table or asked.picture is not None
    for factor, seed, arm in itertools.product(asked.factors, asked.seeds, asked.arms):
        if shows:
            break
        bout(problem, arm, factor, seed, passes=passes, rate=rate, taught=asked.teacher)
    if asked.table:
        print(table(asked.out))
    if asked.picture is not None:
        asked.picture.write_text(picture(asked.out, problem.name, passes, rate, asked.arms))


def bout(
    problem: Problem, arm: str, factor: float, seed: int, *, passes: int, rate: float, taught: bool
) -> None:
    """Cut, train and measure once, unless that is done already."""
    asked: dict[str, Any] = {
        "problem": problem.name,
        "factor": factor,
        "arm": arm,
        "seed": seed,
        "passes": passes,
        "rate": rate,
        "teacher": taught,
    }
    file = problem.out / f"{'-'.join(map(in_words, asked.values()))}.json"
    if file.exists():
        return
    key, ancestor = Key(seed).at("head to head"), problem.ancestor
    begun = time.process_time()
    cut = cut_by(arm, problem, 1 / factor, key.at("cut"), passes, rate)
    network, whole, spent = cut.network, flops(ancestor, problem), cut.passes
    share = flops(network, problem) / whole
    if cut.learning is None:
        estimate_statistics(network, problem, key.at("statistics"), STATISTICS)
        spent += STATISTICS * problem.batch_size * share
    scored = time.process_time() - begun
    before = problem.measured(network.to(problem.device), "validation")
    begun = time.process_time()
    learning = cut.learning
    if learning is None:
        steps = int((passes - spent) / (problem.batch_size * (STEP * share + taught)))
        learning = begun_with(network, problem, steps, rate, key.at("training"), taught=taught)
    learning.go_on(learning.steps)
    result = asked | {
        "share": share,
        "parameters": sum(one.numel() for one in network.parameters()),
        "scoring": spent,
        "epochs": learning.steps * problem.batch_size / problem.recovery,
        "seconds": [round(one, 1) for one in (scored, time.process_time() - begun)],
        "untrained": before,
        "validation": problem.measured(network, "validation"),
        "test": problem.measured(network, "test"),
        "ancestor": problem.whole,
        "widths": [
            one.out_channels for one in network.modules() if isinstance(one, torch.nn.Conv2d)
        ],
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if problem.device == "cuda" else "cpu",
    }
    part = file.with_suffix(".part")
    part.write_text(json.dumps(result))
    part.rename(file)
    print(f"{file.stem}: {result['validation']} {result['epochs']:.1f} epochs", flush=True)


def in_words(value: object) -> str:
    """Return a value as it stands in the name of a file."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def cut_by(arm: str, problem: Problem, share: float, key: Key, passes: int, rate: float) -> Cut:
    """Return the cut of an arm, which may train on its way."""
    if arm in LATE:
        return LATE[arm](problem, share, key, passes, rate)
    return ARMS[arm](problem, share, key)


def begun_with(
    network: torch.nn.Module, problem: Problem, steps: int, rate: float, key: Key, *, taught: bool
) -> Learning:
    """Return the training of a network that was cut, by its ancestor if it is taught."""
    teacher = None
    if taught:
        teacher = copy.deepcopy(problem.ancestor)
        teacher = teacher.to(problem.device, memory_format=torch.channels_last)
    return Learning(network, problem, problem.school(), steps, rate, key, teacher)


if __name__ == "__main__":
    main()
