"""The end of a life: nurtures act once more before a network is judged, and know when it comes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs
import pytest
import torch

import evoframe
from evoframe.errors import ContractError
from evoframe.plugin import Gradient, Nurture, Training, TrainingResult

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
TOLD: list[tuple[int, int]] = []


@attrs.frozen
class Doubling(Nurture):
    """Doubles the first weights at the end of a life."""

    name: ClassVar[str] = "doubling"

    def before_epoch(self, phenotype, context, epoch):
        TOLD.append((epoch, context.life.epochs))

    def after_life(self, phenotype, context):
        with torch.no_grad():
            next(phenotype.network.parameters()).mul_(2)
        return phenotype


@attrs.frozen
class Own(Training):
    """A loop that was written before there was an end of life."""

    name: ClassVar[str] = "own"

    def train(self, phenotype, context):
        for companion in context.life.companions:
            companion.begin(phenotype, context)
        return TrainingResult(phenotype, 1, 0.0)


def offspring(out: Path, training: Training, *nurtures: Nurture) -> torch.Tensor:
    run = evoframe.evolve(
        BLOBS,
        out=out,
        generations=2,
        population=1,
        training=training,
        nurture=list(nurtures),
        heredity="asexual",
    )
    return next(iter(run.genotype("g2s0").state.values()))


@pytest.mark.parametrize(
    "training", [Gradient(epochs=3), Gradient(epochs=3, average=0.9), Own()], ids=repr
)
def test_it_comes_once_after_the_last_epoch(training, tmp_path) -> None:
    """With what the network is judged by, whoever wrote the loop."""
    TOLD.clear()
    plain = offspring(tmp_path / "plain", training)
    doubled = offspring(tmp_path / "doubled", training, Doubling())

    assert bool(plain.any())
    assert torch.equal(doubled, 2 * plain)
    if isinstance(training, Gradient):
        assert TOLD == [(0, 3), (1, 3), (2, 3)]


@attrs.frozen
class Losing(Doubling):
    """Forgets to return the network."""

    name: ClassVar[str] = "losing"

    def after_life(self, phenotype, context):
        return None


def test_its_answer_is_looked_at(tmp_path) -> None:
    """As that of every other moment."""
    with pytest.raises(ContractError, match=r"nurture 'losing'.* returned None; wanted Phenotype"):
        offspring(tmp_path / "run", Gradient(epochs=1), Losing())
