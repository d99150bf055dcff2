"""Recorded: what the record of a run says, without any code that the run names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.convert import run_options
from evoframe.config.files import Tables, table
from evoframe.errors import RunError
from evoframe.kernel import wanted
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.lineage import ancestry
from evoframe.run import binding, notebook, states
from evoframe.run.checks.remarks import of_delivery
from evoframe.run.described import (
    described,
    frame,
    is_sound_throughout,
    litter_in_json,
    plain,
    training_in_json,
)
from evoframe.run.disk.account import Account
from evoframe.run.disk.digest import run_digest
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.facts import ENDING, PICK, SURVEY
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.reading import code_named, metrics_on_record
from evoframe.run.disk.record import RECORD, read_record
from evoframe.run.living import heats


def _path(given: str | Path) -> Path:
    return wanted.path("path", given)


@attrs.frozen(eq=False, slots=False)
class Recorded:
    """What is on record of a run, for which no code is run that the run names.

    Attributes:
        path: the run folder.
        ready: strategies that the record cannot hold, by role table; needed for
            networks only.
    """

    path: Path = attrs.field(converter=_path)
    ready: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        read_record(RunFolder(self.path))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Everything in the journal about individuals, read once."""
        with self._journal() as journal:
            return journal.entries()

    @cached_property
    def individuals(self) -> tuple[Individual, ...]:
        """All individuals, by generation and place; the ancestor is the first."""
        return tuple(entry.individual for entry in self.entries)

    def __getitem__(self, identity: str) -> Individual:
        for one in self.individuals:
            if one.id == identity:
                return one
        raise RunError(f"there is no individual {identity!r} in {self.path}.")

    @property
    def ancestor(self) -> Individual:
        """The individual that all others descend from.

        Raises:
            RunError: the run was ended before it was trained.
        """
        if not self.entries:
            raise RunError(
                f"no individual is on record in {self.path} yet. Continue with "
                f"`evoframe resume {self.path}`."
            )
        return self.individuals[0]

    @property
    def best(self) -> Individual:
        """The individual that the run delivers.

        While it goes on, the first of the last generation in which anybody's metrics are finite.
        """
        chosen = self._fact(PICK)
        if chosen is not None:
            return self[chosen]
        alive = [one for one in self.individuals if is_sound_throughout(one)] or [self.ancestor]
        return next(one for one in alive if one.generation == alive[-1].generation)

    @property
    def ending(self) -> str | None:
        """Why the run ended; None while it has not."""
        return self._fact(ENDING)

    def digest(self) -> str:
        """Return 32 hex digits that two runs share only if they agree in every bit."""
        return run_digest(self.entries)

    def efficiency(self, one: Individual) -> float:
        """Return the factor by which an individual has fewer synapses than the ancestor."""
        return self.ancestor.synapses / one.synapses if one.synapses else math.inf

    def lineage(self, identity: str) -> tuple[Individual, ...]:
        """Return an individual and all its forebears, youngest first."""
        self[identity]
        return ancestry(identity, self.individuals)

    def states(self) -> dict[str, Any]:
        """Return the state of strategies across generations: by generation, and by their entries.

        Those of a generation are what its lives were given; none are there before offspring are.
        """
        last = self.individuals[-1].generation if self.entries else 0
        with self._journal() as journal:
            return states.described(journal, last + 1)

    def account(self, identity: str) -> Account:
        """Return the account of the life that brought forth an individual's genotype.

        It is empty in runs of versions that put none on record.
        """
        with self._journal() as journal:
            return journal.account(self[identity].genotype_id) or Account()

    def accounts(self) -> dict[str, Account]:
        """Return the accounts of all lives, by individual."""
        with self._journal() as journal:
            return journal.accounts()

    def epochs(self) -> dict[str, float]:
        """Return the epochs that each individual was trained for, by id, where they are known.

        An elite was trained for none: it carries what somebody else was trained for.
        """
        told = {name: one.epochs for name, one in self.accounts().items()}
        return {name: epochs for name, epochs in told.items() if epochs is not None}

    @property
    def metric(self) -> Metric:
        """The primary metric, as it is on record: no code that the run names is run for it.

        Its unit is the one that the ancestor's value decides.
        """
        if "task" in self.ready:
            found: Metric = self.ready["task"].primary
        else:
            found = (self.metrics_on_record or self._metrics())[0]
        if not self.entries or (fitness := self.ancestor.fitness) is None:
            return found
        return found.beside(fitness.value(found.name))

    def code(self) -> list[str]:
        """The files and modules that the run names, whose code a network of it needs."""
        return code_named(self.tables)

    @property
    def metrics_on_record(self) -> tuple[Metric, ...]:
        """The metrics of the task, the primary one first; empty for runs from before that."""
        with self._journal() as journal:
            told = journal.told(SURVEY).get("metrics", ())
        return tuple(Metric.from_table(one) for one in told)

    @property
    def layers_on_record(self) -> tuple[tuple[str, int], ...]:
        """The parameters that evolve, with how many synapses the ancestor has in each."""
        with self._journal() as journal:
            told = journal.told(SURVEY).get("layers", ())
        return tuple((str(one["name"]), math.prod(one["shape"])) for one in told)

    @property
    def remarks(self) -> list[str]:
        """Sentences on the run and what it delivers; none if all is as one would think."""
        given = run_options(self.tables)
        edits = [
            f"run.toml was edited after the run began: {words}"
            for words in binding.edits(RunFolder(self.path))
        ]
        with self._journal() as journal:
            said = journal.remarks()
        return said + edits + of_delivery(self.individuals, self.best.id, self.metric, given)

    def as_json(self) -> dict[str, Any]:
        """Return all there is to say of the run, for other programs."""
        accounts = self.accounts()
        with self._journal() as journal:
            rungs = heats.standings(journal)
        return {
            "digest": self.digest(),
            "finished": self.ending,
            "best": self.best.id if self.entries else None,
            "remarks": self.remarks if self.entries else [],
            "recipe": plain({n: one for n, one in self.tables.items() if n != RECORD}),
            "individuals": [
                self._described(one, accounts, rungs.get(one.id, [])) for one in self.individuals
            ],
            "states": plain(self.states()),
        }

    def _described(
        self, one: Individual, accounts: Mapping[str, Account], rungs: Sequence[Entry]
    ) -> dict[str, Any]:
        told = described(one, self.efficiency(one))
        # An elite carries what somebody else was trained for.
        trained = training_in_json(accounts.get(one.genotype_id, Account()), rungs)
        return told | trained | litter_in_json(accounts.get(one.id, Account()).looks)

    def frame(self) -> Any:
        """Return a pandas table, a row for each individual: sizes, metrics, seconds.

        Raises:
            RunError: pandas is not installed.
        """
        return frame(self.entries)

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: what came out of the run, and its individuals."""
        if not self.entries:
            return notebook.empty(self.path)
        shown = notebook.Shown(self.path, self.individuals, self.best, self.metric, self.ending)
        return notebook.table(shown)

    @property
    def tables(self) -> Tables:
        """What ``run.toml`` says: the recipe, and the record."""
        return read_record(RunFolder(self.path))

    def _recorded(self) -> Mapping[str, Any]:
        return table(self.tables.get(RECORD, {}), RECORD)

    def _metrics(self) -> tuple[Metric, ...]:
        return tuple(metrics_on_record(self.tables, self.individuals))

    def _fact(self, name: str) -> str | None:
        with self._journal() as journal:
            return journal.fact(name)

    def _journal(self) -> closing[Journal]:
        return closing(Journal(RunFolder(self.path).journal, writable=False))
