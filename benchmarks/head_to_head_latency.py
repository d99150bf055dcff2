"""Milliseconds of the networks that arms of the head-to-head cut, beside their FLOPs.

    PYTHONPATH=FOLDER_OF_TORCH_PRUNING python benchmarks/head_to_head_latency.py --out OUT \
        --data DATA --factors 2.1 4 8 --arms torch-pruning-magnitude-local fisher-alike-repaired

cuts anew and trains nothing, since training changes no width. One thread, evaluation mode without
gradients; each network is measured in turn with the ancestor, so the ratios carry over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

from head_to_head import PROBLEMS
from head_to_head_arms import ARMS, flops
from head_to_head_problems import Problem

from evoframe.costs.latency import latency
from evoframe.kernel.key import Key

SECONDS, ROUNDS, BATCHES = 1.0, 3, (1, 64)


def main() -> None:
    """Print a row of Markdown for each factor and arm."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--data", type=Path, required=True, help="folder of data and weights")
    parser.add_argument("--problem", choices=PROBLEMS, default="resnet20")
    parser.add_argument("--factors", type=float, nargs="+", default=[4.0])
    parser.add_argument("--arms", nargs="+", required=True, choices=ARMS, metavar="ARM")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    problem = PROBLEMS[asked.problem](asked.out, asked.data, "cpu")
    heads = (f"ms of {count} (before), faster" for count in BATCHES)
    print(f"| fewer FLOPs | arm | FLOPs left | {' | '.join(heads)} |")
    print("|---" * (3 + len(BATCHES)) + "|")
    for factor in asked.factors:
        for arm in asked.arms:
            network = ARMS[arm](problem, 1 / factor, Key(0).at("head to head").at("cut")).network
            share = flops(network, problem) / flops(problem.ancestor, problem)
            cells = (compared(network, problem, count) for count in BATCHES)
            row = f"| {factor:g}x | `{arm}` | {100 * share:.1f} % | {' | '.join(cells)} |"
            print(row, flush=True)


def compared(network: nn.Module, problem: Problem, count: int) -> str:
    """Return the milliseconds of a batch beside those of the ancestor, the least of rounds."""
    inputs = (problem.ready(problem.split("validation")[0][:count]),)
    both = [
        [1e3 * latency(one, inputs, seconds=SECONDS, processor=True).median for _ in range(ROUNDS)]
        for one in (network.eval(), problem.ancestor.eval())
    ]
    now, before = (min(one) for one in both)
    return f"{now:.2f} ({before:.2f}), {before / now:.1f}x"


if __name__ == "__main__":
    main()
