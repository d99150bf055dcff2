"""Lives in rungs: put down anywhere and taken up again, a life has the bits of one without."""

from __future__ import annotations

import json
import math
import random
from collections import deque
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from safetensors.torch import load, save
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, Dataset

from evoframe.errors import ConfigError, ContractError
from evoframe.kernel import precision
from evoframe.kernel.key import Key
from evoframe.kernel.notes import Notes
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import Paused, Rung
from evoframe.roles.nurture import Nurture
from evoframe.roles.pausing import require_pausable
from evoframe.strategies.nurture import Decay, Distillation, Rounding, Stress
from evoframe.strategies.selection import Truncation
from evoframe.strategies.training import Fit, Gradient, Untrained
from evoframe.strategies.training.checkpoints import restore, snapshot
from evoframe.testing.case import Case
from evoframe.testing.specimens import Specimen


class Augmented(Dataset):
    """Examples that are changed by all three generators whenever they are read."""

    def __init__(self, pairs: Any) -> None:
        self.inputs, self.targets = pairs

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Any:
        noise = torch.randn(()) + random.gauss(0, 1) + np.random.randn()  # noqa: NPY002
        return self.inputs[index] + 0.1 * float(noise), self.targets[index]


class Stream:
    """Batches in an order that a buffer decides, which is fed by a generator networks share."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        # At once, and not when the first batch is asked for.
        order = torch.randperm(len(self.batches)).tolist()
        return self.flow(deque(self.batches[index] for index in order))

    def flow(self, waiting: Any) -> Any:
        """Yield batches that a buffer gives out."""
        kept: list[Any] = []
        while waiting or kept:
            if waiting and len(kept) < 3:
                kept.append(waiting.popleft())
                continue
            yield kept.pop(int(torch.randint(len(kept), ())))


@attrs.frozen(eq=False)
class Fed(Specimen):
    """A specimen that is fed in several ways, by a network with dropout."""

    by: str = "batches"

    def batches(self, split: Any, *, shuffle: Key | None = None, batch_size: Any = None) -> Any:
        """Return batches, a loader of examples that are augmented, or a stream."""
        batches = super().batches(split, shuffle=shuffle, batch_size=batch_size or 6)
        if split != "train" or self.by == "batches":
            return batches
        if self.by == "stream":
            return Stream(batches)
        whole = tuple(torch.cat(part) for part in zip(*batches, strict=True))
        return DataLoader(Augmented(whole), batch_size or 6, shuffle=True)

    def step(self, network: nn.Module, batch: Any) -> Any:
        """Return the loss with dropout on what goes in."""
        inputs, targets = batch
        return super().step(network, (nn.functional.dropout(inputs, 0.2), targets))


@attrs.frozen(eq=False)
class Moody(Nurture):
    """Draws before epochs, lets norms rest in some, and remembers how much it has drawn."""

    name = "moody"
    traits = frozenset({"pausable"})
    drawn: list[float] = attrs.field(factory=list)

    def begin(self, phenotype: Any, context: Any) -> Nurture:
        """Return another one."""
        return Moody()

    def before_epoch(self, phenotype: Any, context: Any, epoch: int) -> None:
        """Draw, and let norms rest."""
        self.drawn.append(float(torch.rand(())) + random.random())
        for module in phenotype.network.modules():
            if isinstance(module, _BatchNorm) and epoch % 2 == 0:
                module.eval()

    def after_backward(self, phenotype: Any, context: Any, step: int) -> None:
        """Let the drawn numbers tell, and draw one more."""
        self.drawn.append(float(torch.rand(())))
        for value in phenotype.network.parameters():
            value.grad += 1e-3 * sum(self.drawn)

    def put_down(self, phenotype: Any, context: Any) -> Any:
        """Return what has been drawn."""
        return {"drawn": torch.tensor(self.drawn, dtype=torch.float64)}

    def take_up(self, kept: Any, phenotype: Any, context: Any) -> None:
        """Remember it."""
        self.drawn[:] = kept["drawn"].tolist()


COMPANIONS: dict[str, tuple[Nurture, ...]] = {
    "nobody": (),
    "teacher": (Distillation(teacher="ancestor"),),
    "decay and stress": (Decay(strength=0.1), Stress()),
    "moody": (Moody(),),
    "rounding and stress": (Rounding(), Stress()),
}

FEW = Notes({precision.NOTE: json.dumps({"0.weight": 8, "3.weight": 16, "2.weight": 8})})
"""Bits of some layers, for who heeds them."""


def life_of(case: Case, training: Any, rung: Rung, *companions: Nurture) -> Any:
    """Return what comes of a life as far as a rung goes."""
    life = attrs.evolve(case.life(*companions), rung=rung)
    return training.train(case.phenotype(), case.context(life=life))


def test_buffers_that_are_not_saved_with_a_network_are_put_down() -> None:
    layer = nn.Linear(2, 2)
    layer.register_buffer("passes", torch.tensor(3), persistent=False)
    phenotype, optimiser = Phenotype(layer, {}), torch.optim.SGD(layer.parameters(), 0.1)
    kept = {name: one.clone() for name, one in snapshot(phenotype, optimiser, 0).items()}
    layer.passes += 1
    restore(kept, phenotype, optimiser)
    assert layer.passes == 3


def on_paper(paused: Paused) -> Paused:
    """Return a life that waits as another process would read it."""
    return Paused(paused.epochs, load(save(dict(paused.tensors))))


def outcome(case: Case, result: Any) -> tuple[str, float, float]:
    """Return what must be the same."""
    return case.anatomy.absorb(result.phenotype).digest(), result.loss, result.epochs


@given(
    by=st.sampled_from(["batches", "loader", "stream"]),
    companions=st.sampled_from(sorted(COMPANIONS)),
    optimiser=st.sampled_from(["sgd", "adamw"]),
    kind=st.sampled_from(["normed", "perceptron"]),
    stops=st.lists(st.integers(0, 13), min_size=1, max_size=3),
)
@example("loader", "moody", "sgd", "normed", [2, 3])
@example("stream", "moody", "adamw", "normed", [6])
@example("batches", "rounding and stress", "sgd", "perceptron", [3, 4])
@example("loader", "rounding and stress", "adamw", "normed", [5])
@settings(max_examples=20, deadline=None)
def test_a_life_in_rungs_has_the_bits_of_one_without_a_pause(
    by: str, companions: str, optimiser: Any, kind: Any, stops: list[int]
) -> None:
    case = Case(Specimen(kind, 3), 0.5, notes=FEW)
    case = attrs.evolve(case, task=Fed(kind, 3, by=by))
    training = Gradient(epochs=3, learning_rate=0.02, optimiser=optimiser)
    whole = life_of(case, training, Rung(), *COMPANIONS[companions])
    before = None
    for stop in sorted(stops):
        result = life_of(case, training, Rung(steps=stop, taken_up=before), *COMPANIONS[companions])
        if result.paused is None:
            break
        assert result.epochs <= 3
        before = on_paper(result.paused)
    # Twice from the same value: taking up changes nothing of it.
    for _ in range(2):
        last = life_of(case, training, Rung(taken_up=before), *COMPANIONS[companions])
        assert last.paused is None
        assert outcome(case, last) == outcome(case, whole)


@given(until=st.floats(0, 4), epochs=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_a_rung_is_never_passed_and_leaves_less_than_a_step(until: float, epochs: int) -> None:
    case = Case(task=Fed())
    result = life_of(case, Gradient(epochs=epochs), Rung(until=until))
    length = len(case.task.batches("train"))
    assert (result.paused is None) == (until >= epochs)
    assert result.epochs <= until + 1e-9
    assert result.paused is None or until - result.epochs < 1 / length
    assert result.paused is None or result.paused.epochs == result.epochs


def test_of_a_stream_a_rung_has_whole_epochs_or_steps() -> None:
    case = Case(task=Fed(by="stream"))
    assert life_of(case, Gradient(), Rung(until=1.5)).epochs == 1
    result = life_of(case, Gradient(), Rung(steps=2))
    assert result.paused.epochs == 0
    assert math.isfinite(result.loss)


def test_a_life_of_another_network_is_refused() -> None:
    paused = life_of(Case(), Gradient(), Rung(until=1)).paused
    with pytest.raises(ContractError, match="of another network"):
        life_of(Case(Specimen("perceptron", 5)), Gradient(), Rung(taken_up=paused))


class Own(Gradient):
    """Trains in its own way, and says nothing of rungs."""

    name = "own"

    def train(self, phenotype: Any, context: Any) -> Any:
        """Train like others."""
        return super().train(phenotype, context)


class Keeping(Nurture):
    """Keeps something, and knows nothing of being put down."""

    name = "keeping"

    def begin(self, phenotype: Any, context: Any) -> Nurture:
        """Return another one."""
        return Keeping()


@pytest.mark.parametrize(
    ("training", "nurtures"), [(Fit(), ()), (Own(), ()), (Gradient(), (Keeping(),))]
)
def test_what_cannot_be_put_down_is_refused_by_name(training: Any, nurtures: Any) -> None:
    name = (nurtures[0] if nurtures else training).name
    with pytest.raises(ConfigError, match=f"selection 'truncation'.*{name}.*'pausable'.*(Use|Lea)"):
        require_pausable(Truncation(), training, nurtures)
    require_pausable(Truncation(), Untrained(), (Stress(), Decay(), Distillation()))
