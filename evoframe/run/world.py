"""The world of a run: what a recipe means on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping

import attrs
import torch
from torch import nn

from evoframe import anatomy as anatomies
from evoframe.anatomy import Anatomy
from evoframe.anatomy.timing import timed_by
from evoframe.config.recipe import Recipe
from evoframe.costs.table import LatencyTable
from evoframe.errors import TaskError
from evoframe.evolution.learning import Kept
from evoframe.evolution.strategies import Strategies
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Life
from evoframe.kernel.numbers import require_numbers
from evoframe.registry.signatures import check_signatures
from evoframe.roles import Training
from evoframe.run.checks import remarks
from evoframe.run.checks.probing import probe, tried
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.weights import FileCheckpoint


@attrs.frozen(eq=False)
class World:
    """A recipe come true: the surveyed ancestor on a device, and the folder of the run.

    Attributes:
        recipe: what was asked for.
        folder: where the run is kept.
        device: where its tensors live.
        anatomy: what the survey of the ancestor learned, wired on the device.
        initial: the ancestor as it is before any training.
        remarks: what people should know of data and network before a run.
        surveying: how many seconds it took to survey the ancestor.
        recipes: where the recipe was changed on the way, all that there were, each with the first
            generation that it is for.
        origin: what tells the run from others, for its checkpoints.
    """

    recipe: Recipe
    folder: RunFolder
    device: torch.device
    anatomy: Anatomy
    initial: Genotype
    remarks: tuple[str, ...] = ()
    surveying: float = 0.0
    recipes: tuple[tuple[int, Recipe], ...] = ()
    origin: str = ""

    def at(self, generation: int) -> World:
        """Return the world in which a generation is or was made: with its recipe."""
        known = [recipe for first, recipe in self.recipes if first <= generation]
        if not known or known[-1] is self.recipe:
            return self
        other, device = attrs.evolve(self, recipe=known[-1]), devices.resolve(known[-1].run.device)
        if device == self.device:
            return other
        anatomy, initial = self.anatomy.to(device), self.initial.to(device)
        return attrs.evolve(other, device=device, anatomy=anatomy, initial=initial)

    def ancestor_training(self) -> Training | None:
        """Return the training of the ancestor; None if it comes trained."""
        recipe = self.recipe
        return None if recipe.task.is_trained else recipe.ancestor or recipe.training

    @property
    def key(self) -> Key:
        """The root of all randomness of the run."""
        return Key(self.recipe.run.seed)

    def strategies(self, states: Mapping[str, Kept] | None = None) -> Strategies:
        """Return the strategies that make generations, with what they keep for one of them."""
        recipe = self.recipe
        return Strategies(
            encoding=recipe.encoding,
            environment=recipe.environment,
            heredity=recipe.heredity,
            mutation=recipe.mutation,
            training=recipe.training,
            nurture=recipe.nurture,
            litter=recipe.litter,
            selection=recipe.selection,
            states={entry: one.text for entry, one in (states or {}).items()},
        )

    def context(self, generation: int, ancestor: Genotype, life: Life | None = None) -> Context:
        """Return the context of the calls of a generation.

        Args:
            generation: its number; the ancestor's is 1.
            ancestor: the trained ancestor's genotype, or the untrained one's before it is trained.
            life: what its lives are given; a silent life if nothing is said.
        """
        return Context(
            ancestor=ancestor,
            initial=None if self.recipe.task.is_trained else self.initial.state,
            anatomy=self.anatomy,
            task=self.recipe.task,
            device=self.device,
            generation=generation,
            key=self.key.at("generation", generation),
            life=life or Life(),
        )

    def checkpoint(self, identity: str) -> FileCheckpoint:
        """Return the checkpoint of an individual's life."""
        path, whose = self.folder.checkpoint(identity), f"{identity} {self.origin}"
        return FileCheckpoint(path, self.recipe.run.checkpoint, whose)


def build_world(recipe: Recipe, folder: RunFolder, *, attentive: bool = False) -> World:
    """Return the world of a recipe; nothing is written, so a mistake leaves nothing behind.

    Args:
        recipe: what is to be run.
        folder: where.
        attentive: also look whether examples stand in several splits, for the remarks.

    Raises:
        DeviceError: the device is not there.
        OfferError: a strategy was written for another contract.
        TaskError: the ancestor cannot evolve, or there is nothing to learn from or to judge by.
        ConfigError: a table of latencies cannot be read, or is that of another network.
    """
    for _, strategy in recipe.strategies():
        check_signatures(type(strategy))
    device = devices.resolve(recipe.run.device)
    with devices.arithmetic(device, threads=recipe.run.threads, strict=recipe.run.strict):
        network = ancestor_of(recipe)
        begun = time.perf_counter()
        anatomy = timed(recipe, survey_ancestor(recipe, network))
        taken = time.perf_counter() - begun
        with sealed(Key(recipe.run.seed).at("probe")):
            found = probe(recipe, anatomy.network, attentive=attentive)
    said = (*found, *remarks.of_anatomy(anatomy))
    initial = anatomy.genotype().to(device)
    return World(recipe, folder, device, anatomy.to(device), initial, said, taken)


def ancestor_of(recipe: Recipe) -> nn.Module:
    """Return the untrained or trained ancestor as the task of a recipe makes it.

    Raises:
        TaskError: there is none.
    """
    task, key = recipe.task, Key(recipe.run.seed)
    with sealed(key.at("ancestor")):
        network = tried(task, "ancestor()", lambda: task.ancestor(key.at("ancestor")))
    if not isinstance(network, nn.Module):
        raise TaskError(f"ancestor() of task {task.name!r} gave {network!r}; wanted a module.")
    require_numbers(network)
    return network


def timed(recipe: Recipe, anatomy: Anatomy) -> Anatomy:
    """Return the anatomy with the table of latencies that a recipe names; itself without one.

    Raises:
        ConfigError: the table cannot be read, or is that of another network.
    """
    path = recipe.run.latency_table
    return anatomy if path is None else timed_by(anatomy, LatencyTable.read(path))


def survey_ancestor(recipe: Recipe, network: nn.Module) -> Anatomy:
    """Return the anatomy of the ancestor of a recipe, on the CPU; its task is tried no further.

    Raises:
        TaskError: it cannot evolve.
    """
    task = recipe.task
    return anatomies.survey(
        network,
        tried(task, "example_inputs()", task.example_inputs),
        tried(task, "evolvable(network)", lambda: task.evolvable(network)),
        training_inputs=tried(task, "training_inputs()", task.training_inputs),
        **attrs.asdict(recipe.anatomy, recurse=False),
    )
