"""Console: what a person sees while a run goes on."""

from __future__ import annotations

from typing import ClassVar

import attrs
from rich.console import Console as Terminal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from evoframe.kernel.events import (
    EpochFinished,
    GenerationFinished,
    IndividualEvaluated,
    RunFinished,
    RunStarted,
)
from evoframe.kernel.individual import Individual, Measurement, Metric, Origin
from evoframe.kernel.sizes import fewer_in_words, sizes_in_words
from evoframe.markers import hookimpl
from evoframe.roles import Observer


@attrs.define(eq=False)
class _Screen:
    """What the display remembers between events."""

    metric: Metric = attrs.field(default=Metric("metric"))
    lives: int = 0
    population: int = 1
    ancestor: Individual | None = None
    individual: str = ""
    best: float | None = None
    epochs: dict[str, float] = attrs.Factory(dict)
    done: int = 0
    terminal: Terminal | None = None
    progress: Progress | None = None
    bar: TaskID | None = None


@attrs.frozen(eq=False)
class Console(Observer):
    """Shows progress: live on a terminal, plain lines elsewhere (both on stderr)."""

    name: ClassVar[str] = "console"

    _screen: _Screen = attrs.field(factory=_Screen, init=False, repr=False)

    @hookimpl
    def evoframe_run_started(self, event: RunStarted) -> None:
        """Put up the bar, or say where the run goes."""
        screen = self._screen
        screen.population, screen.ancestor = event.population, event.ancestor
        screen.metric = _beside(event.metric, event.ancestor)
        screen.done, screen.terminal = event.on_record, Terminal(stderr=True)
        screen.lives = 1 + (event.generations - 1) * event.population
        how = f"resumed after {event.on_record} individuals" if event.on_record else "started"
        self._say(f"run {event.path} {how} on {event.device}")
        if screen.terminal.is_terminal:
            screen.progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[best]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=screen.terminal,
                transient=True,
            )
            screen.bar = screen.progress.add_task("ancestor", total=screen.lives, best="")
            screen.progress.start()
            self._refresh()

    @hookimpl
    def evoframe_epoch_finished(self, event: EpochFinished) -> None:
        """Move the bar by a part of a life."""
        self._screen.epochs[event.individual] = event.epoch / event.epochs
        self._screen.individual = f"{event.individual} epoch {event.epoch}/{event.epochs}"
        self._refresh()

    @hookimpl
    def evoframe_individual_evaluated(self, event: IndividualEvaluated) -> None:
        """Count one more life and remember the best."""
        screen, one = self._screen, event.individual
        if one.origin is Origin.ANCESTOR:
            screen.ancestor = one
            screen.metric = _beside(screen.metric, one)
        if screen.progress is None:
            self._say(f"{one.id}: {self._words(one)}")
        # Its parts of a life are a whole one now; else the bar would count it twice.
        screen.epochs.pop(one.id, None)
        screen.done += 1
        screen.individual = one.id
        if one.fitness is not None:
            value = one.fitness.value(screen.metric.name)
            order = screen.metric.sort_value
            if screen.best is None or order(value) > order(screen.best):
                screen.best = value
        self._refresh()

    @hookimpl
    def evoframe_generation_finished(self, event: GenerationFinished) -> None:
        """Print one line about a whole generation."""
        self._say(self._line(event))

    @hookimpl
    def evoframe_run_finished(self, event: RunFinished) -> None:
        """Take down the bar and say why the run ended."""
        # A bar that is still there would be drawn over the last line.
        if self._screen.progress is not None:
            self._screen.progress.stop()
        self._say(f"finished: {event.reason}")

    def _line(self, event: GenerationFinished) -> str:
        alive = [one for one in event.individuals if one.is_alive]
        head = f"generation {event.generation}: "
        if not alive:
            return head + "no living individuals"
        best = next(one for one in event.individuals if one.id == event.best)
        lost = len(event.individuals) - len(alive)
        stillborn = f"; {lost} stillborn" if lost else ""
        return f"{head}best of {len(alive)} is {best.id}, {self._words(best)}{stillborn}"

    def _words(self, one: Individual) -> str:
        if one.fitness is None:
            return f"stillborn, {one.stillborn}"
        metric = self._screen.metric
        measured = metric.in_words(one.fitness.validation[metric.name])
        return f"{metric.name} {measured}, {self._sizes(one)}"

    def _sizes(self, one: Individual) -> str:
        """Return the ancestor's sizes, and how many times less others have."""
        assert one.fitness is not None
        ancestor = self._screen.ancestor
        if one.origin is Origin.ANCESTOR or ancestor is None or ancestor.fitness is None:
            return sizes_in_words(one.fitness.costs)
        return fewer_in_words(one.fitness.costs, ancestor.fitness.costs)

    def _say(self, text: str) -> None:
        terminal = self._screen.terminal
        assert terminal is not None
        terminal.print(text, highlight=False, soft_wrap=True, markup=False)

    def _refresh(self) -> None:
        screen = self._screen
        if screen.progress is None or screen.bar is None:
            return
        # The ancestor is generation 1 alone, then come generations of ``population``
        # lives; after the last life the generation stays what it was.
        born = max(min(screen.done, screen.lives - 1) - 1 + screen.population, 0)
        generation = 1 + born // screen.population
        best = (
            ""
            if screen.best is None
            else f"best {screen.metric.name} {screen.metric.in_words(Measurement(screen.best))}"
        )
        screen.progress.update(
            screen.bar,
            description=f"generation {generation} {screen.individual}",
            completed=screen.done + sum(screen.epochs.values()),
            best=best,
        )


def _beside(metric: Metric, ancestor: Individual | None) -> Metric:
    """Return a metric with the unit that the ancestor decides, as soon as it is known."""
    if ancestor is None or ancestor.fitness is None:
        return metric
    return metric.beside(ancestor.fitness.value(metric.name))
