"""Ask and tell: newborns are handed out, and taken back trained, by a loop that is not ours."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from evoframe.errors import ConfigError, RunError, listing
from evoframe.evolution.birth import Birth, Newborn
from evoframe.evolution.conception import Conception
from evoframe.evolution.elsewhere import Begun, Metrics, Unschooled, born, schooled, unschooled
from evoframe.kernel import device as devices
from evoframe.kernel.individual import ANCESTOR, Measurement, Metric, Origin
from evoframe.kernel.lasting import lasting, plain
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.population import Family, is_sound
from evoframe.run import states
from evoframe.run.disk.account import Stopwatch
from evoframe.run.disk.facts import ENDING
from evoframe.run.handing import Asked, Out, measurements, take
from evoframe.run.living.lives import put_on_disk
from evoframe.run.run import Run
from evoframe.run.runner import Runner


class Session:
    """A run whose individuals are trained elsewhere; to be closed, or used in a ``with``.

    The run is the same as any other: its journal, lineage and digest. A newborn that was asked
    for without a result is handed out again, with the same id and the same bits, in the next
    session of the run.
    """

    def __init__(
        self, runner: Runner | None, path: Path, ready: Mapping[str, Any], stack: ExitStack
    ) -> None:
        """Take up a run.

        Args:
            runner: of this session; None if the run is over.
            path: the run folder.
            ready: strategies that its record cannot hold, by role table.
            stack: what is let go of when the session is closed, or the run is over.
        """
        self._runner, self._path, self._ready, self._stack = runner, path, ready, stack
        self._generations = iter(()) if runner is None else runner.generations()
        self._due: deque[Birth] = deque()
        self._out: dict[str, Out] = {}

    @property
    def run(self) -> Run:
        """The run as it stands on disk."""
        return Run(self._path, self._ready)

    @property
    def ending(self) -> str | None:
        """Why the run ended; None while it goes on."""
        return self.run.ending if self._runner is None else self._runner.journal.fact(ENDING)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of those who were asked for and not told of."""
        return tuple(self._out)

    def ask(self) -> Asked | None:
        """Return a newborn to train; None if nobody is due.

        Nobody is due once the run is over (then :attr:`ending` says why), and while all of a
        generation are :attr:`waiting` for what becomes of them: the next one descends from them.

        Raises:
            EvoframeError: what is wrong; what is on record stays as it is.
        """
        while (runner := self._runner) is not None:
            if self._due:
                with runner.guarded():
                    if (asked := self._born(runner, self._due.popleft())) is not None:
                        return asked
            elif self._out:
                return None
            else:
                self._next(runner)
        return None

    def tell(
        self,
        identity: str,
        network: nn.Module | Mapping[str, Tensor],
        metrics: Mapping[str, float | Measurement] | None = None,
        *,
        test: Mapping[str, float | Measurement] | None = None,
        epochs: int = 0,
        loss: float = math.nan,
    ) -> bool:
        """Put a trained individual on record; return whether it lives.

        Args:
            identity: the id by which it was asked for.
            network: as it was handed out and trained, in a wrapper perhaps; or its ``state_dict``.
            metrics: what was measured on validation data, by name, all that the task measures; if
                nothing is said, the task measures it here.
            test: the same on test data, for the report.
            epochs: how many it was trained.
            loss: the mean training loss of the last.

        Raises:
            RunError: nobody waits by that id, the network is another one, or it is that of an
                ancestor by which nobody could be measured.
            ConfigError: a metric is missing, or no number.
        """
        out = self._waiting(identity)
        assert self._runner is not None  # somebody waits
        found = self._measured(metrics, test)
        take(network, out)
        runner, one = self._runner, out.one
        with runner.guarded(), self._arithmetic(runner):
            plain(one.phenotype.network)
            one.phenotype.enforce()
            result = TrainingResult(one.phenotype, epochs, loss)
            newborn = schooled(one, runner.world.recipe.training, result, found)
            _require_sound_ancestor(newborn, runner.world.recipe.task.primary)
            self._record(runner, newborn, time.perf_counter() - out.since, epochs)
        del self._out[identity]
        if not (self._due or self._out):
            self._next(runner)
        return newborn.individual.is_alive

    def lost(self, identity: str) -> None:
        """Say that somebody will not come back; it is asked for again, as it was born.

        Raises:
            RunError: nobody waits by that id.
        """
        self._due.appendleft(self._waiting(identity).one.birth)
        del self._out[identity]

    def __iter__(self) -> Iterator[Asked]:
        """Yield one newborn after another until the run is over, each told of before the next.

        Raises:
            RunError: all who are due were asked for, and not told of.
        """
        while (asked := self.ask()) is not None:
            yield asked
        if self._out:
            raise RunError(
                f"{listing(self._out)} was asked for, and its result was not told. Call "
                "tell() first, "
                "or use ask() for several at a time."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the run; whoever was not told of is asked for again in another session."""
        self._out.clear()
        self._due.clear()
        self._runner = None
        self._stack.close()

    # --- in one session -----------------------------------------------------------------------

    def _next(self, runner: Runner) -> None:
        """Find out who is due in the next generation, or that the run is over."""
        with runner.guarded():
            try:
                due = next(self._generations)
            except StopIteration:
                self.close()
                return
        self._due.extend([_birth_of_ancestor(runner)] if due is None else due.missing)

    def _born(self, runner: Runner, birth: Birth) -> Asked | None:
        begun = time.perf_counter()
        with self._arithmetic(runner):
            one = _of_ancestor(runner, birth) if birth.generation == 1 else _of(runner, birth)
            if isinstance(one, Newborn):  # an elite, or stillborn
                self._record(runner, one, time.perf_counter() - begun)
                return None
        asked = Asked(
            birth.id,
            birth.generation,
            birth.family.parents,
            lasting(one.phenotype.network, one.phenotype.masks),
            one.costs,
            one.conception.watch.notes,
        )
        self._out[birth.id] = Out(one, asked, begun)
        return asked

    def _record(
        self, runner: Runner, newborn: Newborn, seconds: float, epochs: float | None = None
    ) -> None:
        world = runner.world.at(newborn.individual.generation)
        checkpoint = world.checkpoint(newborn.individual.id)
        watch = Stopwatch()
        watch.seconds["training"], watch.epochs = seconds, epochs
        runner.teller.record(put_on_disk(newborn, world, checkpoint, seconds, watch, runner.recall))

    def _waiting(self, identity: str) -> Out:
        if identity not in self._out:
            raise RunError(
                f"no open request {identity!r}; open are: {listing(self._out) or 'none'}. "
                "Results can be told once, for networks that were asked for in this session."
            )
        return self._out[identity]

    def _measured(
        self, metrics: Mapping[str, Any] | None, test: Mapping[str, Any] | None
    ) -> Metrics | None:
        if metrics is None:
            if test is not None:
                raise ConfigError("test was passed without metrics, which selection needs.")
            return None
        assert self._runner is not None
        due = [one.name for one in self._runner.world.recipe.task.metrics]
        if missing := [name for name in due if name not in metrics]:
            raise ConfigError(
                f"metrics lack {missing[0]!r}; wanted {listing(due)}, all that the task measures."
            )
        return {"validation": measurements(metrics), "test": measurements(test or {})}

    @staticmethod
    def _arithmetic(runner: Runner) -> Any:
        run = runner.world.recipe.run
        return devices.arithmetic(runner.world.device, threads=run.threads, strict=run.strict)


def _require_sound_ancestor(newborn: Newborn, metric: Metric) -> None:
    one = newborn.individual
    if one.id == ANCESTOR and not (one.is_alive and is_sound(one, metric)):
        why = one.stillborn or f"its {metric.name} is not finite"
        raise RunError(f"the ancestor cannot live: {why}. Tell of it again, or let it be lost().")


def _birth_of_ancestor(runner: Runner) -> Birth:
    key = runner.world.key.at("generation", 1).at("slot", 0)
    return Birth(1, 0, Family(()), key)


def _of(runner: Runner, birth: Birth) -> Unschooled | Newborn:
    world = runner.world.at(birth.generation)
    recall = runner.recall.at(world)
    kept = states.on_record(world, birth.generation)
    context = world.context(birth.generation, recall.ancestor())
    return born(birth, world.strategies(kept), context, recall)


def _of_ancestor(runner: Runner, birth: Birth) -> Unschooled:
    world = runner.world.at(1)
    context = birth.context(world.context(1, world.initial), ())
    conception = Conception.of(world.strategies(), context)
    return unschooled(Begun(birth, Origin.ANCESTOR, world.initial, conception))
