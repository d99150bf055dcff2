"""Bits by layer: inherited, varied, heeded while networks are drawn and trained, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
import torch
from torch import nn

import evoframe
from evoframe import hookimpl
from evoframe.errors import ConfigError
from evoframe.kernel import precision
from evoframe.kernel.notes import Notes
from evoframe.plugin import (
    DNA,
    Bits,
    Budget,
    Environment,
    Fittest,
    Genes,
    Gradient,
    Inheritance,
    Nurture,
    Observer,
    Precision,
    Retention,
    Rounding,
    Synaptic,
)

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
LAYERS = {"0.weight", "2.weight"}


def evolve(out: Path, **choices: Any) -> evoframe.Run:
    """Return a small run whose layers change their bits often."""
    settings = {
        "task": BLOBS,
        "generations": 5,
        "population": 3,
        "mutation": [Bits(rate=0.4)],
        "environment": [Precision(of=Retention(retention=0.8))],
        "nurture": [Rounding()],
        "training": Gradient(epochs=2),
        "selection": "truncation",
        "device": "cpu",
    }
    return evoframe.evolve(out=out, **{**settings, **choices})


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> evoframe.Run:
    """Return a run that nothing is done to."""
    return evolve(tmp_path_factory.mktemp("bits") / "run")


def test_all_descendants_have_weights_on_the_grids_of_their_notes(run: evoframe.Run) -> None:
    """What is stored, measured and delivered are rounded weights, whatever generation it is."""
    children = [one for one in run.individuals if one.parents]
    seen = set()
    for one in children:
        bits = precision.bits_of(one.notes)
        assert set(bits) == LAYERS
        parameters = dict(run.network(one.id).named_parameters())
        for name, few in bits.items():
            assert precision.is_rounded(parameters[name], few)
            assert precision.is_rounded(run.genotype(one.id).state[name], few)
        seen |= set(bits.values())

    assert seen == set(precision.BITS)
    assert precision.bits_of(run.ancestor.notes) == {}


def test_bits_come_from_the_parent_unless_they_mutate(tmp_path: Path) -> None:
    """Whoever has no mutation named keeps the bits of its first parent for ever."""
    first = evolve(tmp_path / "run", generations=4, mutation=[Bits(rate=1.0)])
    still = evolve(tmp_path / "still", generations=4, mutation=[])

    for one in first.individuals:
        turned = 8 if one.generation % 2 == 0 else 16
        assert set(precision.bits_of(one.notes).values()) <= {turned}
    assert all(set(precision.bits_of(one.notes).values()) == {16} for one in still.individuals[1:])


def test_bytes_count_bits_only_where_weights_are_rounded(tmp_path: Path) -> None:
    """A note alone saves nothing: without the nurture, layers count as the float32 they are."""
    rounded = evolve(tmp_path / "rounded", environment=[Precision(bits=8)], mutation=[])
    only_noted = evolve(
        tmp_path / "noted", environment=[Precision(bits=8)], mutation=[], nurture=[]
    )

    for run, factor in ((rounded, True), (only_noted, False)):
        one = run.individuals[1]
        network = run.network(one.id)
        whole = sum(4 * value.numel() for value in network.parameters())
        weights = [value for name, value in network.named_parameters() if name in LAYERS]
        few = sum(3 * value.numel() - 4 * len(value) for value in weights)
        assert one.fitness is not None
        assert one.fitness.costs["bytes"] == whole - (few if factor else 0)


@attrs.frozen(eq=False)
class Killer(Observer):
    """Ends the run while somebody is trained."""

    name: ClassVar[str] = "killer"

    @hookimpl
    def evoframe_epoch_finished(self, event):
        if event.individual == "g4s1" and event.epoch == 1:
            raise KeyboardInterrupt


def test_killed_within_a_life_it_ends_the_same(run: evoframe.Run, tmp_path: Path) -> None:
    """Bits, and the weights before they were rounded, are taken up again."""
    with pytest.raises(KeyboardInterrupt):
        evolve(tmp_path / "run", observer=[Killer()], checkpoint=0.0)
    killed = evoframe.resume(tmp_path / "run", observer=[])

    assert killed.digest() == run.digest()


@pytest.mark.slow
def test_in_other_processes_it_comes_out_the_same(run: evoframe.Run, tmp_path: Path) -> None:
    """Notes travel with births."""
    assert evolve(tmp_path / "run", executor="processes").digest() == run.digest()


@attrs.frozen
class Tiny(Nurture):
    """Looks at the weights of a life."""

    name: ClassVar[str] = "tiny"

    def after_step(self, phenotype, optimiser, context, step):
        bits = precision.bits_of(context.notes)
        for name, value in phenotype.network.named_parameters():
            if name in bits and not precision.is_rounded(value, bits[name]):
                raise AssertionError(name)
        return phenotype


def test_within_a_life_weights_are_rounded_and_small_steps_add_up(tmp_path: Path) -> None:
    """A step that is a hundredth of a grid's would be lost if rounded weights were stepped from."""
    slow = Gradient(epochs=30, learning_rate=2e-4, momentum=0.0, schedule="constant")
    run = evolve(
        tmp_path / "run",
        generations=2,
        population=1,
        mutation=[],
        environment=[Precision(of=Retention(retention=1.0), bits=8)],
        training=slow,
        ancestor=Gradient(epochs=1),
        nurture=[Rounding(), Tiny()],
    )
    parent, child = run.genotype("g1s0"), run.genotype("g2s0")
    for name in LAYERS:
        born = precision.rounded(parent.state[name], 8)
        moved = (child.state[name] != born) & child.masks[name]
        assert int(moved.sum()) > 5


@attrs.frozen
class Halving(Nurture):
    """Halves all weights between two epochs."""

    name: ClassVar[str] = "halving-weights"

    @torch.no_grad()
    def before_epoch(self, phenotype, context, epoch):
        if epoch == 1:
            for value in phenotype.network.parameters():
                value.mul_(0.5)


@pytest.mark.parametrize("order", [1, -1])
def test_what_other_nurtures_change_counts(order: int, tmp_path: Path) -> None:
    """Weights that somebody has changed between steps are not undone, in whatever order."""
    still = Gradient(epochs=3, learning_rate=1e-9, momentum=0.0, weight_decay=0.0)
    both = [Rounding(), Halving()][::order]
    wish = {"generations": 2, "population": 1, "mutation": [], "training": still}
    environment = [Precision(of=Retention(retention=1.0))]
    run = evolve(tmp_path / "run", nurture=both, environment=environment, **wish)
    parent, child = run.genotype("g1s0"), run.genotype("g2s0")

    for name in LAYERS:
        mask = child.masks[name]
        due = parent.state[name][mask] / 2
        assert torch.allclose(child.state[name][mask], due, atol=1e-4)


# --- how probabilities are read -------------------------------------------------------------------


def pressed(weights: torch.Tensor, bits: int, of: Environment) -> tuple[DNA, DNA]:
    """Return DNA by the law of the first paper, and the same under the environment."""
    eligible = {"w": weights != 0}
    inheritance = Inheritance(eligible, {"w": weights}, {"w": weights})
    dna = Synaptic().encode(inheritance, None, None)  # type: ignore[arg-type]
    notes = precision.noted(Notes(), {"w": bits})
    context = Context(notes)
    return dna, Precision(of=of).press(dna, inheritance, context)  # type: ignore[arg-type]


@attrs.frozen
class Context:
    """As much of a context as the environment asks for."""

    notes: Notes
    state: Any = None


@attrs.frozen
class Calm(Environment):
    """Presses on nobody."""

    name: ClassVar[str] = "calm"

    def press(self, dna, inheritance, context):
        return dna


@pytest.mark.parametrize("bits", precision.BITS)
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_rounded_weights(bits: int, seed: int) -> None:
    """Up to a step of the grid of levels; what rounds to zero cannot live."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(6, 5, 3, generator=generator) ** 5
    weights[torch.rand(weights.shape, generator=generator) < 0.3] = 0.0

    _, found = pressed(weights, bits, Calm())
    chances, rounded = found.probabilities("w"), precision.rounded(weights, bits)
    _, steps = precision.coded(weights, bits)

    assert not bool(chances[rounded == 0].any())
    due = torch.exp(rounded.abs().double() / weights.abs().max() - 1)
    alive = rounded != 0
    # The mean of those in one step is within half a step of the rounded weight.
    slack = (steps / weights.abs().max() / 2).double() + 3 / 65535
    assert bool(((chances - due).abs() <= slack)[alive].all())
    for row, codes in zip(chances, precision.coded(weights, bits)[0].abs(), strict=True):
        for code in codes.unique():
            assert len(row[codes == code].unique()) == 1
    if bits == 8:
        assert bool(((rounded == 0) & (weights != 0)).any())


def test_what_comes_back_without_a_weight_is_left_alone() -> None:
    """A synapse that a mutation offers has weight 0 by birth, and not by rounding."""
    weights = torch.tensor([[1.0, 0.0, -0.5, 1e-5]])
    eligible = {"w": weights != 0}
    inheritance = Inheritance(eligible, {"w": weights}, {"w": weights})
    dna = Synaptic().encode(inheritance, None, None)  # type: ignore[arg-type]
    genes = dna.synapses["w"]
    levels = torch.where(eligible["w"], genes.levels, 30000).to(torch.int32)
    every = torch.ones_like(eligible["w"])
    grown = attrs.evolve(dna, synapses={"w": Genes(levels, genes.log_survival, every)})
    context = Context(precision.noted(Notes(), {"w": 8}))

    found = Precision(of=Calm()).press(grown, inheritance, context)  # type: ignore[arg-type]

    before, after = grown.probabilities("w"), found.probabilities("w")
    assert torch.equal(before[0, :3], after[0, :3])
    assert float(after[0, 3]) == 0.0


def test_a_network_in_half_precision_is_refused_before_anything_is_written(tmp_path) -> None:
    """Its own weights have fewer digits than the grids need."""
    inputs, targets = torch.zeros(4, 4).bfloat16(), torch.zeros(4).long()
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).bfloat16()
    task = evoframe.task(
        network=network,
        train=(inputs, targets),
        validation=(inputs, targets),
        loss=nn.functional.cross_entropy,
        trained=False,
    )

    with pytest.raises(ConfigError, match=r"'0\.weight' is bfloat16"):
        evolve(tmp_path / "run", task=task)
    assert not (tmp_path / "run" / "journal.sqlite").exists()


def test_siblings_of_a_litter_are_rounded_each_by_itself(tmp_path: Path) -> None:
    """They lose different channels, so that weights of one say nothing of another's."""
    run = evolve(
        tmp_path / "run",
        generations=3,
        environment=[Precision(of=Budget(share=0.7, at_least=0.0))],
        litter=Fittest(size=4, examples=16, step=0.5),
        training=Gradient(epochs=1),
    )
    alive = [one for one in run.individuals[1:] if one.is_alive]
    assert alive
    for one in alive:
        genotype = run.genotype(one.id)
        for name, bits in precision.bits_of(one.notes).items():
            assert precision.is_rounded(genotype.state[name], bits)
