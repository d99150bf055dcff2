"""Facts: all that a page tells of a run, read from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Any

import attrs

from evoframe.config import files
from evoframe.config.convert import run_options
from evoframe.config.recipe import RunOptions
from evoframe.errors import RunError
from evoframe.kernel.individual import Individual, Metric, Origin
from evoframe.kernel.population import is_sound
from evoframe.report.arms import BASELINES
from evoframe.run.checks.remarks import of_delivery
from evoframe.run.disk.account import Account
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.facts import LATENCY, SECONDS, SURVEY
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.record import RECORD, read_record
from evoframe.run.disk.standing_in import SESSION
from evoframe.run.run import Run


@attrs.frozen(eq=False, slots=False)
class Facts:
    """A run as its record tells of it; the network and the task are not needed.

    Attributes:
        run: the run.
        tables: the resolved recipe.
        recorded: versions and fingerprints.
        accounts: of lives, by individual; of some or none where an earlier version ran.
        survey: layers and barriers of the ancestor; empty in runs of an earlier version.
        latency: how fast networks were; empty where the run did not measure it.
        sessions: when processes took up the run.
        seconds: how long it has been lived, all sessions together.
        said: sentences that people were told.
    """

    run: Run
    tables: files.Tables
    recorded: Mapping[str, Any]
    accounts: Mapping[str, Account]
    survey: Mapping[str, Any]
    latency: Mapping[str, Any]
    sessions: tuple[tuple[str, Mapping[str, Any]], ...]
    seconds: float
    said: tuple[str, ...]

    @classmethod
    def of(cls, run: Run) -> Facts:
        """Return the facts of a run as it stands.

        Raises:
            RunError: nobody is on record yet.
        """
        tables = read_record(RunFolder(run.path))
        recorded = files.table(tables.pop(RECORD, {}), RECORD)
        assert run.ancestor  # refused in words where there is none
        with closing(Journal(RunFolder(run.path).journal, writable=False)) as journal:
            return cls(
                run=run,
                tables=tables,
                recorded=recorded,
                accounts=journal.accounts(),
                survey=journal.told(SURVEY),
                latency=journal.told(LATENCY),
                sessions=tuple(journal.sessions()),
                seconds=float(journal.fact(SECONDS) or 0.0),
                said=tuple(journal.remarks()),
            )

    # --- who ---------------------------------------------------------------------------------

    @cached_property
    def everyone(self) -> tuple[Individual, ...]:
        """All individuals, by generation and place."""
        return self.run.individuals

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The journal's entries, by individual."""
        return {entry.individual.id: entry for entry in self.run.entries}

    @cached_property
    def ancestor(self) -> Individual:
        """The first of all."""
        return self.everyone[0]

    @cached_property
    def best(self) -> Individual:
        """The one that is delivered; while the run goes on, the first of the last generation."""
        return self.run.best

    @cached_property
    def ending(self) -> str | None:
        """Why the run ended; None while it has not."""
        return self.run.ending

    @cached_property
    def lineage(self) -> frozenset[str]:
        """The ids of the delivered individual and all its forebears."""
        return frozenset(one.id for one in self.run.lineage(self.best.id))

    def sound(self) -> list[Individual]:
        """Return everybody whose primary metric is finite; elites once, as who they were."""
        return [
            one
            for one in self.everyone
            if is_sound(one, self.metric) and one.origin is not Origin.ELITE
        ]

    @cached_property
    def baselines(self) -> dict[str, Facts]:
        """The baselines of the comparison that the run is an arm of, with its seed; else none."""
        here = self.run.path.absolute()
        mine, out = here.parent.name, here.parent.parent
        if not (out / "compare.json").is_file():
            return {}
        names = sorted(one.name for one in out.iterdir() if _is_baseline(one.name))
        runs = {
            name: Run(out / name / here.name)
            for name in names
            if name != mine and RunFolder(out / name / here.name).exists()
        }
        found = {name: Facts.of(run) for name, run in runs.items() if run.entries}
        return {name: one for name, one in found.items() if one.metric == self.metric}

    # --- what was measured ---------------------------------------------------------------------

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics on record, the primary one first; empty where the record is silent."""
        found = self.run.metrics_on_record
        session = files.table(self.recorded.get(SESSION, {}), SESSION)
        if not found and session.get("metrics"):
            found = tuple(Metric.from_table(one) for one in session["metrics"])
        whole = self.ancestor.fitness
        return found if whole is None else tuple(m.beside(whole.value(m.name)) for m in found)

    @cached_property
    def metric(self) -> Metric:
        """The primary metric, or the first by name where the record does not say which it is."""
        if self.metrics:
            return self.metrics[0]
        fitness = self.ancestor.fitness
        names = sorted(fitness.validation) if fitness else []
        if fitness is None or not names:
            raise RunError(f"nothing was measured of the ancestor of {self.run.path}.")
        return Metric(names[0], maximise=names[0] != "loss").beside(fitness.value(names[0]))

    @property
    def knows_better(self) -> bool:
        """Whether the record says which metric decides, and which way is better."""
        return bool(self.metrics)

    def value(self, one: Individual) -> float:
        """Return the primary metric of somebody living, on validation."""
        assert one.fitness is not None
        return one.fitness.validation[self.metric.name].value

    def costs(self, one: Individual) -> dict[str, float]:
        """Return the sizes of an individual, and its latency as an environment told it."""
        if one.fitness is None:
            return {}
        account = self.account(one)
        told = {} if account.latency is None else {"latency": account.latency}
        return {**one.fitness.costs, **told}

    def account(self, one: Individual) -> Account:
        """Return the account of a life; of an elite, what it has is its parent's."""
        mine = self.accounts.get(one.id, Account())
        if one.origin is not Origin.ELITE:
            return mine
        carried = self.accounts.get(one.genotype_id, Account())
        return attrs.evolve(carried, phases=mine.phases)

    # --- what was asked for ----------------------------------------------------------------------

    @cached_property
    def options(self) -> RunOptions:
        """The options of the run."""
        return run_options(self.tables)

    @property
    def layers(self) -> list[Mapping[str, Any]]:
        """The layers that evolve, as the survey found them; none in earlier records."""
        return list(self.survey.get("layers", ()))

    @property
    def barriers(self) -> list[Mapping[str, Any]]:
        """What keeps channels, that which holds back most first."""
        return list(self.survey.get("barriers", ()))

    def remarks(self) -> list[str]:
        """Return sentences that people should know of the run and what it delivers."""
        if not self.knows_better:
            return list(self.said)
        told = of_delivery(self.everyone, self.best.id, self.metric, self.options)
        return [*self.said, *told]


def _is_baseline(name: str) -> bool:
    """Tell whether a folder of a comparison is that of an arm that is always there."""
    return name.partition("-")[0] in BASELINES
