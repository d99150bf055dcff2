"""Training and nurture: lives within masks and budget, that can be put down at any epoch."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import EvoframeError, StillbornError
from evoframe.kernel.context import Context
from evoframe.kernel.life import NoCheckpoint, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Nurture
from evoframe.strategies.training.gradient import Gradient
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.lives import Checkpoints
from evoframe.testing.prepared import lasting, on_cases, prepared, with_state
from evoframe.testing.specimens import BATCH_SIZE, SIZES, Specimen
from evoframe.testing.trying import broken


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

    on_cases(strategy, attempt)


@law("training", "nurture", when=_rewires)
def check_rewires_within_the_network(strategy: Any) -> None:
    """With the trait ``rewires``: what the masks that come back call absent is 0.

    A phenotype cannot grow channels: only what its tensors have room for can be rewired. Set the
    weights of a synapse to 0 when it goes, and return ``phenotype.masked(masks)``.
    """

    def attempt(case: Case) -> None:
        _require_zeros(prepared(strategy, case).call().phenotype)

    on_cases(strategy, attempt)


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

    def attempt(case: Case) -> None:
        one, lived = case.specimen, lasting(training, case)
        allowed = getattr(lived, lived.dial)
        task = Counted(one.kind, one.width, one.precision)
        result = lived.train(
            case.phenotype(), with_state(lived, attrs.evolve(case, task=task).context())
        )
        batches = math.ceil(SIZES["train"] / (getattr(training, "batch_size", None) or BATCH_SIZE))
        if len(task.taken) > allowed * batches:
            broken(
                f"it took {len(task.taken)} steps; {allowed} epochs of {batches} batches are "
                f"{allowed * batches}"
            )
        if result.epochs > allowed:
            broken(f"it reports {result.epochs} epochs; allowed are {allowed}")

    on_cases(training, attempt, share=0.5)


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

    on_cases(strategy, attempt, share=0.5)


@law("training", "nurture")
def check_a_life_taken_up_again_ends_the_same(strategy: Any) -> None:
    """Put down after any epoch and taken up again, the life ends with the same bits.

    What a training saves must be all that the next epoch needs; a nurture has no state of its
    own, and finds what it needs in the phenotype, the optimiser and the key.
    """
    own = strategy if strategy.role == "training" else Gradient(epochs=3, learning_rate=0.02)
    companions = () if strategy.role == "training" else (strategy,)

    def attempt(case: Case) -> None:
        memory, training = Checkpoints(), lasting(own, case)

        def lived(checkpoint: Any) -> str:
            life = attrs.evolve(case.life(*companions), checkpoint=checkpoint)
            result = training.train(case.phenotype(), with_state(training, case.context(life=life)))
            return case.anatomy.absorb(result.phenotype).digest()

        # Saving must change nothing either, so the straight life is one that saves nowhere.
        straight = lived(NoCheckpoint())
        lived(memory)
        # Of long lives a few epochs: taking up all of them would take the square of the time.
        for epoch in sorted(memory.kept)[:: 1 + len(memory.kept) // 4]:
            memory.chosen = epoch
            if lived(memory) != straight:
                broken(f"taken up after epoch {epoch}, it ends with other weights")

    on_cases(strategy, attempt, share=0.25)


@law("nurture", stage=Stage.CALL)
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

    on_cases(nurture, attempt)


MOMENTS = ("begin", "before_epoch", "shape_loss", "after_backward", "after_step", "after_epoch")


@attrs.frozen(eq=False)
class Attending(Nurture):
    """A nurture that changes nothing, and notes every moment at which it is called."""

    name: ClassVar[str] = "attending"

    called: list[str] = attrs.field(factory=list, repr=False)

    def begin(self, phenotype: Phenotype, context: Context) -> Nurture:
        """Return itself."""
        self.called.append("begin")
        return self

    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Note the call."""
        self.called.append("before_epoch")

    def shape_loss(
        self, loss: Tensor, phenotype: Phenotype, batch: Any, context: Context
    ) -> Tensor:
        """Return the loss as it is."""
        self.called.append("shape_loss")
        return loss

    def after_backward(self, phenotype: Phenotype, context: Context, step: int) -> None:
        """Note the call."""
        self.called.append("after_backward")

    def after_step(
        self, phenotype: Phenotype, optimiser: Any, context: Context, step: int
    ) -> Phenotype:
        """Return the phenotype as it is."""
        self.called.append("after_step")
        return phenotype

    def after_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> Phenotype:
        """Return the phenotype as it is."""
        self.called.append("after_epoch")
        return phenotype


@law("training")
def check_lets_nurtures_act(training: Any) -> None:
    """A life of at least one epoch calls its companions at every moment of a nurture.

    They are in ``context.life.companions``: a nurture that nobody calls would be on record as if
    it had acted. A training that cannot have them says so by an error, or reports no epochs.
    """

    def attempt(case: Case) -> None:
        companion = Attending()
        context = with_state(training, case.context(life=case.life(companion)))
        try:
            result = lasting(training, case).train(case.phenotype(), context)
        except EvoframeError:
            return
        missed = [moment for moment in MOMENTS if moment not in companion.called]
        if result.epochs and missed:
            broken(f"in {result.epochs} epochs it never called {', '.join(missed)}")

    on_cases(training, attempt, share=0.25)


def _require_zeros(phenotype: Phenotype) -> None:
    parameters = dict(phenotype.network.named_parameters())
    for name, mask in phenotype.masks.items():
        absent = parameters[name].detach()[~mask.expand_as(parameters[name])]
        if bool(absent.any()):
            broken(f"{int((absent != 0).sum())} absent synapses of {name!r} are not 0")
