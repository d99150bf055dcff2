"""Decay: what an offspring would lose goes to zero within its parent's life."""

from __future__ import annotations

import runpy
from pathlib import Path

import attrs
import torch
from hypothesis import given, settings, strategies as st

from evoframe import anatomy
from evoframe.evolution.conception import Conception
from evoframe.evolution.generation import conceive, foresee
from evoframe.evolution.strategies import Strategies
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.life import Life
from evoframe.strategies.encoding import Cluster, Synaptic
from evoframe.strategies.environment import Budget, Retention
from evoframe.strategies.heredity import Asexual
from evoframe.strategies.nurture import Decay
from evoframe.strategies.selection import Truncation
from evoframe.strategies.training import Gradient

Blobs = runpy.run_path(str(Path(__file__).parents[1] / "support" / "blobs.py"))["Blobs"]

RANKED = Cluster(of="bundle", draw=False, importance="magnitude")


def strategies(encoding=RANKED, environment=None) -> Strategies:
    """Return strategies of a run that halves its parameters in each generation."""
    given = (environment or Budget(share=0.5, trials=1),)
    return Strategies(encoding, given, Asexual(), (), Gradient(), (), Truncation())


def newborn(seed: int = 0) -> tuple[Genotype, Context]:
    """Return a genotype and the context of its life, in which its offspring are foreseen."""
    task, key = Blobs(hidden=16), Key(seed)
    torch.manual_seed(seed)
    network = task.ancestor(key)
    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))
    whole = plan.genotype()
    life = Life(foresight=lambda one, here: foresee(strategies(), one, here))
    return whole, Context(whole, None, plan, task, torch.device("cpu"), 2, key, life=life)


def sizes(genotype: Genotype, rows: torch.Tensor) -> torch.Tensor:
    """Return the norms of the rows that write each of some channels of the first layer."""
    return genotype.state["0.weight"][rows].norm(dim=1)


@settings(max_examples=10)
@given(st.integers(0, 99), st.booleans())
def test_what_is_foreseen_is_what_would_be_born(seed: int, ranks: bool) -> None:  # noqa: FBT001
    """The same ranking and the same budget as the draw: with one parent and one key, the same."""
    genotype, context = newborn(seed)
    own = strategies() if ranks else strategies(Synaptic(), Retention(retention=0.4))
    parent = Parent(Individual("g2s0", 2, 0, (), Origin.OFFSPRING, "0"), genotype)
    child = attrs.evolve(context, generation=3, parents=(parent,), life=Life())

    born = conceive(Conception.of(own, child)).genotype
    foreseen = foresee(own, genotype, context)

    assert all(torch.equal(born.masks[name], foreseen.masks[name]) for name in born.masks)


@settings(max_examples=10)
@given(st.integers(0, 99), st.sampled_from([0.4, 1.0]))
def test_a_network_takes_over_what_was_made_for_it_and_nothing_else(seed, retention) -> None:
    """Where nobody else holds a weight and nothing is cut; what a parent has is copied."""
    genotype, context = newborn(seed)
    own = strategies(Synaptic(), Retention(retention=retention))
    parent = Parent(Individual("g2s0", 2, 0, (), Origin.OFFSPRING, "0"), genotype)
    child = attrs.evolve(context, generation=3, parents=(parent,), life=Life())
    born = conceive(Conception.of(own, child))
    before = parent.genotype.digest()

    grown = context.anatomy.develop(born.genotype, spent=born.own)
    with torch.no_grad():
        for value in grown.network.parameters():
            value.add_(1.0)

    assert parent.genotype.digest() == before
    assert bool(born.own) == (retention < 1)
    for name, value in grown.network.named_parameters():
        taken = value.data_ptr() == born.genotype.state[name].data_ptr()
        assert taken == (name in born.own and name not in grown.cuts)


def test_what_is_to_leave_goes_to_zero_and_nothing_else_does() -> None:
    """Rows, columns and biases of channels that an offspring would not have."""
    genotype, context = newborn()
    left = foresee(strategies(), genotype, context.at("decay", 0))
    gone = context.anatomy.channels(genotype) & ~context.anatomy.channels(left)
    mine = gone[context.anatomy.wiring.targets["0.weight"].reshape(-1)]
    assert 0 < int(mine.sum()) < 16

    def lived(*companions: Decay) -> Genotype:
        training = Gradient(epochs=6, weight_decay=0.0)
        here = attrs.evolve(context, life=attrs.evolve(context.life, companions=companions))
        return context.anatomy.absorb(
            training.train(context.anatomy.develop(genotype), here).phenotype
        )

    for penalty in ("square", "norm"):
        decayed = lived(Decay(strength=0.5, rescue=False, penalty=penalty))
        assert sizes(decayed, mine).max() < 0.1 * sizes(genotype, mine).max()
        assert sizes(decayed, ~mine).min() > 0.2 * sizes(genotype, ~mine).min()
    assert sizes(lived(), mine).max() > 0.5 * sizes(genotype, mine).max()


def test_the_loss_rescues_what_grows_against_the_decay() -> None:
    """The weaker the decay, the more is kept from it; a strong one spares nobody."""
    genotype, context = newborn()

    def decaying(strength: float, *, rescue: bool) -> int:
        phenotype = context.anatomy.develop(genotype)
        companion = Decay(strength=strength, rescue=rescue, on="all").begin(phenotype, context)
        companion.before_epoch(phenotype, context, 0)
        return int(companion.now.leaving.sum())

    everybody = decaying(1e-9, rescue=False)
    kept = [everybody - decaying(strength, rescue=True) for strength in (1e-9, 0.05, 1e3)]

    assert everybody == 32
    assert everybody > kept[0] >= kept[1] >= kept[2] == 0
    assert kept[0] > 0


def test_where_nothing_more_is_to_leave_nothing_decays() -> None:
    """As at the end of a budget's way: the last generation is not weakened for nobody."""
    genotype, context = newborn()
    context = attrs.evolve(context, life=Life())
    phenotype = context.anatomy.develop(genotype)
    companion = Decay(strength=10.0).begin(phenotype, context)
    companion.before_epoch(phenotype, context, 0)
    loss = context.task.step(phenotype.network, context.task.batches("train")[0])
    loss.backward()
    before = [one.grad.clone() for one in phenotype.network.parameters()]

    companion.after_backward(phenotype, context, 0)

    after = [one.grad for one in phenotype.network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
