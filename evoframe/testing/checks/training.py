"""Training and nurture: lives within masks and budget, that can be put down at any epoch."""

from __future__ import annotations

import math
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import StillbornError
from evoframe.kernel.genotype import State
from evoframe.kernel.life import NoCheckpoint, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, broken, for_all, law
from evoframe.testing.prepared import prepared, stages
from evoframe.testing.specimens import BATCH_SIZE, SIZES, Specimen


def _rewires(strategy: Any) -> bool:
    return "rewires" in strategy.traits


@law("training", "nurture", when=lambda strategy: not _rewires(strategy))
def check_absent_synapses_stay_absent(strategy: Any) -> None:
    """After training, the network has the synapses that it was drawn with, and all others are 0.

    Momentum and decay bring weights back: call ``phenotype.enforce()`` after every step.
    """

    def attempt(case: Case) -> None:
        result: TrainingResult = prepared(strategy, case).call()
        _require_zeros(result.phenotype)
        masks = case.anatomy.absorb(result.phenotype).masks
        for name, mask in case.genotype().masks.items():
            if not torch.equal(masks[name], mask):
                broken(f"the masks of {name!r} have changed, without the trait 'rewires'")

    for_all(stages(strategy), attempt)


@law("training", "nurture", when=_rewires)
def check_rewires_within_the_network(strategy: Any) -> None:
    """With the trait ``rewires``: what the masks that come back call absent is 0.

    A phenotype cannot grow channels: only what its tensors have room for can be rewired. Set the
    weights of a synapse to 0 when it goes, and return ``phenotype.masked(masks)``.
    """

    def attempt(case: Case) -> None:
        _require_zeros(prepared(strategy, case).call().phenotype)

    for_all(stages(strategy), attempt)


@attrs.frozen(eq=False)
class Counted(Specimen):
    """A specimen that counts the steps in which a network learns."""

    taken: list[int] = attrs.field(factory=list, repr=False)

    def step(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the loss, and count the step."""
        if torch.is_grad_enabled():
            self.taken.append(1)
        return super().step(network, batch)


@law(
    "training",
    when=lambda training: training.dial in {f.name for f in attrs.fields(type(training))},
)
def check_keeps_to_its_epochs(training: Any) -> None:
    """It takes as many steps as fit in the epochs that its ``dial`` allows, and says how many.

    Comparisons are made at equal epochs; a training that takes more has an unfair advantage.
    """
    allowed = getattr(training, training.dial)

    def attempt(case: Case) -> None:
        one = case.specimen
        task = Counted(one.kind, one.width, one.precision)
        result = training.train(case.phenotype(), case.context(task))
        batches = math.ceil(SIZES["train"] / (getattr(training, "batch_size", None) or BATCH_SIZE))
        if len(task.taken) > allowed * batches:
            broken(
                f"it took {len(task.taken)} steps; {allowed} epochs of {batches} batches are "
                f"{allowed * batches}"
            )
        if result.epochs > allowed:
            broken(f"it reports {result.epochs} epochs; allowed are {allowed}")

    for_all(stages(training), attempt, share=0.5)


@law("training", "nurture")
def check_ends_in_numbers_or_says_why(strategy: Any) -> None:
    """Where the loss is no number, it raises ``StillbornError``, or reports no epochs at all.

    A silent NaN would be taken for a life that was lived.
    """

    def attempt(case: Case) -> None:
        hopeless = attrs.evolve(case, specimen=attrs.evolve(case.specimen, loss_scale=math.nan))
        try:
            # A loss that is scaled by NaN is one from the first step on, whatever the network.
            result: TrainingResult = prepared(strategy, hopeless).call()
        except StillbornError:
            return
        if result.epochs and not math.isfinite(result.loss):
            broken(f"it reports {result.epochs} epochs with a loss of {result.loss}")

    for_all(stages(strategy), attempt, share=0.5)


class Memory:
    """A checkpoint that keeps every epoch, and gives back the one that it is set to."""

    def __init__(self) -> None:
        self.kept: dict[int, State] = {}
        self.chosen: int | None = None

    def load(self) -> tuple[int, State] | None:
        """Return the chosen epoch."""
        return None if self.chosen is None else (self.chosen, self.kept[self.chosen])

    def save(self, epochs: int, tensors: State) -> None:
        """Keep an epoch, unless one is being taken up again."""
        if self.chosen is None:
            self.kept[epochs] = {name: value.detach().clone() for name, value in tensors.items()}


@law("training", "nurture")
def check_a_life_taken_up_again_ends_the_same(strategy: Any) -> None:
    """Put down after any epoch and taken up again, the life ends with the same bits.

    What a training saves must be all that the next epoch needs; a nurture has no state of its
    own, and finds what it needs in the phenotype, the optimiser and the key.
    """
    training = strategy if strategy.role == "training" else Gradient(epochs=3, learning_rate=0.02)
    companions = () if strategy.role == "training" else (strategy,)

    def attempt(case: Case) -> None:
        memory = Memory()

        def lived(checkpoint: Any) -> str:
            life = attrs.evolve(case.life(*companions), checkpoint=checkpoint)
            result = training.train(case.phenotype(), case.context(life=life))
            return case.anatomy.absorb(result.phenotype).digest()

        # Saving must change nothing either, so the straight life is one that saves nowhere.
        straight = lived(NoCheckpoint())
        lived(memory)
        for epoch in memory.kept:
            memory.chosen = epoch
            if lived(memory) != straight:
                broken(f"taken up after epoch {epoch}, it ends with other weights")

    for_all(stages(strategy), attempt, share=0.5)


@law("nurture", stage=Stage.FORM)
def check_shapes_a_scalar_loss(nurture: Any) -> None:
    """``shape_loss`` returns a scalar with a gradient, on the device of the loss.

    The optimiser descends it: no mean over it is taken, and a detached loss teaches nothing.
    """

    def attempt(case: Case) -> None:
        phenotype, context = case.phenotype(), case.context(life=case.life(nurture))
        batch = tuple(part.to(case.device) for part in case.specimen.batches("train")[0])
        nurture.before_epoch(phenotype, context, 0)
        loss = case.specimen.step(phenotype.network, (batch[0], batch[1]))
        shaped = nurture.shape_loss(loss, phenotype, batch, context)
        if not isinstance(shaped, Tensor) or shaped.ndim:
            found = tuple(shaped.shape) if isinstance(shaped, Tensor) else type(shaped).__name__
            broken(f"it returned {found}; wanted a scalar tensor")
        if not shaped.requires_grad:
            broken("the loss that it returned has no gradient")

    for_all(stages(nurture), attempt)


def _require_zeros(phenotype: Phenotype) -> None:
    parameters = dict(phenotype.network.named_parameters())
    for name, mask in phenotype.masks.items():
        absent = parameters[name].detach()[~mask.expand_as(parameters[name])]
        if bool(absent.any()):
            broken(f"{int((absent != 0).sum())} absent synapses of {name!r} are not 0")
