"""The world of a run: what a recipe means on this machine, and how a life is lived in it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import nn

from evoframe import anatomy as anatomies
from evoframe.anatomy import Anatomy
from evoframe.config.recipe import Recipe
from evoframe.errors import EvoframeError, TaskError
from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.generation import live, raise_ancestor
from evoframe.evolution.strategies import Strategies
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.events import Event, Phase, Silence
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import ANCESTOR
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Life
from evoframe.roles import Split, Task
from evoframe.roles.executor import Send
from evoframe.roles.task import examples_in
from evoframe.run.folder import RunFolder
from evoframe.run.journal import Entry, Journal
from evoframe.run.record import open_recipe
from evoframe.run.weights import FileCheckpoint, load_genotype, save_genotype


@attrs.frozen(eq=False)
class World:
    """A recipe come true: the surveyed ancestor on a device, and the folder of the run.

    Attributes:
        recipe: what was asked for.
        folder: where the run is kept.
        device: where its tensors live.
        anatomy: the ancestor's body plan, wired on the device.
        initial: the ancestor as it is before any training.
    """

    recipe: Recipe
    folder: RunFolder
    device: torch.device
    anatomy: Anatomy
    initial: Genotype

    @property
    def key(self) -> Key:
        """The root of all randomness of the run."""
        return Key(self.recipe.run.seed)

    def strategies(self) -> Strategies:
        """Return the strategies that make generations."""
        recipe = self.recipe
        return Strategies(
            encoding=recipe.encoding,
            environment=recipe.environment,
            heredity=recipe.heredity,
            mutation=recipe.mutation,
            training=recipe.training,
            nurture=recipe.nurture,
            selection=recipe.selection,
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
        """Return where the life of an individual is put down."""
        return FileCheckpoint(self.folder.checkpoint(identity), self.recipe.run.checkpoint)


def build_world(recipe: Recipe, folder: RunFolder) -> World:
    """Return the world of a recipe; nothing is written, so a mistake leaves nothing behind.

    Raises:
        DeviceError: the device is not there.
        TaskError: the ancestor cannot evolve, or there is nothing to learn from or to judge by.
    """
    device = devices.resolve(recipe.run.device)
    task, key = recipe.task, Key(recipe.run.seed)
    with devices.arithmetic(device, threads=recipe.run.threads, strict=recipe.run.strict):
        with sealed(key.at("ancestor")):
            network = _tried(task, "ancestor()", lambda: task.ancestor(key.at("ancestor")))
        if not isinstance(network, nn.Module):
            raise TaskError(f"ancestor() of task {task.name!r} gave {network!r}; wanted a module.")
        anatomy = anatomies.survey(
            network,
            _tried(task, "example_inputs()", task.example_inputs),
            _tried(task, "evolvable(network)", lambda: task.evolvable(network)),
            **attrs.asdict(recipe.anatomy, recurse=False),
        )
        with sealed(key.at("probe")):
            _probe(recipe, network)
    return World(recipe, folder, device, anatomy.to(device), anatomy.genotype().to(device))


def _probe(recipe: Recipe, network: nn.Module) -> None:
    """Try the task once on its untrained ancestor, so that mistakes cost seconds.

    Raises:
        TaskError: the call that went wrong, and how.
    """
    task = recipe.task
    if not task.metrics:
        raise TaskError(f"task {task.name!r} has no metric; wanted at least the primary one.")
    batch = _first(task, "train", "learn from")
    for environment in recipe.environment:
        environment.check(recipe.encoding)
    recipe.encoding.check(task)
    recipe.heredity.check(task)
    recipe.selection.check(task)
    for training in (recipe.training, recipe.ancestor):
        if training is not None:
            training.check(task)
    twin = copy.deepcopy(network).cpu().eval()
    cpu = torch.device("cpu")
    loss = _tried(task, "step(network, batch)", lambda: task.step(twin, devices.move(batch, cpu)))
    if not isinstance(loss, torch.Tensor) or loss.ndim or not loss.requires_grad:
        found = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else repr(loss)
        raise TaskError(
            f"step() of task {task.name!r} gave {found}; wanted a scalar tensor with a gradient "
            "(not all parameters frozen, nothing detached)."
        )
    batch = _first(task, "validation", "judge by")
    with torch.no_grad():
        measured = _tried(
            task, "measure(network, batch)", lambda: task.measure(twin, devices.move(batch, cpu))
        )
    missing = [one.name for one in task.metrics if one.name not in measured]
    if missing:
        raise TaskError(
            f"task {task.name!r} names the metric {missing[0]!r}, but measure() gave "
            f"{', '.join(measured) or 'nothing'}."
        )


def _first(task: Task, split: Split, purpose: str) -> Any:
    found = _tried(
        task,
        f"batches({split!r})",
        lambda: next((batch for batch in task.batches(split) if examples_in(batch)), None),
    )
    if found is not None:
        return found
    raise TaskError(
        f"task {task.name!r} has no {split} batch; wanted at least one example to {purpose}."
    )


def _tried(task: Task, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except EvoframeError:
        raise
    except Exception as error:
        raise TaskError(
            f"{what} of task {task.name!r} raised {type(error).__name__}: {error}"
        ) from error


@attrs.frozen(eq=False)
class Lives:
    """Lives one birth after another: what an executor maps over the births of a generation.

    It travels to another process as the path of the run, and builds its world anew there.
    """

    world: World
    generation: int
    heard: frozenset[str]
    phase: Callable[[Phase], Any] | None = None

    def __call__(self, birth: Birth, send: Send) -> Entry:
        """Return the finished individual; its genotype is on disk by then."""
        run, start = self.world.recipe.run, time.perf_counter()
        checkpoint = self.world.checkpoint(birth.id)
        announcer = LifeAnnouncer(send, self.heard, self.phase)
        life = Life(announcer=announcer, checkpoint=checkpoint)
        with devices.arithmetic(self.world.device, threads=run.threads, strict=run.strict):
            recall = Recall.of(self.world)
            context = self.world.context(self.generation, recall.genotype(ANCESTOR), life)
            newborn = live(birth, self.world.strategies(), context, recall)
        return finished(newborn, self.world, checkpoint, time.perf_counter() - start)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.world.recipe.can_be_rebuilt:
            raise TypeError("a strategy was made in Python and is in no file or module")
        return _reopened, (self.world.folder.path, self.generation, self.heard)


def live_ancestor(world: World, send: Send, heard: frozenset[str], phase: Any) -> Entry:
    """Return the ancestor, trained if it did not come trained; its genotype is on disk by then.

    Raises:
        StillbornError: its training broke down.
    """
    recipe, start = world.recipe, time.perf_counter()
    training = None if recipe.task.is_trained else recipe.ancestor or recipe.training
    checkpoint = world.checkpoint(ANCESTOR)
    life = Life(announcer=LifeAnnouncer(send, heard, phase), checkpoint=checkpoint)
    context = world.context(1, world.initial, life)
    with devices.arithmetic(world.device, threads=recipe.run.threads, strict=recipe.run.strict):
        newborn = raise_ancestor(world.initial, training, context)
    return finished(newborn, world, checkpoint, time.perf_counter() - start)


def adopt_ancestor(world: World, founder: RunFolder) -> Entry:
    """Return the ancestor of another run of the same origin; its genotype is on disk by then.

    Raises:
        DamagedError: its file is not what the journal of its run recorded.
    """
    recall = Recall.of(attrs.evolve(world, folder=founder))
    save_genotype(recall.genotype(ANCESTOR), world.folder.genotype(ANCESTOR))
    return recall.entries[ANCESTOR]


def finished(newborn: Newborn, world: World, checkpoint: FileCheckpoint, seconds: float) -> Entry:
    """Put a genotype on disk and return the entry for the journal, which comes after it."""
    one, digest = newborn.individual, ""
    if newborn.genotype is not None:
        digest = newborn.genotype.digest()
        save_genotype(newborn.genotype, world.folder.genotype(one.id))
    elif one.genotype:  # an elite carries its parent's genotype
        digest = Recall.of(world).digest(one.genotype)
    checkpoint.clear()
    return Entry(one, digest, seconds)


@attrs.frozen(eq=False)
class Recall:
    """Fetches individuals of a run from its folder, on the run's device."""

    world: World
    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, world: World) -> Recall:
        """Return a recall of everybody who is in the journal now."""
        journal = Journal(world.folder.journal, writable=False)
        try:
            return cls(world, {entry.individual.id: entry for entry in journal.entries()})
        finally:
            journal.close()

    def __call__(self, identity: str) -> Parent:
        """Return an individual with its genotype.

        Raises:
            DamagedError: its file is not what the journal recorded.
        """
        individual = self.entries[identity].individual
        return Parent(individual, self.genotype(individual.genotype))

    def genotype(self, identity: str) -> Genotype:
        """Return the genotype that was stored under an id."""
        path = self.world.folder.genotype(identity)
        return load_genotype(path, self.digest(identity)).to(self.world.device)

    def digest(self, identity: str) -> str:
        """Return the digest of the genotype that was stored under an id."""
        return self.entries[identity].digest


@attrs.frozen(eq=False)
class LifeAnnouncer:
    """Carries the events of a life to the observers that hear them."""

    send: Send
    heard: frozenset[str]
    wrap: Callable[[Phase], Any] | None

    def tell(self, hook: str, event: Callable[[], Event]) -> None:
        """Make and send an event, if anybody hears it."""
        if hook in self.heard:
            self.send(hook, event())

    def phase(self, phase: Phase) -> Any:
        """Return the observers' context where they are in this process, else an empty one."""
        if self.wrap is None or "evoframe_phase" not in self.heard:
            return Silence().phase(phase)
        return self.wrap(phase)


@lru_cache(maxsize=1)
def _world_of(path: Path) -> World:
    folder = RunFolder(path)
    recipe, _ = open_recipe(folder)
    return build_world(recipe, folder)


def _reopened(path: Path, generation: int, heard: frozenset[str]) -> Lives:
    return Lives(_world_of(path), generation, heard)
