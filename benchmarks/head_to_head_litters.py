"""The arms of the head-to-head that choose among siblings: fittest, climb and halving.

All siblings stray from the ranking of the best arm without a litter, and are repaired as that is
before anybody looks at them. Looks and the training of those that were not chosen count in passes,
so there is less training for the one that was; what halving has trained of it goes on.
"""

from __future__ import annotations

import copy
import functools
import math
from typing import Any

import attrs
import numpy as np
import torch
from head_to_head_arms import FLOOR, SCORED, STEP, Cut, LateArm, flops, frozen
from head_to_head_problems import Learning, Problem
from torch import nn

from evoframe import anatomy
from evoframe.evolution.brood import Siblings
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.drawing.brood import Sibling
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import masked
from evoframe.kernel.judged import passes
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Life, TrainingResult
from evoframe.kernel.limits import Ceiling
from evoframe.kernel.phenotype import Phenotype
from evoframe.once.wish import ranking
from evoframe.strategies.environment.bundling import by_bundle
from evoframe.strategies.litter import Climb, Fittest
from evoframe.strategies.nurture.repair import Repair
from evoframe.strategies.task.making import task

REPAIRED = 10
"""Batches on which layers are repaired."""

SEEN = 6400
"""Training examples of which siblings are judged, and repaired, by some."""

RUNGS = ((6, 0.04), (3, 0.12))
"""Of halving: so many siblings are trained for this part of the whole schedule, then judged."""


def brood_of(
    problem: Problem, share: float, key: Key, network: nn.Module | None = None, **options: Any
) -> Siblings:
    """Return the siblings of a cut of a network, else of the ancestor, to a share of its FLOPs.

    With ``depth``, blocks may leave.

    What is schooled is only repaired: its training is the benchmark's own.
    """
    network = network or frozen(problem.restated())
    drawn = torch.from_numpy(key.at("seen").shuffled(problem.recovery)[:SEEN])
    inputs, wanted = (one[drawn] for one in problem.school())
    data = (problem.ready(inputs), wanted)
    own = task(
        network=network, train=data, validation=data, loss=problem.loss,
        batch_size=problem.batch_size,
    )  # fmt: skip
    depth = options.pop("depth", False)
    plan = anatomy.survey(network, own.example_inputs(), own.evolvable(network), depth=depth)
    whole, nurtures = plan.genotype(), (Repair(REPAIRED),)
    life, cpu = Life(companions=nurtures), torch.device("cpu")
    context = Context(whole, None, plan, own, cpu, 2, key.at("litter"), life=life)
    inheritance = Inheritance(whole.masks, whole.strengths(), masked(whole.state, whole.masks))
    encoding = ranking(**{"importance": "magnitude", "scope": "layer", "batches": SCORED} | options)
    limit = plan.costs(whole)["flops"] * share
    with sealed(context.key.at("seal")):
        evidence = Evidence(inheritance, context.at("evidence"))
        dna = by_bundle(encoding.encode(inheritance, evidence, context), plan.clusters("bundle"))
    dna = attrs.evolve(dna, ceilings=(Ceiling({"flops": 1.0}, limit, FLOOR, what="FLOPs"),))

    def schooled(sibling: Sibling, _until: float, _after: TrainingResult | None) -> TrainingResult:
        return TrainingResult(repaired(brood, sibling), 0, math.nan)

    brood = Siblings(dna, inheritance, context, schooled)
    return brood


def repaired(brood: Siblings, sibling: Sibling) -> Phenotype:
    """Return the network of a sibling, as it is when it is judged."""
    return brood.newborn(sibling, ready=True)


def of_litter(
    problem: Problem,
    share: float,
    key: Key,
    _passes: int,
    _rate: float,
    *,
    litter: Any,
    **options: Any,
) -> Cut:
    """Return the sibling that a litter chooses, untrained."""
    brood = brood_of(problem, share, key, **options)
    result = litter.raise_one(brood, brood.context.at("litter"))
    network = frozen(result.phenotype.network)
    return Cut(network, _spent(problem, brood))


def halving(
    problem: Problem, share: float, key: Key, whole: int, rate: float, **options: Any
) -> Cut:
    """Return the last of several siblings, of which fewer and fewer have been trained on."""
    brood = brood_of(problem, share, key, **options)
    first, sizes = brood.only(), [count for count, _ in RUNGS]
    group = [first, *(brood.another(around=first, step=0.05) for _ in range(sizes[0] - 1))]
    parts = np.diff([0.0, *(part for _, part in RUNGS)])
    # Of the whole schedule, what others take besides the one that is trained to its end.
    others = sum((count - 1) * part for count, part in zip(sizes, parts, strict=True))
    looks = 8 * problem.batch_size * share * (sum(sizes))
    left = whole - REPAIRED * problem.batch_size - looks
    steps = int(left / (problem.batch_size * STEP * share * (1 + others)))
    learners = [
        Learning(
            frozen(repaired(brood, one).network), problem, problem.school(), steps, rate,
            key.at("training"),
        )
        for one in group
    ]  # fmt: skip
    spent = REPAIRED * problem.batch_size
    for (_, part), kept in zip(RUNGS, [*sizes[1:], 1], strict=True):
        before = [one.taken for one in learners]
        for one in learners:
            one.go_on(round(part * steps))
        costs = [problem.batch_size * _share(problem, one.network) for one in learners]
        spent += sum(
            STEP * cost * (one.taken - had)
            for cost, one, had in zip(costs, learners, before, strict=True)
        )
        losses = [_loss(brood, one.network) for one in learners]
        spent += sum(8 * cost for cost in costs)
        order = np.argsort(losses, kind="stable")
        learners = [learners[at] for at in order[:kept]]
    (last,) = learners
    spent -= last.taken * problem.batch_size * STEP * _share(problem, last.network)
    return Cut(last.network, spent, last)


def _loss(brood: Siblings, network: nn.Module) -> float:
    """Return the loss on four batches, with statistics that are estimated on them."""
    return brood.bench.score(copy.deepcopy(network).cpu(), "loss", 4 * 64)


def _spent(problem: Problem, brood: Siblings) -> float:
    return REPAIRED * problem.batch_size + passes(brood.looks)


def _share(problem: Problem, network: nn.Module) -> float:
    return flops(network, problem) / flops(problem.ancestor, problem)


CHOOSERS: dict[str, LateArm] = {
    "fittest": functools.partial(of_litter, litter=Fittest(size=24, examples=256, step=0.1)),
    "fittest-near": functools.partial(of_litter, litter=Fittest(size=24, examples=256, step=0.02)),
    "climb": functools.partial(
        of_litter, litter=Climb(steps=6, offspring=4, share=0.02, examples=(64, 256), keep=0.5)
    ),
    "halving": halving,
}

LITTERS: dict[str, LateArm] = {
    f"{name}{ending}": functools.partial(arm, **options)
    for name, arm in CHOOSERS.items()
    for ending, options in (("", {}), ("-depth", {"depth": True}))
}
"""Arms by name."""
