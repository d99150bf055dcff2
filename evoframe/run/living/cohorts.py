"""Cohorts of a run: lives that are trained as one computation, whatever they are lived for."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.generation import Recall
from evoframe.evolution.together import cohorts, live_together
from evoframe.kernel import device as devices
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.life import Life
from evoframe.run import states
from evoframe.run.world import World


@attrs.frozen
class Cohort:
    """Births whose lives are one job.

    Attributes:
        births: who is trained together, or one who is not trained.
        due: the ids of those who are not on record.
    """

    births: tuple[Birth, ...]
    due: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the first, by which executors call the job."""
        return self.births[0].id


def jobs_of(births: Sequence[Birth], missing: Sequence[Birth], size: int) -> list[Cohort]:
    """Return the jobs that bring all who are missing in a generation.

    Args:
        births: all of the generation.
        missing: those who are not on record.
        size: how many lives are trained together.
    """
    due = {birth.id for birth in missing}
    elites = [(birth,) for birth in births if birth.family.elite]
    found = [
        Cohort(group, tuple(birth.id for birth in group if birth.id in due))
        for group in (*elites, *cohorts(births, size))
    ]
    return [cohort for cohort in found if cohort.due]


def lived_by(
    world: World,
    ancestor: Genotype,
    recall: Recall,
    births: Sequence[Birth],
    lives: Sequence[Life],
) -> list[Newborn]:
    """Return the newborns of a cohort after their lives, in their order.

    Args:
        world: of the run, with the recipe of the generation.
        ancestor: its genotype.
        recall: fetches parents.
        births: of the cohort.
        lives: what each is given on top of its phenotype.
    """
    run, generation = world.recipe.run, births[0].generation
    with devices.arithmetic(world.device, threads=run.threads, strict=run.strict):
        strategies = world.strategies(states.on_record(world, generation))
        contexts = [world.context(generation, ancestor, life) for life in lives]
        return live_together(list(zip(births, contexts, strict=True)), strategies, recall)
