"""The arms of the head-to-head that let go of channels slowly: two cuts, and `decay` in between.

As in two generations, but the life between the cuts is one of a run, with a nurture by which what
the second cut takes goes to zero before it leaves.
"""

from __future__ import annotations

import functools
import tempfile
from typing import Any

import torch
from head_to_head_arms import STEP, Cut, LateArm, flops, frozen, ours
from head_to_head_generations import BETWEEN
from head_to_head_problems import Problem

import evoframe
from evoframe.kernel.key import Key
from evoframe.roles import Task

EPOCHS = 3
"""Of the life between; the decay is doubled from each to the next."""

ASKED = 5
"""Batches in each epoch that tell what is rescued."""


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
    each = STEP * EPOCHS * share**0.5
    count = int(BETWEEN * passes / each) // problem.batch_size * problem.batch_size
    task = _learned_from(problem, count, key)
    decay = {
        "use": "decay",
        "strength": strength,
        "penalty": penalty,
        "rescue": rescue,
        "batches": ASKED,
    }
    recipe = _one_life(share, rate, key.at("run"), [decay] if strength else [])
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


def _learned_from(problem: Problem, count: int, key: Key) -> Task:
    """Return the task of a problem with so many of its examples, each varied once."""
    drawn = torch.from_numpy(key.at("learned").shuffled(problem.recovery)[:count])
    inputs, wanted = (one[drawn] for one in problem.school())
    inputs, wanted = problem.varied((inputs, wanted), key.at("variation").generator())
    learned = (problem.ready(inputs), wanted)
    return evoframe.task(
        network=frozen(problem.restated()),
        train=learned,
        validation=tuple(one[: problem.batch_size] for one in learned),
        loss=problem.loss,
        batch_size=problem.batch_size,
    )


def _one_life(share: float, rate: float, key: Key, nurture: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the recipe of a run of one life, after the first of two equal cuts to a share."""
    cut = {"of": "bundle", "draw": False, "importance": "magnitude", "scope": "layer"}
    learning = {"epochs": EPOCHS, "learning_rate": rate, "weight_decay": 5e-4}
    return {
        "run": {"generations": 2, "seed": key.integer() % 2**31},
        "encoding": {"use": "cluster", **cut},
        "environment": {"use": "budget", "cost": "flops", "share": share**0.5, "least": share},
        "nurture": [{"use": "repair"}, *nurture],
        "training": {"use": "gradient", **learning},
    }


DECAYS: dict[str, LateArm] = {
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
