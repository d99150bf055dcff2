"""Growing up: a genotype becomes a network, is trained, comes home, and is measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import attrs
import torch

from evoframe.costs.bytes import costs_in_bits
from evoframe.errors import StillbornError, TaskError
from evoframe.evolution.birth import EXTINCT, Remark
from evoframe.evolution.blame import acting, blamed
from evoframe.evolution.companions import ended
from evoframe.evolution.contract import require_measured, require_same_synapses, require_trained
from evoframe.evolution.hearing import Heard, Listener, require_hearing
from evoframe.evolution.telling import step
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context
from evoframe.kernel.events import OffspringDeveloped, OffspringTrained
from evoframe.kernel.genotype import Genotype, Masks, State
from evoframe.kernel.individual import Fitness, Measurement
from evoframe.kernel.key import sealed
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.notes import Notes
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.settling import is_extinct
from evoframe.kernel.tensors.passes import is_finite
from evoframe.roles.training import Training

NOTHING_HEARD = Remark(
    "the ancestor answers the same to all examples",
    "no figure of this run says how well a network does. Look at what it is given, and at whether "
    "its weights were loaded.",
)


@attrs.frozen(eq=False)
class Conceived:
    """A newborn before it is grown.

    Attributes:
        genotype: as it was drawn.
        own: entries of its state that were made for it, and that nobody else can hold.
    """

    genotype: Genotype
    own: frozenset[str] = frozenset()

    @classmethod
    def of(cls, genotype: Genotype, inherited: State) -> Conceived:
        """Return a newborn that was just settled.

        Args:
            genotype: its own.
            inherited: the state that it began with; what settling has not touched is still there.
        """
        state = genotype.state
        return cls(genotype, frozenset(one for one in state if state[one] is not inherited[one]))


def grow_up(
    conceived: Conceived,
    training: Training,
    context: Context,
    watch: Watch,
    state: str | None = None,
) -> Genotype:
    """Return an individual's genotype after its training.

    Args:
        conceived: the newborn.
        training: who trains it.
        context: whose life it is, with the companions of its training.
        watch: looks whether the training changes nothing but the phenotype.
        state: what the training keeps across generations, as text.

    Raises:
        StillbornError: training broke down.
    """
    context.life.bookmark.begins(conceived.genotype)
    born = conceived.genotype.masks
    phenotype = developed(conceived.genotype, context, conceived.own)
    del conceived  # its weights are in the network by now, where they will be trained
    result = watch.noted(school(phenotype, training, context, watch, state))
    context.life.bookmark.ends(result, watch.notes)
    del phenotype
    return come_home(result, born, training, context)


def developed(
    genotype: Genotype,
    context: Context,
    spent: Collection[str] = frozenset(),
    within: torch.Tensor | None = None,
) -> Phenotype:
    """Return the network of somebody who is to be trained.

    Args:
        genotype: whose network.
        context: of the life.
        spent: entries whose memory the network may take over.
        within: channels that the network has as well.
    """
    with step("development", context):
        phenotype = context.anatomy.develop(genotype, within, spent=spent)
    # Of the newborn; training may rewire it, so what is on record is measured again below.
    who, costs = context.id, context.anatomy.costs(genotype)
    tell = context.life.announcer.tell
    tell("evoframe_offspring_developed", lambda: OffspringDeveloped(who, costs))
    return phenotype


def school(
    phenotype: Phenotype,
    training: Training,
    context: Context,
    watch: Watch,
    state: str | None = None,
) -> TrainingResult:
    """Return the result of training a newborn.

    Raises:
        StillbornError: training broke down.
    """
    with (
        step("training", context),
        acting(training, context),
        watch.unchanged(),
    ):
        asked = watch.informed(context, state)
        result = training.train(phenotype, asked)
        require_trained(result, phenotype)
        if result.paused is None:
            result = attrs.evolve(result, phenotype=ended(result.phenotype, asked))
    who, epochs, loss = context.id, result.epochs, result.loss
    tell = context.life.announcer.tell
    tell("evoframe_offspring_trained", lambda: OffspringTrained(who, epochs, loss))
    return result


def come_home(
    result: TrainingResult, born: Masks, training: Training, context: Context
) -> Genotype:
    """Return the genotype of a trained network, which is spent.

    Args:
        result: of its training.
        born: the masks that it was born with.
        training: who trained it.
        context: whose life it is.

    Raises:
        StillbornError: nothing is left of it, or numbers that are not finite.
    """
    with acting(training, context):
        trained = context.anatomy.absorb(result.phenotype, spent=True)
        if not _rewires(training, context):
            require_same_synapses(trained.masks, born)
    if is_extinct(trained.masks):
        raise StillbornError(f"{EXTINCT}: no synapse is left after its training")
    require_finite(trained, context.ancestor.state)
    return trained


def measured(genotype: Genotype, context: Context, notes: Notes) -> Fitness:
    """Return the fitness of a trained individual, with the notes that it carries.

    Raises:
        StillbornError: an output is the same for all examples, and the ancestor's is not.
    """
    found = examined(genotype, context, notes)
    require_hearing(found.heard, context)
    return found.fitness


def of_ancestor(
    genotype: Genotype, context: Context, notes: Notes
) -> tuple[Fitness, tuple[Remark, ...]]:
    """Return the fitness of the ancestor, and remarks on it.

    Raises:
        StillbornError: its primary metric is not finite.
    """
    found, primary = examined(genotype, context, notes), context.task.primary
    if not math.isfinite(value := found.fitness.value(primary.name)):
        raise StillbornError(f"its {primary.name} is {value}, and nobody could be measured by it")
    return found.fitness, ((NOTHING_HEARD,) if found.heard.is_deaf else ())


def examined(genotype: Genotype, context: Context, notes: Notes) -> Judgement:
    """Return the judgement on the network of a genotype, with the notes that it carries."""
    with step("evaluation", context):
        # The genotype comes home and is grown again, so what is measured is what is stored.
        costs = costs_in_bits(context.anatomy, genotype, notes)
        return judge(context.anatomy.develop(genotype), costs, context)


@attrs.frozen(eq=False)
class Judgement:
    """What is found out while a network is measured.

    Attributes:
        fitness: metrics on validation and test, and sizes.
        heard: which of its outputs depend on examples.
    """

    fitness: Fitness
    heard: Heard


def judge(phenotype: Phenotype, costs: Mapping[str, float], context: Context) -> Judgement:
    """Return the fitness of a trained network, and which outputs depend on examples."""
    task, network = context.task, phenotype.network.eval()
    found: dict[str, Mapping[str, Measurement]] = {}
    with torch.no_grad(), Listener(network) as listener:
        for split in ("validation", "test"):
            with sealed(context.key.at("evaluation", split)), blamed(task, "task", context.id):
                found[split] = require_measured(task.evaluate(network, split, context.device))
    missing = [one.name for one in task.metrics if one.name not in found["validation"]]
    if missing:
        raise TaskError(
            f"task {task.name!r} names the metric {missing[0]!r}, but measuring the validation "
            f"split gave {', '.join(found['validation']) or 'nothing'}."
        )
    return Judgement(Fitness(found["validation"], found["test"], costs), listener.heard)


def _rewires(training: Training, context: Context) -> bool:
    """Tell whether somebody in a life may change which synapses there are."""
    everybody = (training, *context.life.companions)
    return any("rewires" in getattr(one, "traits", ()) for one in everybody)


def require_finite(genotype: Genotype, born_with: State) -> None:
    """Refuse weights that are not numbers: nothing could be read from them, or compared.

    Infinities that the ancestor was born with outside of synapses are meant, as in masks of
    attention.
    """
    for name, value in genotype.state.items():
        if not value.is_floating_point() or is_finite(value):
            continue
        finite = value.isfinite()
        if name in genotype.masks or not torch.equal(value[~finite], born_with[name][~finite]):
            raise StillbornError(f"{name} holds numbers that are not finite")
