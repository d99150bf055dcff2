"""The arms of the head-to-head that let go of channels slowly: two cuts, and `decay` in between.

As in two generations, but the life between the cuts is one of a run, with a nurture by which what
the second cut takes goes to zero before it leaves.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable

import torch
from head_to_head_arms import STEP, Cut, flops, frozen, ours
from head_to_head_generations import BETWEEN
from head_to_head_problems import Problem

import evoframe
from evoframe.kernel.key import Key

EPOCHS = 3
"""Of the life between; the decay is doubled from each to the next."""

ASKED = 5
"""Batches in each epoch that tell what is rescued."""

Arm = Callable[[Problem, float, Key, int, float], Cut]


def decayed(
    problem: Problem,
    share: float,
    key: Key,
    passes: int,
    rate: float,
    *,
    strength: float,
    penalty: str = "square",
    rescue: bool = True,
) -> Cut:
    """Return what is left after a cut, a life in which what is to leave decays, and another cut.

    Args:
        problem: of the ancestor.
        share: of its FLOPs that may be left.
        key: of the life.
        passes: of all; a part of them go into this life.
        rate: the largest learning rate.
        strength: of the decay in the first epoch; 0 for none at all.
        penalty: on squares of weights or on their norms.
        rescue: keep a bundle that the loss pulls harder than it decays.
    """
    half = share**0.5
    each = STEP * EPOCHS * half
    count = int(BETWEEN * passes / each) // problem.batch_size * problem.batch_size
    drawn = torch.from_numpy(key.at("learned").shuffled(problem.recovery)[:count])
    inputs, wanted = (one[drawn] for one in problem.school())
    inputs, wanted = problem.varied((inputs, wanted), key.at("variation").generator())
    learned = (problem.ready(inputs), wanted)
    judged = tuple(one[: problem.batch_size] for one in learned)
    task = evoframe.task(
        network=frozen(problem.restated()),
        train=learned,
        validation=judged,
        loss=problem.loss,
        batch_size=problem.batch_size,
    )
    decay = {
        "use": "decay",
        "strength": strength,
        "penalty": penalty,
        "rescue": rescue,
        "batches": ASKED,
    }
    recipe = {
        "run": {"generations": 2, "seed": key.at("run").integer() % 2**31},
        "encoding": {
            "use": "cluster",
            "of": "bundle",
            "draw": False,
            "importance": "magnitude",
            "scope": "layer",
        },
        "environment": {"use": "budget", "cost": "flops", "share": half, "least": share},
        "nurture": [{"use": "repair"}, *([decay] if strength else [])],
        "training": {
            "use": "gradient",
            "epochs": EPOCHS,
            "learning_rate": rate,
            "weight_decay": 5e-4,
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        run = evoframe.evolve(
            task, recipe=recipe, out=f"{folder}/run", device=problem.device, executor="serial"
        )
        last = next(one for one in run.individuals if one.generation == 2)
        network = frozen(evoframe.plain(run.network(last.id)).cpu())
    whole = flops(problem.ancestor, problem)
    left = flops(network, problem) / whole
    cut = ours(
        problem,
        share / left,
        key.at("second"),
        network=network,
        importance="magnitude",
        scope="layer",
        repair=10,
    )
    asked = STEP * ASKED * problem.batch_size * EPOCHS * left if strength and rescue else 0.0
    learning = STEP * EPOCHS * count * left
    repaired = 10 * problem.batch_size
    return Cut(cut.network, learning + asked + repaired + cut.passes * left)


DECAYS: dict[str, Arm] = {
    "decay-none": functools.partial(decayed, strength=0.0),
    **{
        f"decay-{penalty}-{strength:g}{'' if rescue else '-unrescued'}": functools.partial(
            decayed, strength=strength, penalty=penalty, rescue=rescue
        )
        for penalty in ("square", "norm")
        for strength in (0.003, 0.01, 0.03, 0.1, 0.3)
        for rescue in (True, False)
    },
}
"""Arms by name."""
