"""Together: jobs of an executor that are several lives, trained as one computation.

A cohort is lived as a whole: who was put on record before a kill is lived once more with those who
were not, and left as it is on record. So nobody's weights depend on when a run was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from evoframe.evolution.birth import Birth
from evoframe.kernel.life import Life
from evoframe.roles.executor import Send
from evoframe.run import mishaps
from evoframe.run.disk.entry import Entry
from evoframe.run.living.announcing import LifeAnnouncer
from evoframe.run.living.cohorts import Cohort, lived_by
from evoframe.run.living.lives import Lives, put_on_disk

SHARED, GROWN = "training", "development"
"""The phase that lives of a cohort have at once, timed in one of them, and the one before it."""


@attrs.frozen(eq=False)
class Together:
    """Lives one cohort after another: what an executor maps over the cohorts of a generation."""

    lives: Lives

    @property
    def folder(self) -> Path:
        """The path of the run."""
        return self.lives.folder

    def __call__(self, cohort: Cohort, send: Send) -> tuple[Entry, ...]:
        """Return those who were due, after their lives; their genotypes are on disk by then."""
        start, world = time.perf_counter(), self.lives.world
        recall = self.lives.recall.at(world)
        announcers = [self._announcer(birth, cohort, send) for birth in cohort.births]
        # A cohort is put down as a whole, where its first would be.
        checkpoint = world.checkpoint(cohort.births[0].id)
        lives = [Life(announcer=one, checkpoint=checkpoint) for one in announcers]
        with mishaps.in_words(_where(cohort.births), world):
            newborns = lived_by(world, recall.ancestor(), recall, cohort.births, lives)
        _share(announcers)
        seconds = (time.perf_counter() - start) / len(newborns)
        entries = [
            put_on_disk(newborn, world, checkpoint, seconds, announcer.watch, recall)
            for newborn, announcer in zip(newborns, announcers, strict=True)
            if newborn.individual.id in cohort.due
        ]
        # What was told of the cohort is told with the first, and once.
        told = (*recall.told, *checkpoint.told)
        return tuple(
            attrs.evolve(entry, told=() if place else told) for place, entry in enumerate(entries)
        )

    def _announcer(self, birth: Birth, cohort: Cohort, send: Send) -> LifeAnnouncer:
        # Nobody hears twice of somebody who is on record.
        heard = self.lives.heard if birth.id in cohort.due else frozenset[str]()
        return LifeAnnouncer(send, heard, self.lives.phase)


def _where(births: Sequence[Birth]) -> str:
    who = births[0].id if len(births) == 1 else f"{births[0].id} to {births[-1].id}"
    return f"{who} of generation {births[0].generation}"


def _share(announcers: Sequence[LifeAnnouncer]) -> None:
    """Give each life its share of the seconds that all took at once."""
    whole = sum(one.watch.seconds.get(SHARED, 0.0) for one in announcers)
    grown = [one for one in announcers if GROWN in one.watch.seconds]
    for one in grown:
        one.watch.seconds[SHARED] = whole / len(grown)
