"""Life: what an individual is given while it is trained, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

import attrs
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evoframe.kernel.events import Announcer, Silence
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.individual import Measurement, Metric
from evoframe.kernel.key import Key
from evoframe.kernel.notes import NONE, Notes
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import Paused, Rung

Split = Literal["train", "validation", "test"]
"""Examples to learn from, examples that selection sees, and examples that are only reported."""

Batch = Any
"""Whatever a task's ``step`` and ``measure`` understand: a tuple, a mapping, a tensor."""


class Task(Protocol):
    """What the kernel asks of a task; :class:`evoframe.roles.Task` says what each part means."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured."""

    @property
    def primary(self) -> Metric:
        """The metric that decides."""

    def newborn(self, key: Key) -> nn.Module:
        """Return a network of the ancestor's architecture with fresh weights; called sealed."""

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return one pass over a split, as batches on any device."""

    def examples_in(self, batch: Batch) -> int | None:
        """How many examples a batch holds; None where that cannot be told."""

    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of one batch, a scalar with its graph."""

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Any]:
        """Each metric for each example of a batch, or its mean, or what it keeps of the batch."""

    def fit(self, network: nn.Module, key: Key, device: torch.device) -> None:
        """Train a network in place, by whatever means."""

    def evaluate(
        self, network: nn.Module, split: Split, device: torch.device
    ) -> Mapping[str, Measurement]:
        """Return every metric over a split."""


class Companion(Protocol):
    """Takes part in a training; :class:`evoframe.roles.Nurture` says when each moment comes."""

    # A context holds the life and so its companions: naming its type here would close a circle.

    def begin(self, phenotype: Phenotype, context: Any) -> Companion:
        """Return the companion that acts in this life."""

    def before_epoch(self, phenotype: Phenotype, context: Any, epoch: int) -> None:
        """Act before an epoch."""

    def shape_loss(self, loss: Tensor, phenotype: Phenotype, batch: Batch, context: Any) -> Tensor:
        """Return the loss to minimise."""

    def after_backward(self, phenotype: Phenotype, context: Any, step: int) -> None:
        """Act on gradients."""

    def after_step(
        self, phenotype: Phenotype, optimiser: Optimizer, context: Any, step: int
    ) -> Phenotype:
        """Return the phenotype to go on with after a step."""

    def after_epoch(self, phenotype: Phenotype, context: Any, epoch: int) -> Phenotype:
        """Return the phenotype to go on with after an epoch."""

    def after_life(self, phenotype: Phenotype, context: Any) -> Phenotype:
        """Return the phenotype that is to be judged."""

    def put_down(self, phenotype: Phenotype, context: Any) -> State:
        """Return the tensors that it keeps of this life."""

    def take_up(self, kept: State, phenotype: Phenotype, context: Any) -> None:
        """Go on with what it kept."""


class Foresight(Protocol):
    """Tells what an offspring would be given."""

    # By position: what an argument is called is left to whoever tells.
    def __call__(self, genotype: Genotype, context: Any, /) -> Genotype:
        """Return the genotype that an only child would be born with, in the next generation.

        Decided by the run's own encoding, mutations and environments, from this genotype as its
        parent's; the key of the context is that of the draw.

        Raises:
            StillbornError: none could be born.
        """


def nobody(genotype: Genotype, _context: Any) -> Genotype:
    """Return the genotype as it is: nobody is known to descend from it."""
    return genotype


class Checkpoint(Protocol):
    """Where a long life puts itself down between epochs."""

    def load(self) -> tuple[int, State] | None:
        """Return the number of finished epochs and the tensors saved then, if there are any."""

    def save(self, epochs: int, tensors: State) -> None:
        """Keep the tensors of a life that has finished this many epochs."""


class NoCheckpoint:
    """A life that is short enough to be lived again."""

    def load(self) -> None:
        """Nothing was saved."""

    def save(self, epochs: int, tensors: State) -> None:
        """Nothing is saved."""


class Bookmark(Protocol):
    """Keeps a life that is lived in rungs from one of them to the next."""

    def load(self) -> tuple[Genotype, Notes] | None:
        """Return whom the life was born as, with the notes by now; None for one that begins."""

    def begins(self, genotype: Genotype) -> None:
        """Keep a newborn."""

    def ends(self, result: TrainingResult, notes: Notes) -> None:
        """Keep a life that waits, if it does."""


class NoBookmark:
    """A life that is lived in one go."""

    def load(self) -> None:
        """Nothing was kept."""

    def begins(self, genotype: Genotype) -> None:
        """Nothing is kept."""

    def ends(self, result: TrainingResult, notes: Notes) -> None:
        """Nothing is kept."""


@attrs.frozen(eq=False)
class Life:
    """What a training is given on top of the phenotype; by default a silent life, lived alone.

    Attributes:
        companions: who takes part in the training, in the order named: the run's nurtures.
        announcer: where to tell of finished epochs.
        checkpoint: where a long life may put itself down.
        foresight: what an offspring would be born with.
        rung: how far it goes, and where it was put down before.
        epochs: how many there will be at most, for companions; 0 where the training does not say.
        bookmark: keeps it until the next rung, if its generation has several.
    """

    companions: tuple[Companion, ...] = ()
    announcer: Announcer = attrs.field(factory=Silence)
    checkpoint: Checkpoint = attrs.field(factory=NoCheckpoint)
    foresight: Foresight = nobody
    rung: Rung = attrs.field(factory=Rung)
    epochs: int = 0
    bookmark: Bookmark = attrs.field(factory=NoBookmark)


@attrs.frozen(eq=False)
class TrainingResult:
    """What comes out of a life.

    Attributes:
        phenotype: the trained phenotype; with other masks than it came with only if a strategy
            with the trait ``rewires`` took part.
        epochs: how many epochs were trained since birth; a fraction where a life waits in one.
        loss: mean training loss of the last epoch; NaN when nothing was trained.
        notes: what is added to those that the individual carries.
        paused: where the life waits, on a rung; None when its schedule is at its end.
    """

    phenotype: Phenotype
    epochs: float
    loss: float
    notes: Notes = attrs.field(default=NONE, converter=Notes)
    paused: Paused | None = None
