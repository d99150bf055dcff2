"""Together: lives of a generation whose trainings are one computation.

Each is conceived alone, and judged alone afterwards. In between all networks of a cohort have the
same channels, those of any of them, so that their tensors have one shape; what is dead in a network
is masked in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import torch

from evoframe.errors import ConfigError, ContractError, StillbornError
from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.blame import acting
from evoframe.evolution.contract import require_trained, require_type
from evoframe.evolution.elsewhere import Begun, Unschooled, begun, lost, schooled, unschooled
from evoframe.evolution.generation import Recall
from evoframe.evolution.heats import needs_rungs
from evoframe.evolution.strategies import Strategies
from evoframe.evolution.telling import step
from evoframe.kernel.context import Context
from evoframe.kernel.events import OffspringTrained
from evoframe.kernel.life import TrainingResult
from evoframe.roles.litter import Litter
from evoframe.roles.nurture import Nurture
from evoframe.roles.pausing import says_itself
from evoframe.roles.selection import Selection
from evoframe.roles.training import Training


def cohorts(births: Sequence[Birth], size: int) -> list[tuple[Birth, ...]]:
    """Return the births of a generation in cohorts, by their places; elites are in none.

    Args:
        births: all of the generation, whoever is on record: who is trained with whom must not
            depend on when a run was interrupted.
        size: how many are trained together; the last cohort may be smaller.
    """
    ours = [birth for birth in births if not birth.family.elite]
    return [tuple(ours[start : start + size]) for start in range(0, len(ours), size)]


def live_together(
    lives: Sequence[tuple[Birth, Context]], strategies: Strategies, recall: Recall
) -> list[Newborn]:
    """Return the individuals of a cohort after their lives, in their order.

    Args:
        lives: each birth, with the context of its generation and the life that it is given.
        strategies: those that act; there are no nurtures and no litter among them.
        recall: fetches parents.
    """
    ones = [begun(birth, strategies, run, recall) for birth, run in lives]
    young = _grown([one for one in ones if isinstance(one, Begun)])
    results = iter(_trained(young, strategies) if young else ())
    waiting = iter(young)
    return [
        one if isinstance(one, Newborn) else _ended(next(waiting), strategies, next(results))
        for one in ones
    ]


def _grown(ones: Sequence[Begun]) -> list[Unschooled]:
    """Return the networks of all, with the channels that any of them has."""
    if not ones:
        return []
    needed = [one.conception.context.anatomy.channels(one.genotype) for one in ones]
    within = torch.stack(needed).any(0)
    return [unschooled(one, within) for one in ones]


def _trained(
    young: Sequence[Unschooled], strategies: Strategies
) -> Sequence[TrainingResult | StillbornError]:
    training, first = strategies.training, young[0].conception.context
    with ExitStack() as stack:
        stack.enter_context(step("training", first))
        stack.enter_context(acting(training, first))
        for one in young:
            stack.enter_context(one.conception.watch.unchanged())
        state = strategies.states.get("training")
        lives = [one.conception for one in young]
        contexts = [life.watch.informed(life.context, state) for life in lives]
        results = training.train_together([one.phenotype for one in young], contexts)
        require_type(results, Sequence, "results of training")
        if len(results) != len(young):
            raise ContractError(f"it returned {len(results)} results; wanted {len(young)}")
        for one, result in zip(young, results, strict=True):
            if not isinstance(result, StillbornError):
                require_trained(result, one.phenotype)
    return results


def _ended(
    one: Unschooled, strategies: Strategies, result: TrainingResult | StillbornError
) -> Newborn:
    if isinstance(result, StillbornError):
        return lost(one.birth, result, one.conception)
    context = one.conception.context
    told = OffspringTrained(context.id, result.epochs, result.loss)
    context.life.announcer.tell("evoframe_offspring_trained", lambda: told)
    return schooled(one, strategies.training, result, None)


def require_cohorts(
    training: Training,
    nurtures: Sequence[Nurture],
    litter: Litter | None,
    selection: Selection,
    *,
    approximate: bool,
) -> None:
    """Refuse who cannot be in a recipe whose lives are trained together.

    Raises:
        ConfigError: who, and what to do instead.
    """
    if training.together == 1:
        return
    if not says_itself(training, "train_together"):
        raise ConfigError(
            f"training {training.name!r} is to train {training.together} lives together, and has "
            "no train_together() of its own. Use training 'gradient', or set its together to 1."
        )
    others: list[tuple[str, str]] = [
        (f"nurture {one.name!r}", "acts within one life") for one in nurtures
    ]
    if litter is not None:
        others.append((f"litter {litter.name!r}", "trains siblings of one birth"))
    if needs_rungs(selection):
        others.append((f"selection {selection.name!r}", "lets some of a generation wait"))
    if approximate:
        others.append(
            ("anatomy.approximate", "makes what a network computes depend on its channels")
        )
    if others:
        who, why = others[0]
        raise ConfigError(
            f"training.together is {training.together}, but {who} {why}. Leave it out, or set "
            "training.together to 1."
        )
