"""Lives that are trained together: each ends as it would alone, or is refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from evoframe.errors import ConfigError, StillbornError, TaskError
from evoframe.evolution.together import require_cohorts
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.life import Life
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.litter import Fittest
from evoframe.strategies.nurture import Stress
from evoframe.strategies.selection import Truncation
from evoframe.strategies.training import Fit, Gradient
from evoframe.testing.case import Case
from evoframe.testing.lives import Checkpoints
from evoframe.testing.specimens import Specimen

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"optimiser": "adamw", "weight_decay": 0.1, "decays": "weights"},
    {"clip": 0.1, "accumulate": 2, "warm_up": 0.5},
    {"average": 0.8, "schedule": "steps", "momentum": 0.0, "batch_size": 5},
)
"""What a descent may be asked for; each alone and together."""

KINDS = ["perceptron", "normed", "convolutions", "residual", "shallow", "bias-free"]


def grown(case: Case, lives: int) -> tuple[list[Genotype], list[Phenotype]]:
    """Return genotypes, and their networks with the channels that any of them has."""
    genotypes = [case.genotype(index) for index in range(lives)]
    within = torch.stack([case.anatomy.channels(one) for one in genotypes]).any(0)
    return genotypes, [case.anatomy.develop(one, within) for one in genotypes]


def together(training: Gradient, case: Case, lives: int, life: Life | None = None) -> list[Any]:
    """Return what comes out of the lives of a cohort."""
    contexts = [case.context(life=life) for _ in range(lives)]
    return list(training.train_together(grown(case, lives)[1], contexts))


def digests(case: Case, results: Sequence[Any]) -> list[str]:
    """Return the digest of each result; what it says, if it is stillborn."""
    return [
        str(one) if isinstance(one, StillbornError) else case.anatomy.absorb(one.phenotype).digest()
        for one in results
    ]


@settings(max_examples=8)
@given(
    kind=st.sampled_from(KINDS),
    width=st.sampled_from([1, 4]),
    share=st.floats(0.05, 1.0),
    lives=st.integers(1, 5),
    options=st.sampled_from(OPTIONS),
)
def test_each_life_ends_as_it_would_alone(
    kind: Any, width: int, share: float, lives: int, options: dict[str, Any]
) -> None:
    """Whatever the network, grown as small as it can be alone, and masked beside others."""
    case = Case(Specimen(kind, width, "float64"), share)
    training = Gradient(epochs=2, learning_rate=0.02, together=lives, **options)

    genotypes, phenotypes = grown(case, lives)
    results = training.train_together(phenotypes, [case.context() for _ in genotypes])

    for genotype, result in zip(genotypes, results, strict=True):
        alone = training.train(case.anatomy.develop(genotype), case.context())
        assert not isinstance(result, StillbornError)
        due, found = (case.anatomy.absorb(one.phenotype) for one in (alone, result))
        assert (result.loss, result.epochs) == (pytest.approx(alone.loss, rel=1e-9), 2)
        for name, mask in genotype.masks.items():
            assert torch.equal(found.masks[name], mask)
            assert not found.state[name][~mask].any()
        for name, value in due.state.items():
            torch.testing.assert_close(found.state[name], value, rtol=0, atol=1e-8, msg=name)


def test_a_life_that_diverges_changes_no_bit_of_another() -> None:
    """It ends as it would alone, in words, and the others as if it had been well."""
    case = Case(Specimen("convolutions", 4), 0.7)
    training, (_, well) = Gradient(epochs=3, together=3), grown(case, 3)
    _, ill = grown(case, 3)
    with torch.no_grad():
        next(ill[1].network.parameters()).fill_(torch.nan)
    contexts = [case.context() for _ in range(3)]

    due = digests(case, training.train_together(well, contexts))
    found = digests(case, training.train_together(ill, contexts))

    assert (found[0], found[2]) == (due[0], due[2])
    assert "training diverged: the loss became nan in epoch 1" in found[1]


def test_a_cohort_goes_on_from_its_checkpoint_bit_for_bit() -> None:
    case, memory = Case(Specimen("normed", 4), 0.6), Checkpoints()
    training = Gradient(epochs=4, together=3, average=0.9)
    straight = digests(case, together(training, case, 3))
    assert digests(case, together(training, case, 3, Life(checkpoint=memory))) == straight

    assert sorted(memory.kept) == [1, 2, 3]
    for epoch in memory.kept:
        memory.chosen = epoch
        assert digests(case, together(training, case, 3, Life(checkpoint=memory))) == straight


class Shifting(nn.Module):
    """Keeps a mean of what it has seen, each time in another tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(4, dtype=torch.float64))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs without their mean."""
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * inputs.detach().mean(0)
        return inputs - self.mean


class Dropped(nn.Module):
    """Asks a number of a tensor, which a cohort has not."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs, if they are any."""
        return inputs if float(inputs.sum()) < 1e9 else -inputs


@attrs.frozen
class Made(Specimen):
    """A specimen with a layer of its own between others."""

    between: Any = nn.Identity

    def ancestor(self, key: Any) -> nn.Module:
        """Return a perceptron with that layer."""
        layers = [nn.Linear(4, 4), self.between(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3)]
        return nn.Sequential(*layers).to(self.dtype)


@attrs.frozen
class Wrong(Made):
    """Its loss counts the axes of a parameter, of which a cohort shows no more than a life."""

    def step(self, network: Any, batch: Any) -> torch.Tensor:
        """Return a loss that is another one where somebody looks into the network from above."""
        loss = super().step(network, batch)
        return 2 * loss if torch._C._functorch.is_batchedtensor(network[0].weight) else loss


def test_buffers_that_are_made_anew_come_home() -> None:
    case = Case(Made(precision="float64", between=Shifting))
    training = Gradient(epochs=2, together=2)
    training.check(case.specimen)
    (one, _), phenotypes = grown(case, 2)
    first, _ = training.train_together(phenotypes, [case.context()] * 2)
    alone = training.train(case.anatomy.develop(one), case.context())

    assert not isinstance(first, StillbornError)
    due = alone.phenotype.network.get_buffer("1.mean")
    assert due.any()
    torch.testing.assert_close(first.phenotype.network.get_buffer("1.mean"), due)


def test_dropout_draws_for_each_life() -> None:
    """Two of a kind come apart by what is dropped, and by nothing else."""
    for between, alike in ((nn.Identity, True), (nn.Dropout, False)):
        case = Case(Made(between=between))
        training = Gradient(epochs=1, together=2)
        training.check(case.specimen)
        twins = [case.anatomy.develop(case.genotype()) for _ in range(2)]
        one, other = digests(case, training.train_together(twins, [case.context()] * 2))
        assert (one == other) is alike


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (Made(between=Dropped), "torch.func.vmap says"),
        (Wrong(between=nn.Identity), "apart from those alone"),
    ],
)
def test_networks_that_cannot_be_trained_together_are_refused(task: Any, told: str) -> None:
    Gradient().check(task)
    with pytest.raises(TaskError, match=told) as caught:
        Gradient(together=2).check(task)

    assert "Set training.together to 1" in str(caught.value)


def test_options_and_strategies_of_single_lives_are_refused() -> None:
    for options in ({"patience": 2}, {"teacher": "ancestor"}, {"compile": "eager"}):
        with pytest.raises(ConfigError, match=f"training.{next(iter(options))}"):
            Gradient(together=2, **options).check(Specimen())  # type: ignore[arg-type]

    def refused(training: Any, nurtures: Any = (), litter: Any = None, **more: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            require_cohorts(training, nurtures, litter, Truncation(), approximate=bool(more))
        return str(caught.value)

    several = Gradient(together=2)
    assert "nurture 'stress'" in refused(several, (Stress(),))
    assert "litter 'fittest'" in refused(several, (), Fittest())
    assert "anatomy.approximate" in refused(several, approximate=True)

    @attrs.frozen
    class Own(Gradient):
        def train(self, phenotype: Any, context: Any) -> Any:
            return super().train(phenotype, context)

    assert "no train_together() of its own" in refused(Own(together=2))
    require_cohorts(Own(), (Stress(),), Fittest(), Truncation(), approximate=True)
    require_cohorts(Fit(), (), None, Truncation(), approximate=False)


def test_a_hook_on_gradients_is_refused() -> None:
    case = Case(Specimen("perceptron", 3), 0.6)
    _, phenotypes = grown(case, 2)
    next(phenotypes[0].network.parameters()).register_hook(lambda gradient: gradient * 2)

    with pytest.raises(TaskError, match="a hook listens to the gradient"):
        Gradient(together=2).train_together(phenotypes, [case.context()] * 2)
