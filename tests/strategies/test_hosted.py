"""Training in a loop of another library: what a plugin gets that brings one, and must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR

from evoframe.errors import ContractError, StillbornError, TaskError
from evoframe.plugin import HostedLife, HostedTraining, Nurture, doc
from evoframe.strategies.nurture import Distillation, FanIn, Stress
from evoframe.strategies.training import Gradient
from evoframe.testing import Case, Specimen, conformance, lived, taken_up
from evoframe.testing.lives import Checkpoints


class Loop:
    """A trainer that knows nothing of evoframe: it tells callbacks of its moments."""

    def __init__(self, optimiser: Any, schedule: Any, loss: Callable[[Any], Any], clip: float):
        self.optimiser, self.schedule, self.loss, self.clip = optimiser, schedule, loss, clip

    def fit(self, loader: Any, epochs: range, callbacks: Any) -> None:
        """Train for some epochs."""
        for _ in epochs:
            callbacks.begin_epoch()
            for batch in loader:
                self.optimiser.zero_grad()
                self.loss(batch).backward()
                callbacks.after_backward()
                own = [one for group in self.optimiser.param_groups for one in group["params"]]
                torch.nn.utils.clip_grad_norm_(own, self.clip)
                self.optimiser.step()
                callbacks.after_step(self.optimiser)
            self.schedule.step()
            callbacks.end_epoch(self.states())

    def states(self) -> dict[str, Any]:
        """Return what it has learned."""
        return {
            "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(),
        }  # fmt: skip

    def load(self, states: Any) -> None:
        """Go on with that."""
        self.optimiser.load_state_dict(states["optimiser"])
        self.schedule.load_state_dict(states["schedule"])


@attrs.frozen
class Borrowed(HostedTraining):
    """Trains in that loop."""

    name: ClassVar[str] = "borrowed"

    rate: float = attrs.field(default=0.05, metadata=doc("step size"))
    fading: float = attrs.field(default=0.9, metadata=doc("of the step size, after an epoch"))
    batch_size: int | None = attrs.field(default=None, metadata=doc("examples in a batch"))

    @property
    def remedy(self) -> str:
        """What to try."""
        return f"try a smaller training.rate than {self.rate:g}"

    def host(self, life: HostedLife) -> None:
        """Train in the loop."""
        own = life.phenotype.network.parameters()
        optimiser = SGD(own, self.rate, momentum=0.9, weight_decay=0.01)
        loop = Loop(optimiser, ExponentialLR(optimiser, self.fading), life.loss, clip=0.5)
        if life.learning is not None:
            loop.load(life.learning)
        loop.fit(life.batches(), range(life.epoch, life.epochs), life)


test_conformance = conformance(Borrowed(epochs=3, batch_size=5))

STEADY = Borrowed(epochs=3, fading=1.0, batch_size=5)
SAME = Gradient(
    epochs=3, learning_rate=0.05, momentum=0.9, weight_decay=0.01, schedule="constant",
    batch_size=5, clip=0.5,
)  # fmt: skip
CASE = Case(Specimen("normed", 4), 0.6)


@pytest.mark.parametrize("companions", [(), (Stress(), Distillation(), FanIn())], ids=len)
@pytest.mark.parametrize("kind", ["normed", "convolutions"])
def test_a_hosted_life_is_that_of_the_built_in_loop(kind: Any, companions: Any) -> None:
    """Where the arithmetic is the same: order, draws, companions, clipping and absence are."""
    case = attrs.evolve(CASE, specimen=Specimen(kind, 4))

    def digest(training: Any) -> tuple[str, float]:
        context = case.context(life=case.life(*companions))
        result = training.train(case.phenotype(), context)
        return case.anatomy.absorb(result.phenotype).digest(), result.loss

    assert digest(STEADY) == digest(SAME)
    assert digest(STEADY) != digest(attrs.evolve(STEADY, rate=0.06))


def test_a_life_goes_on_where_it_was_put_down() -> None:
    training = Borrowed(epochs=4)
    assert taken_up(training, Specimen("normed", 4)) == {1: True, 2: True, 3: True}


@attrs.frozen
class Fickle(Borrowed):
    """Keeps nothing of its optimiser."""

    def host(self, life: HostedLife) -> None:
        life.learning = None
        Borrowed.host(self, life)


def test_what_a_loop_does_not_keep_is_found() -> None:
    assert not any(taken_up(Fickle(epochs=4), Specimen("normed", 4)).values())


@pytest.mark.parametrize("spoilt", ["learning", "network.0.weight"])
def test_a_checkpoint_of_something_else_is_told_and_the_life_is_lived_again(spoilt: str) -> None:
    checkpoints, task = Checkpoints(), Specimen("normed", 4)
    wanted = lived(STEADY, task, checkpoint=checkpoints)
    del checkpoints.kept[2][spoilt]
    checkpoints.chosen = 2

    with pytest.warns(UserWarning, match="of another life.*from its beginning"):
        again = lived(STEADY, task, checkpoint=checkpoints)

    assert again.loss == wanted.loss
    for one, other in zip(
        wanted.phenotype.network.parameters(), again.phenotype.network.parameters(), strict=True
    ):
        assert torch.equal(one, other)


@attrs.frozen(eq=False)
class Watching(Nurture):
    """Sees after every step how large absent synapses are."""

    name: ClassVar[str] = "watching"

    seen: list[float] = attrs.field(factory=list)

    def after_step(self, phenotype: Any, optimiser: Any, context: Any, step: int) -> Any:
        """Look."""
        assert isinstance(optimiser, SGD)
        values = dict(phenotype.network.named_parameters())
        self.seen.extend(
            float(values[name].detach()[~mask].abs().max())
            for name, mask in phenotype.masks.items()
        )
        return phenotype


def test_absent_synapses_are_zero_after_every_step() -> None:
    watching, task = Watching(), Specimen("normed", 4)
    mask = torch.arange(16).reshape(4, 4) % 3 > 0
    result = lived(Borrowed(epochs=2), task, {"3.weight": mask}, companions=(watching,))

    assert watching.seen == [0.0] * int(2 * len(task.batches("train")))
    weight = dict(result.phenotype.network.named_parameters())["3.weight"]
    assert torch.equal(weight != 0, mask)


@attrs.frozen
class Hurried(Borrowed):
    """Leaves its epoch before that ends."""

    def host(self, life: HostedLife) -> None:
        life.begin_epoch()
        life.loss(next(iter(life.batches())))


@attrs.frozen
class Silent(Borrowed):
    """Tells of no step."""

    def host(self, life: HostedLife) -> None:
        life.begin_epoch()
        for batch in life.batches():
            life.loss(batch)
        life.end_epoch()


@attrs.frozen
class Idle(Borrowed):
    """Does nothing at all."""

    def host(self, life: HostedLife) -> None:
        """Do nothing."""


class Hopeless(Specimen):
    """A specimen whose loss is no number."""

    def step(self, network: Any, batch: Any) -> Any:
        return super().step(network, batch) * float("nan")


class Endless(Specimen):
    """A specimen of which nobody knows how long an epoch is."""

    def batches(self, split: Any, **given: Any) -> Any:
        return iter(super().batches(split, **given))


@pytest.mark.parametrize(
    ("training", "task", "error", "told"),
    [
        (Hurried(), Specimen(), ContractError, r"within epoch 1; wanted end_epoch\(\) after it"),
        (Silent(), Specimen(), ContractError, r"reported no step; wanted after_step\(optimiser\)"),
        (Idle(), Specimen(), TaskError, "no training batch that anything can be learned from"),
        (Borrowed(), Hopeless(), StillbornError, "try a smaller training.rate than 0.05"),
        (Borrowed(batch_size=1), Specimen("normed"), TaskError, "Another batch size, or drop_last"),
    ],
)
def test_what_cannot_be_lived_is_told_and_generators_are_put_back(
    training: Any, task: Any, error: type[Exception], told: str
) -> None:
    before = torch.get_rng_state()
    with pytest.raises(error, match=told):
        lived(training, task)
    assert torch.equal(before, torch.get_rng_state())


def test_an_epoch_whose_length_nobody_knows_is_refused() -> None:
    with pytest.raises(TaskError, match="training 'borrowed' plans a life by the number of its st"):
        Borrowed().check(Endless())
    Borrowed().check(Specimen())
