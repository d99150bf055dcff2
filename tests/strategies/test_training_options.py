"""Options of gradient training: each does what it says, and can be put down with the life."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.events import Silence
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.rungs import Paused, Rung
from evoframe.roles.nurture import Nurture
from evoframe.strategies.nurture import Distillation
from evoframe.strategies.training import Gradient
from evoframe.strategies.training.options import Wish
from evoframe.testing.case import Case
from evoframe.testing.specimens import Specimen


@attrs.frozen(eq=False)
class Diary(Nurture):
    """Notes the step size, the norm of gradients and the weights of every step."""

    rates: list[float] = attrs.field(factory=list)
    norms: list[float] = attrs.field(factory=list)
    weights: list[dict[str, Any]] = attrs.field(factory=list)

    def after_step(self, phenotype: Any, optimiser: Any, context: Any, step: int) -> Any:
        """Note them."""
        self.rates.append(optimiser.param_groups[0]["lr"])
        own = phenotype.network.parameters()
        self.norms.append(float(torch.cat([one.grad.flatten() for one in own]).norm()))
        state = state_of(phenotype.network).items()
        self.weights.append({name: value.detach().clone() for name, value in state})
        return phenotype


CASE = Case(Specimen("perceptron", 4), 0.6)
NORMED = Case(Specimen("normed", 3), 0.6)


def lived(training: Wish, *companions: Nurture, case: Case = CASE, rung: Rung | None = None) -> Any:
    """Return what comes out of a life."""
    life = attrs.evolve(case.life(*companions), rung=rung or Rung())
    return training.train(case.phenotype(), case.context(life=life))


def digest(result: Any, case: Case = CASE) -> str:
    """Return all that a network is, in a few letters."""
    return case.anatomy.absorb(result.phenotype).digest()


def test_accumulated_batches_are_one_of_all_their_examples() -> None:
    small = lived(Gradient(batch_size=5, accumulate=2, learning_rate=0.1))
    large = lived(Gradient(batch_size=10, learning_rate=0.1))

    assert small.loss == pytest.approx(large.loss, rel=1e-5)
    for (name, one), other in zip(
        state_of(small.phenotype.network).items(),
        state_of(large.phenotype.network).values(),
        strict=True,
    ):
        torch.testing.assert_close(one, other, msg=name)


def test_averages_follow_their_formula() -> None:
    diary = Diary()
    before = state_of(NORMED.phenotype().network)
    wanted = {name: value.clone() for name, value in before.items()}
    result = lived(Gradient(average=0.8), diary, case=NORMED)
    for weights in diary.weights:
        for name, value in weights.items():
            whole = not value.is_floating_point()
            wanted[name] = value if whole else 0.8 * wanted[name] + 0.2 * value

    for name, value in state_of(result.phenotype.network).items():
        torch.testing.assert_close(value, wanted[name].to(value))


def test_the_step_size_warms_up_to_its_schedule() -> None:
    cold, warm = Diary(), Diary()
    lived(Gradient(epochs=2, batch_size=6), cold)
    lived(Gradient(epochs=2, batch_size=6, warm_up=1.5), warm)

    factors = [one / other for one, other in zip(warm.rates, cold.rates, strict=True)]
    assert factors == pytest.approx([min(1, step / 6) for step in range(1, 9)])


def test_no_gradient_is_longer_than_clipped() -> None:
    free, clipped = Diary(), Diary()
    lived(Gradient(), free)
    limit = sorted(free.norms)[len(free.norms) // 2]
    lived(Gradient(clip=limit), clipped)

    assert max(free.norms) > limit
    assert max(clipped.norms) <= limit * (1 + 1e-5)
    # What is absent counts for nothing: a limit that nothing reaches changes no bit.
    assert digest(lived(Gradient(clip=1e6))) == digest(lived(Gradient()))


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_norms_and_biases_do_not_decay_where_only_weights_do(optimiser: Any) -> None:
    silent = Case(attrs.evolve(NORMED.specimen, loss_scale=0.0), 0.6)
    options = {"optimiser": optimiser, "weight_decay": 0.5, "learning_rate": 0.1}
    before = dict(silent.phenotype().network.named_parameters())
    for decays in ("all", "weights"):
        result = lived(Gradient(decays=decays, **options), case=silent)
        for name, value in result.phenotype.network.named_parameters():
            same = torch.equal(value, before[name])
            assert same == ((decays == "weights" and value.ndim == 1) or not before[name].any())


def test_the_teacher_is_the_nurture_in_one_word() -> None:
    one, other = lived(Gradient(teacher="ancestor")), lived(Gradient(), Distillation("ancestor"))

    assert digest(one) == digest(other) != digest(lived(Gradient()))


def test_a_life_stops_early_with_the_best_weights_and_never_learns_what_is_held_out() -> None:
    seen: list[Any] = []

    @attrs.frozen(eq=False)
    class Watched(Specimen):
        def step(self, network: nn.Module, batch: Any) -> Any:
            seen.append((torch.is_grad_enabled(), batch[0].clone()))
            return super().step(network, batch)

    case = attrs.evolve(CASE, task=Watched("perceptron", 4))
    training = Gradient(
        epochs=40, batch_size=4, patience=2, held_out=0.3, learning_rate=0.5, schedule="constant"
    )
    result = lived(training, case=case)
    learned = [batch for learning, batch in seen if learning]
    held = [batch for learning, batch in seen if not learning]

    assert result.epochs < 40
    assert result.paused is None
    assert len(held) == 2 * result.epochs
    assert not any(torch.equal(one, other) for one in learned for other in held)


EVERYTHING = Gradient(
    epochs=6,
    batch_size=3,
    accumulate=2,
    average=0.9,
    patience=2,
    held_out=0.3,
    warm_up=1.5,
    clip=0.5,
    decays="weights",
    optimiser="adamw",
    teacher="ancestor",
)


@pytest.mark.parametrize("stops", [[0.5], [1, 1.7], [2.4, 3], [5.9]])
def test_all_of_it_is_put_down_with_the_life(stops: list[float]) -> None:
    whole, before = lived(EVERYTHING, case=NORMED), None
    for stop in stops:
        result = lived(EVERYTHING, case=NORMED, rung=Rung(until=stop, taken_up=before))
        before = result.paused
    last = lived(EVERYTHING, case=NORMED, rung=Rung(taken_up=before))

    if before is not None:
        assert isinstance(before, Paused)
        assert (digest(last, NORMED), last.loss) == (digest(whole, NORMED), whole.loss)


def test_what_cannot_be_held_out_is_refused() -> None:
    with pytest.raises(TaskError, match=r"training\.patience .*there is 1.* smaller batches"):
        Gradient(patience=1, batch_size=100).check(CASE.specimen)
    shape = CASE.specimen.batches("train")[0][0].shape[1:]
    inputs, targets = torch.randn(32, *shape), torch.arange(32) % 2
    pairs = torch.utils.data.TensorDataset(inputs, targets)
    # The order of such a loader is drawn by whoever draws next, so nothing stays held out.
    loader = DataLoader(pairs, 4, shuffle=True)

    @attrs.frozen(eq=False)
    class Loaded(Specimen):
        def batches(self, split: Any, *, shuffle: Any = None, batch_size: Any = None) -> Any:
            return loader

    case = attrs.evolve(CASE, task=Loaded("perceptron", 4))
    with pytest.raises(TaskError, match=r"training\.patience .*other targets"):
        lived(Gradient(patience=3, epochs=8), case=case)


class Phases(Silence):
    """Notes which phases are begun."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def phase(self, phase: Any) -> Any:
        """Note it."""
        self.seen.append(phase.name)
        return super().phase(phase)


def compiled(backend: str | None, case: Case = NORMED, **options: Any) -> tuple[Any, list[str]]:
    """Return what comes out of a life whose steps are compiled, and its phases."""
    phases = Phases()
    life = attrs.evolve(case.life(), announcer=phases)
    training = Gradient(epochs=2, batch_size=10, compile=backend, **options)
    return training.train(case.phenotype(), case.context(life=life)), phases.seen


def test_what_is_compiled_to_the_same_kernels_has_the_same_bits() -> None:
    """Of 24 examples there are batches of ten and of four: each size is compiled once a life."""
    plain, none = compiled(None, average=0.5, clip=1.0)
    for _ in range(2):
        same, phases = compiled("eager", average=0.5, clip=1.0)
        assert digest(same, NORMED) == digest(plain, NORMED)
        assert phases == ["compilation"] * 2
    assert none == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")  # torch's own, on import
def test_compiled_lives_end_alike_but_for_rounding_whatever_was_compiled_before() -> None:
    case = Case(Specimen("normed", 3, "float64"), 0.6)
    plain, _ = compiled(None, case)
    first, _ = compiled("inductor", case)
    compiled("inductor", Case(Specimen("normed", 4, "float64"), 0.6))
    again, _ = compiled("inductor", case)

    assert digest(first, case) == digest(again, case)
    for name, value in state_of(plain.phenotype.network).items():
        other = state_of(first.phenotype.network)[name]
        torch.testing.assert_close(other, value, rtol=0, atol=1e-9, msg=name)


def test_a_backend_that_does_not_work_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigError, match=r"training.compile is 'nonsense', but"):
        Gradient(compile="nonsense").check(Specimen())

    def lacking(*_: Any, **__: Any) -> Any:
        raise RuntimeError("No working C++ compiler found. Searched in many places")

    monkeypatch.setattr(torch, "compile", lacking)
    with pytest.raises(ConfigError, match="No working C") as caught:
        Gradient(compile="inductor").check(Specimen())
    assert "leave training.compile out" in str(caught.value)
