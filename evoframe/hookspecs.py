"""The contract: every hook that a plugin may implement. Who has read this file knows the program.

There are two kinds. *Offers* are called once, when plugins are loaded, and hand over strategy
classes; offering changes nothing, a strategy acts only in runs whose recipe names it. *Lifecycle*
hooks are methods of observers; they are told what happens in the runs that name the observer.

Mistakes that are reported for every hook: a function called ``evoframe_*`` without
``@hookimpl``, a hook name that does not exist (with the nearest one), an argument that the hook
does not have. The plugin that made the mistake is left out and named by ``evoframe plugins``; all
others work on. An observer that raises is disabled for the rest of the run, which is recorded.
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
    )
    from evoframe.roles import (
        Encoding,
        Environment,
        Executor,
        Heredity,
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

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Task`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        import torch
        from evoframe import hookimpl
        from evoframe.kernel.individual import Metric
        from evoframe.roles import Task

        @attrs.frozen
        class Parity(Task):
            '''Three bits in, their parity out.'''

            name = "parity"
            metrics = (Metric("accuracy"),)

            def ancestor(self, key):
                return torch.nn.Sequential(
                    torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)
                )

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

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Selection`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.kernel.population import Family
        from evoframe.roles import Selection

        @attrs.frozen
        class Dynasty(Selection):
            '''The best individual is every child's every parent.'''

            name = "dynasty"

            def select(self, population, context):
                best = population.ranked()[0]
                return (Family((best.id,) * population.parents),) * population.size

        @hookimpl
        def evoframe_selections():
            return [Dynasty]
    """


@hookspec
def evoframe_heredities() -> list[type[Heredity]]:
    """Offer strategies that mix parents.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Heredity`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.kernel.dna import Inheritance
        from evoframe.roles import Heredity

        @attrs.frozen
        class Grandmother(Heredity):
            '''A parent's synapses with the trained ancestor's weights.'''

            name = "grandmother"

            def inherit(self, parents, context):
                parent = parents[0].genotype
                return Inheritance(parent.masks, parent.state, context.ancestor.state)

        @hookimpl
        def evoframe_heredities():
            return [Grandmother]
    """


@hookspec
def evoframe_encodings() -> list[type[Encoding]]:
    """Offer strategies that read an inheritance as DNA.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Encoding`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.kernel.dna import DNA, Genes
        from evoframe.kernel.levels import even_levels, even_scores
        from evoframe.roles import Encoding

        @attrs.frozen
        class SquareLaw(Encoding):
            '''Odds grow with the square of the weight.'''

            name = "square-law"

            def encode(self, inheritance, evidence, context):
                genes = {}
                for parameter, eligible in inheritance.eligible.items():
                    squares = inheritance.strengths[parameter].square()
                    levels = even_levels(squares, float(squares.max()))
                    genes[parameter] = Genes(levels, even_scores() - 1, eligible)
                return DNA(genes)

        @hookimpl
        def evoframe_encodings():
            return [SquareLaw]
    """


@hookspec
def evoframe_mutations() -> list[type[Mutation]]:
    """Offer strategies that perturb DNA.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Mutation`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        import torch
        from evoframe import hookimpl
        from evoframe.roles import Mutation

        @attrs.frozen
        class Upheaval(Mutation):
            '''Weak genes become strong and strong ones weak.'''

            name = "upheaval"

            def mutate(self, dna, inheritance, context):
                turned = {
                    parameter: attrs.evolve(
                        genes, levels=len(genes.log_survival) - 1 - genes.levels
                    )
                    for parameter, genes in dna.synapses.items()
                }
                return attrs.evolve(dna, synapses=turned)

        @hookimpl
        def evoframe_mutations():
            return [Upheaval]
    """


@hookspec
def evoframe_environments() -> list[type[Environment]]:
    """Offer strategies that press on DNA.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Environment`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.kernel.budgets import scaled
        from evoframe.roles import Environment, doc

        @attrs.frozen
        class Famine(Environment):
            '''Every synapse's odds shrink by the same factor, e to the power of hunger.'''

            name = "famine"
            hunger: float = attrs.field(default=1.0, metadata=doc("how hard it is, 0 is harmless"))

            def press(self, dna, inheritance, context):
                pressed = {
                    parameter: attrs.evolve(
                        genes, log_survival=scaled(genes.log_survival, -self.hunger)
                    )
                    for parameter, genes in dna.synapses.items()
                }
                return attrs.evolve(dna, synapses=pressed)

        @hookimpl
        def evoframe_environments():
            return [Famine]
    """


@hookspec
def evoframe_trainings() -> list[type[Training]]:
    """Offer strategies that raise newborns.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Training`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.kernel.life import TrainingResult
        from evoframe.roles import Training

        @attrs.frozen
        class Idle(Training):
            '''Leaves the newborn as it is.'''

            name = "idle"

            def train(self, phenotype, context):
                return TrainingResult(phenotype, epochs=0, loss=float("nan"))

        @hookimpl
        def evoframe_trainings():
            return [Idle]
    """


@hookspec
def evoframe_nurtures() -> list[type[Nurture]]:
    """Offer strategies that act within one life.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Nurture`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        import torch
        from evoframe import hookimpl
        from evoframe.roles import Nurture, doc

        @attrs.frozen
        class Clipping(Nurture):
            '''Bounds the norm of the gradient.'''

            name = "clipping"
            norm: float = attrs.field(default=1.0, metadata=doc("largest gradient norm"))

            def after_backward(self, phenotype, context, step):
                torch.nn.utils.clip_grad_norm_(phenotype.network.parameters(), self.norm)

        @hookimpl
        def evoframe_nurtures():
            return [Clipping]
    """


@hookspec
def evoframe_executors() -> list[type[Executor]]:
    """Offer strategies that live the lives of a generation.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Executor`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Executor

        @attrs.frozen
        class Backwards(Executor):
            '''Lives the lives of a generation in reverse order.'''

            name = "backwards"

            def map(self, live, jobs, send):
                for job in reversed(jobs):
                    yield live(job, send)

        @hookimpl
        def evoframe_executors():
            return [Backwards]
    """


@hookspec
def evoframe_observers() -> list[type[Observer]]:
    """Offer strategies that watch runs.

    Kind: offer, collecting; called once, when plugins are loaded.

    Returns: classes derived from :class:`evoframe.roles.Observer`.

    Mistakes: a class of another role, one without ``name`` or docstring, one that is not frozen,
    an option without help or of a type that recipes cannot hold.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Herald(Observer):
            '''Prints every generation.'''

            name = "herald"

            @hookimpl
            def evoframe_generation_finished(self, event):
                print(event.generation, event.best)

        @hookimpl
        def evoframe_observers():
            return [Herald]
    """


# --- lifecycle, from coarse to fine as it happens ------------------------------------------------


@hookspec
def evoframe_run_started(event: RunStarted) -> None:
    """A run begins, or goes on after it was interrupted.

    Kind: lifecycle; when: before the first life. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.RunStarted`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

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
        event: see :class:`evoframe.kernel.events.DnaChanged`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_dna_encoded(self, event):
                print(event.strategy)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_dna_mutated(event: DnaChanged) -> None:
    """A mutation has changed a DNA.

    Kind: lifecycle; when: after each mutation. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.DnaChanged`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_dna_mutated(self, event):
                print(event.strategy)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_dna_pressed(event: DnaChanged) -> None:
    """An environment has pressed on a DNA.

    Kind: lifecycle; when: after each environment. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.DnaChanged`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_dna_pressed(self, event):
                print(event.strategy)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_offspring_drawn(event: OffspringDrawn) -> None:
    """The synapses of an offspring were drawn and settled.

    Kind: lifecycle; when: after synthesis. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.OffspringDrawn`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_offspring_drawn(self, event):
                print(event.synapses)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_offspring_developed(event: OffspringDeveloped) -> None:
    """An offspring's network was grown.

    Kind: lifecycle; when: before its training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.OffspringDeveloped`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_offspring_developed(self, event):
                print(event.costs)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_epoch_finished(event: EpochFinished) -> None:
    """An individual was trained for one more epoch.

    Kind: lifecycle; when: during training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.EpochFinished`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_epoch_finished(self, event):
                print(event.loss)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_offspring_trained(event: OffspringTrained) -> None:
    """The life of an individual is over.

    Kind: lifecycle; when: after training. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.OffspringTrained`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_offspring_trained(self, event):
                print(event.epochs)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_individual_evaluated(event: IndividualEvaluated) -> None:
    """An individual is on record, alive or stillborn.

    Kind: lifecycle; when: once it is in the journal. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.IndividualEvaluated`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_individual_evaluated(self, event):
                print(event.individual.id)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_generation_finished(event: GenerationFinished) -> None:
    """A generation is complete.

    Kind: lifecycle; when: when its last individual is on record, once. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.GenerationFinished`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_generation_finished(self, event):
                print(event.best)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_run_finished(event: RunFinished) -> None:
    """A run has ended by one of its rules.

    Kind: lifecycle; when: last of all. What is returned is ignored.

    Args:
        event: see :class:`evoframe.kernel.events.RunFinished`.

    Example::

        import attrs
        from evoframe import hookimpl
        from evoframe.roles import Observer

        @attrs.frozen(eq=False)
        class Watcher(Observer):
            '''Prints what it is told.'''

            name = "watcher"

            @hookimpl
            def evoframe_run_finished(self, event):
                print(event.reason)

        @hookimpl
        def evoframe_observers():
            return [Watcher]
    """


@hookspec
def evoframe_phase(phase: Phase) -> AbstractContextManager[Any] | None:
    """Wrap a phase of a life, for profilers and progress displays.

    Kind: lifecycle; when: before each phase, and the context is left after it. Phases are seen
    where the observers are, so only with the executor ``serial``.

    Args:
        phase: see :class:`evoframe.kernel.events.Phase`.

    Returns: a context manager, or None.

    Example::

        import attrs
        import contextlib
        import time
        from evoframe import hookimpl
        from evoframe.roles import Observer

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
