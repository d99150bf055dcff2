"""Lives: what an executor maps over the births of a generation, and the ancestor's life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from evoframe.errors import ContractError, listing
from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.blame import blamed
from evoframe.evolution.contract import require_type
from evoframe.evolution.generation import live, raise_ancestor
from evoframe.kernel import device as devices
from evoframe.kernel.events import Phase
from evoframe.kernel.individual import ANCESTOR
from evoframe.kernel.life import Life
from evoframe.kernel.rungs import Heat
from evoframe.roles.executor import Executor, Send
from evoframe.run import binding, mishaps, resuming, states, targets
from evoframe.run.disk.account import Account, Stopwatch, left_of_layers
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.record import RECORD, open_recipe, read_record
from evoframe.run.disk.weights import FileCheckpoint, save_genotype
from evoframe.run.living.announcing import LifeAnnouncer
from evoframe.run.living.recall import OnRecord, Recall, keep_twice
from evoframe.run.living.waiting import Waiting
from evoframe.run.world import World, build_world


@attrs.frozen(eq=False)
class Lives:
    """Lives one birth after another: what an executor maps over the births of a generation.

    It travels to another process as the path of the run, and builds its world anew there.

    Attributes:
        world: of the run.
        recall: fetches individuals.
        generation: which one is lived.
        heard: the hooks that observers hear.
        phase: wraps phases in the contexts of observers.
        heat: the rung of the generation, with its number; None if lives are lived in one go.
        away: for other machines, what is different here from the record; None for this one.
    """

    world: World
    recall: Recall
    generation: int
    heard: frozenset[str]
    phase: Callable[[Phase], Any] | None = None
    heat: tuple[int, Heat] | None = None
    away: tuple[str, ...] | None = None

    @property
    def folder(self) -> Path:
        """The path of the run."""
        return self.world.folder.path

    def __call__(self, birth: Birth, send: Send) -> Entry:
        """Return the individual after its life; its genotype is on disk by then."""
        run, start = self.world.recipe.run, time.perf_counter()
        checkpoint = self.world.checkpoint(birth.id)
        announcer = LifeAnnouncer(send, self.heard, self.phase)
        life = self._in_heat(Life(announcer=announcer, checkpoint=checkpoint), birth)
        with devices.arithmetic(self.world.device, threads=run.threads, strict=run.strict):
            recall, kept = self.recall.at(self.world), states.on_record(self.world, self.generation)
            with mishaps.in_words(f"{birth.id} of generation {self.generation}", self.world):
                context = self.world.context(self.generation, recall.ancestor(), life)
                newborn = live(birth, self.world.strategies(kept), context, recall)
        took = time.perf_counter() - start, announcer.watch
        entry = put_on_disk(newborn, self.world, checkpoint, *took, recall)
        return attrs.evolve(entry, told=(*recall.told, *entry.told))

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.world.recipe.can_be_rebuilt:
            raise TypeError("a strategy was made in Python and is in no file or module")
        # Without ``phase``: contexts of observers stay in the process of the observers.
        return _reopened, (self.folder, self.generation, self.heard, self.heat, self.away)

    def _in_heat(self, life: Life, birth: Birth) -> Life:
        """Return a life that is lived on a rung, if its generation is."""
        if self.heat is None or birth.family.elite:
            return life
        number, heat = self.heat
        whose = f"{birth.id} {self.world.origin}"
        waiting = Waiting(self.world.folder, birth.id, whose, number, heat.until)
        return attrs.evolve(life, bookmark=waiting, rung=waiting.rung())


@contextmanager
def at_work(executor: Executor) -> Iterator[Executor]:
    """Keep what an executor keeps as long as a run goes on; it swallows nothing that is raised.

    Raises:
        StrategyError: it failed to begin or to end.
    """
    with ExitStack() as stack:
        with blamed(executor, "executor"):
            context = executor.open()
            require_type(context, AbstractContextManager, "a context manager")
            opened = context.__enter__()
            stack.push(lambda *raised: _left(executor, context, raised))
            require_type(opened, Executor, "an Executor, as what the context of open() gives")
        yield opened


def _left(executor: Executor, context: AbstractContextManager[Any], raised: Any) -> bool:
    with blamed(executor, "executor"):
        context.__exit__(*raised)
    return False


def lived(executor: Executor, lives: Lives, births: Sequence[Birth], send: Send) -> Iterator[Entry]:
    """Yield the entry of each birth once, as an executor brings them.

    Raises:
        StrategyError: the executor failed, lost a life, or brought something else.
    """
    due = {birth.id for birth in births}
    yield from brought(executor, lives, births, due, send)


def brought(
    executor: Executor,
    live: Callable[[Any, Send], Entry | tuple[Entry, ...]],
    jobs: Sequence[Any],
    due: set[str],
    send: Send,
) -> Iterator[Entry]:
    """Yield the entries of jobs, which are one life or several each; raises as :func:`lived`.

    Args:
        executor: brings them.
        live: lives the life or the lives of a job.
        jobs: what to call it with.
        due: the ids of all who are wanted.
        send: takes events.
    """
    due = set(due)
    with blamed(executor, "executor"):
        found = executor.map(live, jobs, send)
        require_type(found, Iterable, "an iterator over results")
        for result in found:
            for entry in result if isinstance(result, tuple) else (result,):
                require_type(entry, Entry, "the result of each life")
                if entry.individual.id not in due:
                    raise ContractError(
                        f"it brings {entry.individual.id} twice; wanted each life once"
                    )
                due.remove(entry.individual.id)
                yield entry
        if due:
            lost = listing(due)
            raise ContractError(f"it lost {lost}: no result came; wanted each life once")


def live_ancestor(world: World, send: Send, heard: frozenset[str], phase: Any) -> Entry:
    """Return the ancestor, trained if it did not come trained; its genotype is on disk by then.

    Raises:
        StillbornError: its training broke down.
    """
    run, start = world.recipe.run, time.perf_counter()
    checkpoint = world.checkpoint(ANCESTOR)
    announcer = LifeAnnouncer(send, heard, phase)
    life = Life(announcer=announcer, checkpoint=checkpoint)
    context = world.context(1, world.initial, life)
    with (
        mishaps.in_words(f"{ANCESTOR}, the ancestor", world),
        devices.arithmetic(world.device, threads=run.threads, strict=run.strict),
    ):
        training = world.ancestor_training()
        newborn = raise_ancestor(world.initial, training, context)
    took = time.perf_counter() - start, announcer.watch
    return put_on_disk(newborn, world, checkpoint, *took)


def adopt_ancestor(world: World, founder: RunFolder) -> Entry:
    """Return the ancestor of another run of the same origin; its genotype is on disk by then.

    Raises:
        DamagedError: its file is not what the journal of its run recorded.
    """
    recall = Recall.of(attrs.evolve(world, folder=founder))
    keep_twice(recall.genotype(ANCESTOR), world.folder)
    with closing(Journal(founder.journal, writable=False)) as journal:
        account = journal.account(ANCESTOR)
    return attrs.evolve(recall.entries[ANCESTOR], account=account, told=tuple(recall.told))


def put_on_disk(
    newborn: Newborn,
    world: World,
    checkpoint: FileCheckpoint,
    seconds: float,
    watch: Stopwatch,
    recall: Recall | None = None,
) -> Entry:
    """Put a genotype on disk and return the entry for the journal, which comes after it.

    Args:
        newborn: after its life.
        world: of the run.
        checkpoint: of the life, which is over.
        seconds: how long the life took.
        watch: knows what each of its phases took.
        recall: who is on record already; nobody is when the ancestor lives.
    """
    one, digest = newborn.individual, ""
    if newborn.genotype is not None:
        digest = newborn.genotype.digest()
        if one.id == ANCESTOR:
            keep_twice(newborn.genotype, world.folder, digest)
        else:
            save_genotype(newborn.genotype, world.folder.genotype(one.id), digest)
    elif recall is not None and one.genotype_id:  # an elite carries its parent's genotype
        digest = recall.digest(one.genotype_id)
    # The genotype is on disk by now; a kill before the journal knows it costs this life once more.
    checkpoint.clear()
    return Entry(
        one,
        digest,
        seconds,
        newborn.remarks,
        _account(newborn, world, watch),
        tuple(checkpoint.told),
        newborn.given,
    )


def _account(newborn: Newborn, world: World, watch: Stopwatch) -> Account:
    """Return the account of an individual; one without a genotype left nothing."""
    genotype, fitness = newborn.genotype, newborn.individual.fitness
    if genotype is None or fitness is None:
        return Account(watch.seconds, looks=newborn.looks, epochs=watch.epochs)
    latency = fitness.costs.get("latency")  # by a table, if the run has one; else by rates
    if latency is None:
        latency = targets.latency(fitness.costs, world.recipe.environment)
    blocks = tuple(one.name for one in world.anatomy.left(genotype))
    left = left_of_layers(world.anatomy, genotype)
    return Account(watch.seconds, *left, latency, blocks, newborn.looks, watch.epochs)


@lru_cache(maxsize=1)
def _home(path: Path, away: tuple[str, ...] | None) -> Recall:
    """Return the world of a run in this process, and who is on record; made once."""
    folder = RunFolder(path, is_away=away is not None)
    recipe, told = open_recipe(folder)
    if away is None:
        world = build_world(recipe, folder)
    else:
        resuming.require_alike(away, told)
        world = resuming.same_world(recipe, read_record(folder)[RECORD], folder)
    return Recall(binding.of_run(world), OnRecord(folder.journal))


def _reopened(
    path: Path,
    generation: int,
    heard: frozenset[str],
    heat: tuple[int, Heat] | None,
    away: tuple[str, ...] | None,
) -> Lives:
    home = _home(path, away)
    return Lives(home.world.at(generation), home, generation, heard, heat=heat, away=away)
