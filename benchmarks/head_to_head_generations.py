"""The arms of the head-to-head that cut in generations: a little, train, cut again.

Each generation takes the same share of the FLOPs that are left, and all but the last are trained
for a part of the passes; what that costs, the last one's training lacks.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any

from head_to_head_arms import STEP, Cut, LateArm, flops, frozen, ours, torch_pruning
from head_to_head_litters import CHOOSERS
from head_to_head_problems import Learning, Problem, estimate_statistics

from evoframe.kernel.key import Key

BETWEEN = 0.4
"""Part of all passes that goes into the generations before the last one, alike into each."""


def in_generations(
    problem: Problem,
    share: float,
    key: Key,
    passes: int,
    rate: float,
    *,
    cuts: Sequence[Callable[..., Cut]],
) -> Cut:
    """Return the last of a line of networks, cut from one that was cut and trained before."""
    network, spent, generations = frozen(problem.restated()), 0.0, len(cuts)
    whole = flops(network, problem)
    part = passes * BETWEEN / (generations - 1)
    for generation, cut in enumerate(cuts):
        now = key.at("generation", generation)
        left = flops(network, problem) / whole
        found = cut(problem, share ** ((generation + 1) / generations) / left, now, network=network)
        network, spent = found.network, spent + found.passes * left
        if generation < generations - 1:
            each = problem.batch_size * STEP * flops(network, problem) / whole
            estimate_statistics(network, problem, now.at("statistics"))
            steps = int(part / each)
            learning = Learning(network, problem, problem.school(), steps, rate, now.at("training"))
            learning.go_on(steps)
            spent += steps * each
            network = copy.deepcopy(network).cpu()
    return Cut(network, spent)


def _ours(importance: str, scope: str, *, depth: bool = False) -> Callable[..., Cut]:
    return functools.partial(ours, importance=importance, scope=scope, depth=depth, repair=10)


def _theirs(importance: str, scope: str) -> Callable[..., Cut]:
    return functools.partial(torch_pruning, importance=importance, scope=scope)


def _climbing(problem: Problem, share: float, key: Key, **options: Any) -> Cut:
    return CHOOSERS["climb"](problem, share, key, 0, 0.0, **options)


CUTS = {
    "magnitude-layer-repaired": _ours("magnitude", "layer"),
    "magnitude-layer-depth-repaired": _ours("magnitude", "layer", depth=True),
    "magnitude-alike-repaired": _ours("magnitude", "alike"),
    "fisher-alike-repaired": _ours("fisher", "alike"),
    "fisher-alike-depth-repaired": _ours("fisher", "alike", depth=True),
    "torch-pruning-magnitude-local": _theirs("magnitude", "local"),
    "torch-pruning-magnitude-global": _theirs("magnitude", "global"),
    "torch-pruning-magnitude-isomorphic": _theirs("magnitude", "isomorphic"),
    "torch-pruning-taylor-isomorphic": _theirs("taylor", "isomorphic"),
}
"""Cuts that are the same in all generations."""

LAST = {
    "magnitude-layer-then-depth": (
        "magnitude-layer-repaired",
        _ours("magnitude", "layer", depth=True),
    ),
    "fisher-alike-then-depth": ("fisher-alike-repaired", _ours("fisher", "alike", depth=True)),
    "fisher-alike-depth-then-widths": (
        "fisher-alike-depth-repaired",
        _ours("fisher", "alike"),
    ),
    "magnitude-layer-depth-then-widths": (
        "magnitude-layer-depth-repaired",
        _ours("magnitude", "layer"),
    ),
    "magnitude-layer-then-climb": ("magnitude-layer-repaired", _climbing),
}
"""A cut of all generations but the last, and the one of the last."""

GENERATIONS: dict[str, LateArm] = {
    **{
        f"{name}-{count}-generations": functools.partial(in_generations, cuts=(cut,) * count)
        for count in (2, 3)
        for name, cut in CUTS.items()
    },
    **{
        f"{name}-{count}-generations": functools.partial(
            in_generations, cuts=(*(CUTS[first],) * (count - 1), last)
        )
        for count in (2, 3)
        for name, (first, last) in LAST.items()
    },
}
"""Arms by name."""
