"""The proof of a plan: round after round, what broke is explained or kept, until nothing breaks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan import Plan, ProvedPlan
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.plan.finding import AT
from evoframe.anatomy.proof.blame import Blame, blamed
from evoframe.anatomy.proof.numbers import Numbers
from evoframe.anatomy.proof.probes import Probe, block_probes, classes_of, left_by, probes
from evoframe.anatomy.proof.removals import FEW_LEFT_AND_MOST, HALVES, Which, removals
from evoframe.anatomy.proof.size_attributes import find_size_attributes
from evoframe.anatomy.proof.trials import EVALUATION, LEARNING, TRAINING, Mode
from evoframe.anatomy.trace.trace import Barrier

PATIENCE = 4
"""After how many rounds a layer that still breaks keeps all of its channels."""

IN_PATTERN = "in this pattern"
"""How a barrier says that some lines of a grid stay, while channels can leave otherwise."""

ROUNDS = 8
"""How often the proof is begun again with more channels kept, before all of them are."""


TRIALS: tuple[tuple[tuple[Mode, ...], Which], ...] = (
    ((EVALUATION, TRAINING), HALVES[0]),
    ((EVALUATION, TRAINING), HALVES[1]),
    ((EVALUATION,), FEW_LEFT_AND_MOST[0]),
    ((EVALUATION, TRAINING), FEW_LEFT_AND_MOST[1]),
)
"""What is tried by numbers, and how; every layer is part of every set. What no set before has taken
away is tried in training with gradients, a pass with which costs three without."""


BLOCKS = 2
"""Every so many of the blocks are taken away at once, by turns."""


def prove(plan: Plan, numbers: Numbers | None = None) -> ProvedPlan:
    """Return the plan with everything kept whose removal would break or change the network.

    Args:
        plan: what rules allow.
        numbers: what removals are tried with on real inputs; None to go by shapes alone.
    """
    plan = _blocks_by_shapes(_by_shapes(plan))
    if numbers is None or numbers.trains is None or not plan.trace.knows_channels:
        return ProvedPlan(plan)
    tried = _by_numbers(plan, numbers)
    return ProvedPlan(tried, refuted=tried is not plan)


def _by_shapes(plan: Plan) -> Plan:
    """Return the plan with everything kept whose removal would break the forward pass.

    One removable set of each layer is taken away, all at once. Where that fails, the sets that
    are to blame are found; numbers in attributes that explain it follow from then on, and what
    nothing explains is kept.
    """
    for attempt in range(ROUNDS):
        broken = blamed(plan, probes(plan), plan.check)
        if not broken:
            return plan
        attributes, hopeless = find_size_attributes(plan, broken)
        plan = attrs.evolve(plan, size_attributes=(*plan.size_attributes, *attributes))
        # Lines that are kept one at a time may take many rounds; a whole layer ends it.
        plan = _keeping(plan, hopeless, entirely=attempt >= PATIENCE)
    return _keeping_all(plan, "its channels could not be told apart by removing them")


def _blocks_by_shapes(plan: Plan) -> Plan:
    """Return the plan with the blocks kept without which the forward pass breaks."""
    for _ in range(ROUNDS):
        if not (broken := blamed(plan, block_probes(plan), plan.check)):
            return plan
        plan = _keeping(plan, broken, entirely=True)
    kept = plan.bundles.kept.clone()
    kept[[one.channel for one in plan.blocks]] = True
    return attrs.evolve(plan, bundles=attrs.evolve(plan.bundles, kept=kept))


def _by_numbers(plan: Plan, numbers: Numbers) -> Plan:
    """Return the plan with everything kept whose removal would change what is computed.

    Sets of removals, which together take everything once, are tried as a whole; only where one
    of them changes something are the layers that are to blame looked for.
    """
    for _ in range(ROUNDS):
        broken = _first_broken(plan, numbers)
        if not broken:
            return plan
        plan = _keeping(plan, broken, entirely=True)
    return _keeping_all(plan, "smaller networks compute something else, whatever is removed")


def _first_broken(plan: Plan, numbers: Numbers) -> list[Blame]:
    """Return the culprits in the first set of removals that changes what is computed."""
    proved, learned = ProvedPlan(plan), torch.zeros_like(plan.bundles.kept)
    for usual, which in TRIALS:
        some = removals(plan, which)
        if not some:
            continue
        trial = numbers.trial(proved, left_by(plan.bundles, some))
        # Where code goes another way for half of the channels, halves may not have been built.
        modes = (EVALUATION, LEARNING) if bool((trial.gone & ~learned).any()) else usual
        learned |= trial.gone
        if numbers.check(trial, modes) is not None:
            return blamed(plan, some, partial(_checked, proved, numbers, modes))
    return _first_broken_block(plan, numbers)


def _first_broken_block(plan: Plan, numbers: Numbers) -> list[Blame]:
    """Return the culprits among blocks, which leave by turns, once with channels beside them."""
    proved = ProvedPlan(plan)
    for turn in range(BLOCKS):
        some = block_probes(plan)[turn::BLOCKS]
        beside = removals(plan, HALVES[0]) if turn else []
        tried = partial(_checked, proved, numbers, (EVALUATION, LEARNING))
        if some and (broken := blamed(plan, [*some, *beside], tried)):
            return broken
    tried = partial(_checked, proved, numbers, (EVALUATION,))
    return blamed(plan, block_probes(plan), tried)


def _checked(
    proved: ProvedPlan, numbers: Numbers, modes: Sequence[Mode], staying: Tensor
) -> Mismatch | None:
    """Return the mismatch of a network of these channels with the masked ancestor, if any."""
    return numbers.check(numbers.trial(proved, staying), modes)


def _keeping_all(plan: Plan, reason: str) -> Plan:
    everything = torch.ones_like(plan.bundles.kept)
    return attrs.evolve(
        plan,
        bundles=attrs.evolve(plan.bundles, kept=everything),
        barriers=(*plan.barriers, Barrier("the whole network", reason)),
    )


def _keeping(plan: Plan, broken: Sequence[Blame], *, entirely: bool) -> Plan:
    """Return the plan in which what broke cannot be removed any more.

    With ``entirely``, nothing else of those layers can be removed either.
    """
    if not broken:
        return plan
    kept, grids = plan.bundles.kept.clone(), list(plan.bundles.grids)
    barriers, of_blocks = list(plan.barriers), list(plan.block_barriers)
    for probe, seen in broken:
        if probe.block:
            kept[probe.channels] = True
            reason = f"it cannot leave as a whole: {seen.reason}"
            of_blocks.append(Barrier(f"{AT} {probe.block}", reason, line=seen.line))
            continue
        if entirely or probe.grid is None:
            kept[probe.channels] = True
            what = "its channels cannot be removed"
        else:
            for index, axes in _lines_like(plan, probe):
                grids[index] = attrs.evolve(grids[index], fixed=(*grids[index].fixed, *axes))
            what = f"its channels cannot be removed {IN_PATTERN}"
        barriers.append(Barrier(probe.layer, f"{what}: {seen.reason}", line=seen.line))
    bundles = attrs.evolve(plan.bundles, kept=kept, grids=tuple(grids))
    return attrs.evolve(
        plan,
        bundles=bundles,
        barriers=tuple(dict.fromkeys(barriers)),
        block_barriers=tuple(dict.fromkeys(of_blocks)),
    )


def _lines_like(plan: Plan, probe: Probe) -> list[tuple[int, list[int]]]:
    """Return every grid that has the line of a probe, with the axes along which it has it.

    The same heads stand in the grids of queries, keys and values; what cannot leave one of them
    cannot leave the others.
    """
    gone, found = torch.zeros_like(plan.bundles.kept), []
    gone[probe.gone] = True
    for index in plan.bundles.grids_with(probe.gone):
        channels = plan.bundles.grids[index].channels
        flags, axes = gone[channels], []
        for axis in range(channels.ndim):
            # The lines along this axis that leave as a whole.
            lost = flags.movedim(axis, 0).flatten(1).all(1).nonzero().flatten()
            lines = channels.index_select(axis, lost).unbind(axis)
            if any(classes_of(plan.bundles, line.reshape(-1)) == probe.line for line in lines):
                axes.append(axis)
        found.append((index, axes))
    return found
