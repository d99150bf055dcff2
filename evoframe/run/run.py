"""Run: reading what a run has brought forth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
from torch import nn

from evoframe.anatomy import Anatomy
from evoframe.config.convert import run_options
from evoframe.config.files import Tables, table
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError
from evoframe.export.delivered import Delivered
from evoframe.export.writing import export, require_free
from evoframe.kernel.arguments import Arguments
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.lineage import ancestry
from evoframe.kernel.precision import bits_of
from evoframe.run import again, binding, constants, dropping, heats, notebook, states
from evoframe.run.account import Account
from evoframe.run.described import (
    described,
    frame,
    is_sound_throughout,
    litter_in_json,
    plain,
    training_in_json,
)
from evoframe.run.digest import run_digest
from evoframe.run.entry import Entry
from evoframe.run.facts import ENDING, PICK, SURVEY
from evoframe.run.folder import RunFolder
from evoframe.run.journal import Journal
from evoframe.run.reading import code_named, metrics_on_record
from evoframe.run.record import RECORD, open_recipe, open_task, read_record
from evoframe.run.remarks import of_delivery
from evoframe.run.reopening import ordinary_tensors, require_same_network, survey_again
from evoframe.run.standing_in import StandIn
from evoframe.run.weights import load_genotype


@attrs.frozen(eq=False, slots=False)
class Run:
    """A run as it stands on disk at the time of asking; it is never changed from here.

    Attributes:
        path: the run folder.
        ready: strategies that the record cannot hold, by role table; needed for
            :meth:`network` only.
    """

    path: Path = attrs.field(converter=Path)
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
                f"nobody is on record in {self.path} yet. Go on with `evoframe resume {self.path}`."
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

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that was run; where it was changed on the way, the last."""
        self._require_as_begun()
        return open_recipe(RunFolder(self.path), self.ready)[0]

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

    def genotype(self, identity: str) -> Genotype:
        """Return the genotype of a living individual, on the CPU; lived again if it was dropped.

        Raises:
            RunError: there is no such individual, or it was stillborn.
            DamagedError: its file is not what the journal recorded.
        """
        one = self[identity]
        if not one.is_alive:
            raise RunError(f"{identity} was stillborn ({one.stillborn}): it has no genotype.")
        if one.genotype_id in self.dropped:
            folder = RunFolder(self.path)
            return again.lived_again(folder, self.recipe, self.ready, one.genotype_id)
        entry = next(e for e in self.entries if e.individual.id == one.genotype_id)
        return load_genotype(RunFolder(self.path).genotype(one.genotype_id), entry.digest)

    @cached_property
    def dropped(self) -> frozenset[str]:
        """The ids of individuals whose weights are not there, as ``run.keep`` says.

        Whoever asks for their networks waits until they and their forebears were lived again.
        """
        with self._journal() as journal:
            found = dropping.on_record(journal)
        folder = RunFolder(self.path)
        return frozenset(one for one in found if not folder.genotype(one).exists())

    def network(self, identity: str | None = None) -> nn.Module:
        """Return the trained network of an individual, or of the best, in evaluation mode.

        It is an ordinary module on the CPU. Absent synapses stay absent however it is trained,
        in its copies too; :func:`evoframe.plain` ends that. The ancestor is made and surveyed
        again, so its task must be at hand; its loss and data are not asked for.

        Raises:
            RunError: there is no such individual, or it was stillborn.
            DamagedError: its file is not what the journal recorded.
            ConfigError: the task lived in a Python session and was not handed over again.

        >>> network = evoframe.open_run("first", task=task).network()
        >>> network[0].out_features < 16
        True
        """
        return self.delivered(identity).lasting()

    def delivered(self, identity: str | None = None) -> Delivered:
        """The network of an individual, or of the best, with all that an export needs to know."""
        one = identity or self.best.id
        genotype = self.genotype(one)
        require_same_network(self.anatomy.network, genotype, self.path)
        with ordinary_tensors():
            phenotype = self.anatomy.develop(genotype)
            return Delivered(
                identity=one,
                network=phenotype.network.eval(),
                masks=phenotype.masks,
                genotype=genotype,
                blueprint=self.anatomy.blueprint(genotype),
                inputs=Arguments.of(self.grown_from.task.example_inputs()),
                bits=bits_of(self[one].notes),
            )

    def export(
        self,
        out: str | Path | None = None,
        *,
        format: str = "state",  # noqa: A002  as the command line calls it
        individual: str | None = None,
        force: bool = False,
    ) -> Path:
        """Write a network for use elsewhere, as ``evoframe export`` does; return the folder.

        Args:
            out: a new folder; ``export-FORMAT`` in that of the run if not given.
            format: ``state`` (for :func:`evoframe.load`), ``torch-export`` or ``onnx``.
            individual: whose network; the best's if not given.
            force: replace the folder if it is there.

        Raises:
            ExportError: the folder is there, or the network cannot be written in this form.
        """
        folder = self.export_folder(format) if out is None else Path(out)
        require_free(folder, force=force)
        export(self.delivered(individual), format, folder, force=force)
        return folder

    def export_folder(self, form: str) -> Path:
        """Where an export goes if nobody says where."""
        return self.path / f"export-{form}"

    @cached_property
    def anatomy(self) -> Anatomy:
        """The anatomy of the ancestor, surveyed again, on the CPU.

        Raises:
            ConfigError: the task lived in a Python session and was not handed over again.
            RunError: a network was given in its place that is not the one that was evolved.
        """
        anatomy = survey_again(self.grown_from, self._recorded(), self.path)
        constants.require_equal(self._recorded(), anatomy.network, self.path)
        return anatomy

    @cached_property
    def grown_from(self) -> Recipe:
        """As much of the recipe as networks are grown from: its task, and how it was surveyed."""
        self._require_as_begun()
        return open_task(RunFolder(self.path), self.ready)

    @property
    def metric(self) -> Metric:
        """The primary metric, as it is on record: no code that the run names is run for it."""
        if "task" in self.ready:
            return self.ready["task"].primary  # type: ignore[no-any-return]
        return (self.metrics_on_record or self._metrics())[0]

    def code(self) -> list[str]:
        """The files and modules that the run names, whose code a network of it needs."""
        return code_named(self.tables)

    @property
    def metrics_on_record(self) -> tuple[Metric, ...]:
        """The metrics of the task, the primary one first; empty for runs from before that."""
        with self._journal() as journal:
            told = journal.told(SURVEY).get("metrics", ())
        return tuple(Metric(one["name"], maximise=one["maximise"]) for one in told)

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
        return (
            said + edits + of_delivery(self.individuals, self.best.id, self.metric, given.max_drop)
        )

    def with_network(self, factory: Callable[[], Any]) -> Run:
        """The same run, with a network for a task that lived in a Python session.

        Args:
            factory: builds the network that was evolved, or a pair of that and a tuple of example
                inputs; weights do not matter.
        """
        task = StandIn(
            factory=factory,
            recorded=self._recorded(),
            names=tuple(self.genotype(self.ancestor.id).masks),
            known=tuple(self._metrics()),
        )
        return Run(self.path, {**self.ready, "task": task})

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

    def _require_as_begun(self) -> None:
        """Refuse to build networks of a recipe that is not the one that was run."""
        binding.require_as_begun(RunFolder(self.path))

    def _recorded(self) -> Mapping[str, Any]:
        return table(self.tables.get(RECORD, {}), RECORD)

    def _metrics(self) -> tuple[Metric, ...]:
        return tuple(metrics_on_record(self.tables, self.individuals))

    def _fact(self, name: str) -> str | None:
        with self._journal() as journal:
            return journal.fact(name)

    def _journal(self) -> closing[Journal]:
        return closing(Journal(RunFolder(self.path).journal, writable=False))
