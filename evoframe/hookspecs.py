"""The contract: every hook that a plugin may implement. Who has read this file knows the program.

There are two kinds. *Offers* are functions of a plugin; they are called once, as plugins are
loaded, and hand over strategy classes. Offering changes nothing: a strategy acts only in runs whose
recipe names it. *Lifecycle* hooks are methods of observers; they are told what happens in the runs
that name the observer. Hooks of a kind are written alike, so one of each is written out:
``evoframe_tasks``, ``evoframe_run_started``, and ``evoframe_phase``, which wraps what happens.
``evoframe new ROLE NAME`` writes a plugin of any role to start from.

Mistakes that are reported for every hook: a function called ``evoframe_*`` without
``@hookimpl``, a hook name that does not exist (with the nearest one), an argument that the hook
does not have. For every offer: a class of another role, one without ``name`` or docstring, one that
is not frozen, an option without help or of a type that recipes cannot hold. What is wrong is left
out and named by ``evoframe plugins``; all others work on. An observer that raises, or changes what
it is told, is disabled for the rest of the run, which is recorded.
"""

from __future__ import annotations

# mypy: disable-error-code="empty-body"
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from evoframe.markers import hookspec

if TYPE_CHECKING:
    from evoframe.kernel.events import (
        DnaChanged,
        EpochFinished,
        GenerationFinished,
        IndividualEvaluated,
        OffspringDeveloped,
        OffspringDrawn,
        OffspringTrained,
        Phase,
        RunFinished,
        RunStarted,
        SiblingJudged,
    )
    from evoframe.roles import (
        Encoding,
        Environment,
        Executor,
        Heredity,
        Litter,
        Mutation,
        Nurture,
        Observer,
        Selection,
        Task,
        Training,
    )

# --- offers, in the order in which strategies act ------------------------------------------------


@hookspec
def evoframe_tasks() -> list[type[Task]]:
    """Offer strategies that say what networks are for.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Task`.

    Mistakes: those of every offer.

    Example::

        import attrs
        import torch

        from evoframe.plugin import Metric, Task, hookimpl

        @attrs.frozen
        class Parity(Task):
            '''Three bits in, their parity out.'''

            name = "parity"
            metrics = (Metric("accuracy"),)

            def ancestor(self, key):
                first, last = torch.nn.Linear(3, 16), torch.nn.Linear(16, 2)
                return torch.nn.Sequential(first, torch.nn.ReLU(), last)

            def example_inputs(self):
                return (torch.zeros(1, 3),)

            def batches(self, split, *, shuffle=None, batch_size=None):
                bits = torch.cartesian_prod(*[torch.arange(2)] * 3)
                return [(bits.float(), bits.sum(1) % 2)]

            def step(self, network, batch):
                return torch.nn.functional.cross_entropy(network(batch[0]), batch[1])

            def measure(self, network, batch):
                return {"accuracy": (network(batch[0]).argmax(1) == batch[1]).float()}

        @hookimpl
        def evoframe_tasks():
            return [Parity]
    """


@hookspec
def evoframe_selections() -> list[type[Selection]]:
    """Offer strategies that choose parents.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Selection`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_heredities() -> list[type[Heredity]]:
    """Offer strategies that mix parents.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Heredity`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_encodings() -> list[type[Encoding]]:
    """Offer strategies that read an inheritance as DNA.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Encoding`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_mutations() -> list[type[Mutation]]:
    """Offer strategies that perturb DNA.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Mutation`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_environments() -> list[type[Environment]]:
    """Offer strategies that press on DNA.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Environment`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_litters() -> list[type[Litter]]:
    """Offer strategies that choose who of many siblings is schooled.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Litter`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_trainings() -> list[type[Training]]:
    """Offer strategies that raise newborns.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Training`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_nurtures() -> list[type[Nurture]]:
    """Offer strategies that act within one life.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Nurture`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_executors() -> list[type[Executor]]:
    """Offer strategies that live the lives of a generation.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Executor`.

    Mistakes: those of every offer.
    """


@hookspec
def evoframe_observers() -> list[type[Observer]]:
    """Offer strategies that watch runs.

    Kind: offer; when: once, as plugins are loaded.

    Returns: classes derived from :class:`evoframe.plugin.Observer`.

    Mistakes: those of every offer; a method that is no hook, or takes what its hook does not give.
    """


# --- lifecycle, from coarse to fine as it happens ------------------------------------------------


@hookspec
def evoframe_run_started(event: RunStarted) -> None:
    """A run begins, or goes on after it was interrupted.

    Kind: lifecycle; when: before the first life. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.RunStarted`.

    Example::

        import attrs

        from evoframe.plugin import Observer, hookimpl

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_run_started(self, event):
                print(event.path)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_dna_encoded(event: DnaChanged) -> None:
    """The DNA of an offspring was encoded.

    Kind: lifecycle; when: after encoding. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.DnaChanged`.
    """


@hookspec
def evoframe_dna_mutated(event: DnaChanged) -> None:
    """A mutation has changed a DNA.

    Kind: lifecycle; when: after each mutation. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.DnaChanged`.
    """


@hookspec
def evoframe_dna_pressed(event: DnaChanged) -> None:
    """An environment has pressed on a DNA.

    Kind: lifecycle; when: after each environment. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.DnaChanged`.
    """


@hookspec
def evoframe_sibling_judged(event: SiblingJudged) -> None:
    """A sibling of a litter was looked at.

    Kind: lifecycle; when: after each look, before the one that is born is trained to its end. What
    is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.SiblingJudged`.
    """


@hookspec
def evoframe_offspring_drawn(event: OffspringDrawn) -> None:
    """The synapses of an offspring were drawn and settled.

    Kind: lifecycle; when: before it is grown; of siblings, the one that is chosen. What is
    returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.OffspringDrawn`.
    """


@hookspec
def evoframe_offspring_developed(event: OffspringDeveloped) -> None:
    """An offspring's network was grown.

    Kind: lifecycle; when: before its training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.OffspringDeveloped`.
    """


@hookspec
def evoframe_epoch_finished(event: EpochFinished) -> None:
    """An individual was trained for one more epoch.

    Kind: lifecycle; when: during training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.EpochFinished`.
    """


@hookspec
def evoframe_offspring_trained(event: OffspringTrained) -> None:
    """The life of an individual is over.

    Kind: lifecycle; when: after training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.OffspringTrained`.
    """


@hookspec
def evoframe_individual_evaluated(event: IndividualEvaluated) -> None:
    """An individual is on record, alive or stillborn.

    Kind: lifecycle; when: once it is in the journal. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.IndividualEvaluated`.
    """


@hookspec
def evoframe_generation_finished(event: GenerationFinished) -> None:
    """A generation is complete.

    Kind: lifecycle; when: when its last individual is on record, once. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.GenerationFinished`.
    """


@hookspec
def evoframe_run_finished(event: RunFinished) -> None:
    """A run has ended by one of its rules.

    Kind: lifecycle; when: last of all. What is returned is ignored.

    Args:
        event: see :class:`evoframe.plugin.RunFinished`.
    """


@hookspec
def evoframe_phase(phase: Phase) -> AbstractContextManager[Any] | None:
    """Wrap a phase of a life, for profilers and progress displays.

    Kind: lifecycle; when: before each phase, and the context is left after it. Phases are seen
    where the observers are, so only with the executor ``serial``.

    Args:
        phase: see :class:`evoframe.plugin.Phase`.

    Returns: a context manager, or None.

    Example::

        import contextlib
        import time

        import attrs

        from evoframe.plugin import Observer, hookimpl

        @attrs.frozen(eq=False)
        class Stopwatch(Observer):
            '''Prints how long every phase takes.'''

            name = "stopwatch"

            @hookimpl
            def evoframe_phase(self, phase):
                return self._timed(phase.name)

            @contextlib.contextmanager
            def _timed(self, name):
                start = time.perf_counter()
                yield
                print(name, time.perf_counter() - start)

        @hookimpl
        def evoframe_observers():
            return [Stopwatch]
    """
