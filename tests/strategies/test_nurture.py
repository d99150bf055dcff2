"""What acts on a newborn while it learns: stress and distillation."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import attrs
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evoframe
from evoframe import anatomy
from evoframe.errors import TaskError
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.life import Life, NoCheckpoint
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.settling import settle
from evoframe.strategies.nurture import Distillation, FanIn, Stress
from evoframe.strategies.training import Gradient

SUPPORT = Path(__file__).parents[1] / "support" / "blobs.py"
Blobs = runpy.run_path(str(SUPPORT))["Blobs"]
BLOBS = f"{SUPPORT}:Blobs"


def newborn(task, share: float = 0.5, seed: int = 0) -> tuple[Phenotype, Context]:
    """Return a network with a part of its parent's synapses, and its context."""
    torch.manual_seed(seed)
    network = task.ancestor(Key(seed))
    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))
    ancestor = plan.genotype()
    masks = {name: torch.rand(mask.shape) < share for name, mask in ancestor.masks.items()}
    genotype = settle(Genotype(masks, ancestor.state), plan.wiring)
    doubled = {name: 2 * value for name, value in ancestor.state.items()}
    parent = Parent(Individual("g1s0", 1, 0, (), Origin.OFFSPRING, "0"), Genotype(masks, doubled))
    parent = attrs.evolve(parent, genotype=settle(parent.genotype, plan.wiring))
    key, cpu = Key(seed).at("life"), torch.device("cpu")
    context = Context(ancestor, None, plan, task, cpu, 2, key, id="g2s0", parents=(parent,))
    return plan.develop(genotype), context


# --- stress -------------------------------------------------------------------------------------


def stressed(stress: Stress, seed: int = 0, epoch: int = 1) -> tuple[Genotype, Genotype]:
    """Return a genotype before and after a signal."""
    phenotype, context = newborn(Blobs(hidden=64), seed=seed)
    before = context.anatomy.absorb(phenotype)
    stress.before_epoch(phenotype, context, epoch)
    return before, context.anatomy.absorb(phenotype)


@given(st.integers(0, 99), st.sampled_from([0.0, 0.5, 0.8]))
def test_stress_weakens_some_synapses_and_nothing_else(seed: int, factor: float) -> None:
    """Every weight is as it was or gamma times that; biases and unevolved layers stay."""
    before, after = stressed(Stress(factor=factor), seed)

    for name, value in before.state.items():
        same, weaker = after.state[name] == value, after.state[name] == value * factor
        assert bool((same | weaker).all())
        if name not in before.masks:
            assert bool(same.all())


def test_stress_hits_as_often_as_the_law_says() -> None:
    """The strongest weight of a layer is always spared; one near zero is hit with 1 - 1/e."""
    hits, chances = 0, 0.0
    for seed in range(12):
        before, after = stressed(Stress(), seed)
        for name, mask in before.masks.items():
            weights = before.state[name].abs()
            law = (weights / weights.max() - 1).exp()
            hit = mask & (after.state[name] != before.state[name])
            assert not bool((hit & (law == 1)).any())
            hits += int(hit.sum())
            chances += float((1 - law)[mask].sum())

    assert hits == pytest.approx(chances, rel=0.05)


def test_stressed_clusters_are_hit_as_a_whole() -> None:
    """With filters, a filter that the draw loses is weakened in all its synapses."""
    before, after = stressed(Stress(of="filter", factor=0.5))

    mask = before.masks["2.weight"]
    changed = (after.state["2.weight"] != before.state["2.weight"]) | ~mask
    assert bool(changed[mask.any(1)].all(1).any())


@pytest.mark.parametrize(("every", "signals"), [(1, [1, 2, 3, 4]), (2, [2, 4])])
def test_stress_comes_between_epochs(every: int, signals: list[int]) -> None:
    """Not before the first, whose weights were just drawn, nor after the last."""
    found = []
    for epoch in range(5):
        before, after = stressed(Stress(every=every), epoch=epoch)
        found += [epoch] if before.digest() != after.digest() else []

    assert found == signals


def test_stress_is_relieved_as_told() -> None:
    """gamma_t = 1 - (1 - gamma) (1 - relief)^(t - 1)."""
    stress = Stress(factor=0.5, relief=0.5)

    assert [stress.factor_at(signal) for signal in (1, 2, 3)] == [0.5, 0.75, 0.875]
    assert [Stress().factor_at(signal) for signal in (1, 9)] == [0.8, 0.8]


# --- fan-in -------------------------------------------------------------------------------------


@given(st.integers(0, 99), st.floats(0.2, 0.9))
def test_fresh_weights_fit_the_inputs_that_are_left(seed: int, share: float) -> None:
    """Each neuron's weights grow by sqrt(N / n), so their sum of squares stays N times as large."""
    phenotype, context = newborn(Blobs(), share, seed)
    before = context.anatomy.absorb(phenotype)

    FanIn().before_epoch(phenotype, context, 0)

    after = context.anatomy.absorb(phenotype)
    for name, mask in before.masks.items():
        left = mask.sum(1, keepdim=True).clamp(min=1)
        expected = before.state[name] * (mask.shape[1] / left).sqrt()
        assert torch.allclose(after.state[name], expected, rtol=1e-6)
    FanIn().before_epoch(phenotype, context, 1)
    assert context.anatomy.absorb(phenotype).digest() == after.digest()


# --- distillation -------------------------------------------------------------------------------


def test_the_loss_of_imitation_is_hintons() -> None:
    """T^2 KL of the softened classes, two classes by hand: logits (2, 0) against (0, 0), T = 2."""
    taught, said = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    p = 1 / (1 + math.exp(-1))  # softmax of (1, 0)
    by_hand = 4 * (p * math.log(p / 0.5) + (1 - p) * math.log((1 - p) / 0.5))

    wish = Distillation(temperature=2.0)

    assert float(wish.distance(taught, said)) == pytest.approx(by_hand, rel=1e-5)
    assert wish.distance(taught, taught) == 0
    assert Distillation(of="values").distance(taught, said) == 2.0


@pytest.mark.parametrize("shape", [(4, 1, 6, 6), (4, 1, 9), (4, 1, 2, 2, 2), (4, 1), (4,)], ids=str)
def test_one_class_is_compared_as_yes_or_no(shape: tuple[int, ...]) -> None:
    """Maps, lines, volumes, single scores: a softmax over one is 1, and would teach nothing."""
    dice = torch.Generator().manual_seed(0)
    taught, said = (3 * torch.randn(shape, generator=dice) for _ in range(2))
    said.requires_grad_()

    apart = Distillation(temperature=1.0).distance(taught, said)
    apart.backward()

    p, q = taught.double().sigmoid(), said.detach().double().sigmoid()
    by_hand = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
    assert float(apart.detach()) == pytest.approx(float(by_hand), rel=1e-4)
    assert torch.allclose(said.grad.double(), (q - p) / said.numel(), atol=1e-6)
    assert float(Distillation().distance(taught, taught)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("teacher", "scale"), [("parent", 2), ("ancestor", 1)])
def test_the_loss_mixes_labels_and_teacher(teacher: str, scale: int) -> None:
    """(1 - a) L + a T^2 KL with the outputs of whoever teaches, computed apart."""
    phenotype, context = newborn(Blobs())
    task = context.task
    batch = task.batches("train")[0]
    wish = Distillation(teacher=teacher, share=0.3, temperature=3.0)
    pupil = wish.begin(phenotype, context)

    pupil.before_epoch(phenotype, context, 0)
    loss = task.step(phenotype.network, batch)
    shaped = pupil.shape_loss(loss, phenotype, batch, context)
    pupil.after_epoch(phenotype, context, 0)

    genotype = context.parents[0].genotype if teacher == "parent" else context.ancestor
    taught = context.anatomy.develop(genotype).network(batch[0])
    said = phenotype.network(batch[0])
    gap = F.kl_div(F.log_softmax(said / 3, 1), F.softmax(taught / 3, 1), reduction="batchmean")
    assert torch.allclose(shaped, 0.7 * loss + 0.3 * 9 * gap, rtol=1e-5)
    assert not phenotype.network._forward_hooks
    shaped.backward()
    assert all(value.grad is None for value in pupil.teacher.network.parameters())


def test_distillation_teaches(tmp_path) -> None:
    """With nothing but a teacher, a newborn's answers come closer to the ancestor's."""
    phenotype, context = newborn(Blobs(), share=0.8)
    points = torch.cat([points for points, _ in context.task.batches("validation")])
    taught = context.anatomy.develop(context.ancestor).network(points)
    before = F.mse_loss(phenotype.network(points), taught)
    wish = Distillation(teacher="ancestor", share=1.0, of="values")

    alone = attrs.evolve(context, life=Life(companions=(wish,)))
    result = Gradient(epochs=10).train(phenotype, alone)

    assert F.mse_loss(result.phenotype.network(points), taught) < 0.2 * before


@attrs.frozen
class Mute(Blobs):
    """Blobs whose step calls a network that answers with no numbers."""

    def step(self, network, batch):
        network(batch[0])
        return torch.zeros((), requires_grad=True)


class Silent(nn.Module):
    def forward(self, points):
        return {"classes": points.long()}


def test_a_network_that_says_nothing_cannot_be_taught() -> None:
    """The message names the task and what is missing."""
    phenotype, context = newborn(Mute())
    pupil = Distillation().begin(phenotype, context)
    pupil.teacher.network, silent = Silent(), Phenotype(Silent(), {})
    pupil.before_epoch(silent, context, 0)
    batch = context.task.batches("train")[0]
    loss = context.task.step(silent.network, batch)

    with pytest.raises(TaskError, match="'blobs' returns no tensor of numbers"):
        pupil.shape_loss(loss, silent, batch, context)


class Aided(nn.Module):
    """A network with an auxiliary head: of its own answers while it learns, or of fewer classes."""

    def __init__(self, aids: int, classes: int) -> None:
        super().__init__()
        self.layer, self.aids, self.classes = nn.Linear(4, 3), aids, classes

    def forward(self, points):
        said = self.layer(points)
        return [said] + [said[:, : self.classes]] * self.aids if self.training else said


@pytest.mark.parametrize(
    ("aids", "classes", "told"),
    [(1, 3, r"\(16, 3\) in evaluation .* \(16, 3\), \(16, 3\) in training"),
     (4, 1, r"\(16, 3\), \(16, 1\), \(16, 1\) and 2 more in training")],
)  # fmt: skip
def test_a_network_that_says_something_else_while_it_learns_cannot_be_taught(
    aids: int, classes: int, told: str
) -> None:
    """By its shapes, with the remedy: a pair of others would be compared to no avail."""
    phenotype, context = newborn(Mute())
    pupil = Distillation().begin(phenotype, context)
    pupil.teacher.network, aided = Aided(aids, classes).eval(), Phenotype(Aided(aids, classes), {})
    pupil.before_epoch(aided, context, 0)
    batch = tuple(part[:16] for part in context.task.batches("train")[0])
    loss = context.task.step(aided.network, batch)

    with pytest.raises(TaskError, match=f"{told} mode, where it learns. Leave distillation out"):
        pupil.shape_loss(loss, aided, batch, context)


def test_nurtured_lives_end_with_the_same_bits_after_a_checkpoint(tmp_path) -> None:
    """A life that is put down between any two epochs and taken up again changes nothing."""

    class Half(NoCheckpoint):
        def __init__(self) -> None:
            self.saved = None

        def load(self):
            return self.saved

        def save(self, epochs, tensors):
            if epochs == 2:
                self.saved = epochs, {name: value.clone() for name, value in tensors.items()}

    digests, half = [], Half()
    for _ in range(2):
        phenotype, context = newborn(Blobs())
        nurture = (Stress(), Distillation())
        context = attrs.evolve(context, life=Life(companions=nurture, checkpoint=half))
        result = Gradient(epochs=4).train(phenotype, context)
        digests.append(context.anatomy.absorb(result.phenotype).digest())

    assert half.saved is not None
    assert digests[0] == digests[1]


def test_a_run_with_nurture_is_another_run_and_the_same_again(tmp_path) -> None:
    """Named on the command line or in Python, alone or together."""
    choices = {"task": BLOBS, "generations": 2, "options": ["training.epochs=2"]}

    plain = evoframe.evolve(out=tmp_path / "plain", **choices)
    one, two = (
        evoframe.evolve(out=tmp_path / name, nurture=["stress", "distillation"], **choices)
        for name in ("one", "two")
    )

    assert plain.digest() != one.digest() == two.digest()
