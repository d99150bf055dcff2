"""What it costs to halve a network: CPU seconds on one thread, beside Torch-Pruning's.

    python benchmarks/surgery.py
    python benchmarks/surgery.py --models resnet18 vit_b_16 --profile

Needs torchvision (see ``zoo.py``) and, for the rivals' columns, ``pip install --no-deps
torch-pruning==1.6.1 torch-kirigami==0.2.1``.

*numbers* is what the survey tries on real inputs, apart from the rest of it, and *passes* the same
in forward passes of two examples; once, as it takes long. *survey* is paid once an ancestor,
*develop* once an offspring. *choose* ranks the channels by their weights and settles the genotype;
that is the work of an evolution's synthesis, so it stands beside the sum, though the rival's time
holds its ranking. Torch-Pruning builds its dependency graph, ranks the channels by the L2 norm of
their groups, and cuts half of every layer but the last. It cuts in place: the copy that keeps the
ancestor whole is made outside its clock. Our survey reads the ancestor and our develop makes a new
network, so all of our copies are inside ours. Each number is the median of several repeats in one
process, after a warm-up on a small network, with a collection of garbage before each.
"""

from __future__ import annotations

import argparse
import copy
import cProfile
import gc
import pstats
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import zoo
from torch import nn

from evoframe import anatomy
from evoframe.anatomy.proof import require_own_parameters
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.phenotype import Phenotype

MODELS = (
    "resnet18", "resnet50", "mobilenet_v2", "efficientnet_v2_s", "convnext_tiny", "vit_b_16",
    "vgg16_bn", "densenet121",
)  # fmt: skip
HEADER = (
    "| model | survey | develop | sum | torch-pruning | sum / torch-pruning | numbers | passes "
    "| choose "
    "| develop / survey | parameters | ours | theirs |"
)


def main() -> None:
    """Print a Markdown table."""
    asked = _arguments()
    torch.set_num_threads(1)
    _warm_up()
    print(f"torch {torch.__version__}, torchvision {zoo.torchvision().__version__}\n")
    print(HEADER + "\n|" + "---|" * HEADER.count(" | ") + "---|", flush=True)
    for name in asked.models:
        print(_row(name, asked.repeats), flush=True)
    if asked.profile:
        for name in asked.models:
            _profile(name)
    if asked.kirigami:
        print(f"\ntorch-kirigami on {MODELS[0]}: {_kirigami(zoo.build(MODELS[0])):.0f} CPU seconds")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS, metavar="NAME")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="tell where our time goes")
    parser.add_argument("--kirigami", action="store_true", help="takes ten minutes and more")
    return parser.parse_args()


def _row(name: str, repeats: int) -> str:
    network, inputs = zoo.build(name), (torch.zeros(1, 3, 224, 224),)
    weights = zoo.evolvable(network)
    survey, plan = _survey(network, inputs, weights, repeats)
    numbers, _ = timed(lambda: anatomy.survey(network, inputs, weights), 1)
    twice = inputs[0].expand(2, -1, -1, -1)
    with torch.no_grad():
        single, _ = timed(lambda: network(twice), repeats)
    choose, genotype = timed(lambda: zoo.halved(plan), repeats)
    develop, phenotype = timed(lambda: _first_developed(plan, genotype), repeats)
    ours, total = phenotype.network, survey + develop
    theirs, pruned = _torch_pruning(network, inputs, repeats)
    compared = f"{theirs:.3f} | {total / theirs:.2f}" if theirs else "failed | -"
    return (
        f"| {name} | {survey:.3f} | {develop:.3f} | {total:.3f} | {compared} "
        f"| {numbers - survey:.1f} | {(numbers - survey) / single:.0f} | {choose:.3f} "
        f"| {develop / survey:.2f} | {zoo.parameters(network):,} | {_size(ours, inputs)} "
        f"| {_size(pruned, inputs)} |"
    )


def _survey(
    network: nn.Module, inputs: tuple[Any, ...], weights: list[str], repeats: int
) -> tuple[float, anatomy.Anatomy]:
    """Return the CPU time of a survey without what it does by numbers, and the anatomy."""
    whole, plan = timed(lambda: anatomy.survey(network, inputs, weights, numbers=False), repeats)
    body = plan.proved.plan.body
    own, _ = timed(lambda: require_own_parameters(network, body, Arguments.of(inputs)), repeats)
    return whole - own, plan


def _first_developed(plan: anatomy.Anatomy, genotype: Genotype) -> Phenotype:
    plan.proved._known.clear()  # else the second time nothing would be proved
    return plan.develop(genotype)


def timed(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median CPU time of a call, and what it returned last."""
    times, result = [], None
    for _ in range(repeats):
        result = None
        gc.collect()
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return statistics.median(times), result


def _torch_pruning(
    network: nn.Module, inputs: tuple[Any, ...], repeats: int
) -> tuple[float, nn.Module | None]:
    """Return the median CPU time in which the rival halves copies, and the last one."""
    try:
        import torch_pruning as rival
    except ImportError:
        return 0.0, None
    copies = iter([copy.deepcopy(network) for _ in range(repeats)])

    def prune() -> nn.Module:
        twin = next(copies)
        heads = {m: m.num_heads for m in twin.modules() if isinstance(m, nn.MultiheadAttention)}
        rival.pruner.BasePruner(
            twin,
            inputs,
            importance=rival.importance.GroupMagnitudeImportance(p=2),
            pruning_ratio=0.5,
            ignored_layers=[zoo.head(twin)],
            num_heads=heads,
            out_channel_groups={},  # its default is one dict for all calls
        ).step()
        return twin

    try:
        return timed(prune, repeats)
    except Exception as error:  # noqa: BLE001  whatever it is, it is the rival's result
        print(f"torch-pruning: {type(error).__name__}: {error}")
        return 0.0, None


def _kirigami(network: nn.Module) -> float:
    """Return the CPU time in which torch-kirigami halves a network."""
    from torch_kirigami import DependencyGraph, pruning as rival

    def prune() -> Any:
        graph = DependencyGraph.build(network, args=(torch.zeros(1, 3, 224, 224),))
        pruner = rival.Pruner(network, graph=graph)
        plan = pruner.plan(
            pruner.discover_candidates(),
            budget=rival.ChannelRatio(0.5),
            strategy=rival.Greedy(rival.GroupMagnitude(p=2)),
        )
        return pruner.apply(plan)

    return timed(prune, 1)[0]


def _size(network: nn.Module | None, inputs: tuple[Any, ...]) -> str:
    if network is None:
        return "-"
    return f"{zoo.parameters(network):,}" + ("" if zoo.runs(network, inputs) else ", does not run")


def _profile(name: str) -> None:
    network, inputs = zoo.build(name), (torch.zeros(1, 3, 224, 224),)
    for title, sort in (("survey", "cumulative"), ("survey", "tottime"), ("develop", "cumulative")):
        plan = anatomy.survey(network, inputs, zoo.evolvable(network))
        genotype = zoo.halved(plan) if title == "develop" else None
        profiler = cProfile.Profile()
        if genotype is None:
            profiler.runcall(anatomy.survey, network, inputs, zoo.evolvable(network))
        else:
            profiler.runcall(plan.develop, genotype)
        print(f"\n{title} of {name}, by {sort}")
        pstats.Stats(profiler).strip_dirs().sort_stats(sort).print_stats(15)


def _warm_up() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3))
    plan = anatomy.survey(network, (torch.zeros(1, 3, 8, 8),), ["0.weight"])
    plan.develop(zoo.halved(plan))


if __name__ == "__main__":
    main()
