"""Run: reading what a run has brought forth, its networks too."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
from torch import nn

from evoframe.anatomy import Anatomy
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError
from evoframe.export.delivered import Delivered
from evoframe.export.writing import export, require_free
from evoframe.kernel import wanted
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.precision import bits_of
from evoframe.run import binding
from evoframe.run.continuing import again
from evoframe.run.continuing.reopening import ordinary_tensors, require_same_network, survey_again
from evoframe.run.disk import constants
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.record import open_recipe, open_task
from evoframe.run.disk.standing_in import StandIn
from evoframe.run.disk.weights import load_genotype
from evoframe.run.living import dropping
from evoframe.run.recorded import Recorded


@attrs.frozen(eq=False, slots=False)
class Run(Recorded):
    """A run as it stands on disk at the time of asking; it is never changed from here.

    Attributes:
        path: the run folder.
        ready: strategies that the record cannot hold, by role table; needed for
            :meth:`network` only.
    """

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that was run; where it was changed on the way, the last."""
        self._require_as_begun()
        return open_recipe(RunFolder(self.path), self.ready)[0]

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
        folder = self.export_folder(format) if out is None else wanted.path("out", out)
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

    def _require_as_begun(self) -> None:
        """Refuse to build networks of a recipe that is not the one that was run."""
        binding.require_as_begun(RunFolder(self.path))
