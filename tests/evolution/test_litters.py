"""Litters: siblings within every budget, on record, and the same bits whatever happens."""

from __future__ import annotations

import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import evoframe
from evoframe import anatomy
from evoframe.evolution.brood import Siblings
from evoframe.evolution.conception import Conception
from evoframe.evolution.nursery import brood_of
from evoframe.evolution.strategies import Strategies
from evoframe.evolution.watch import Watch
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.drawing.straying import exchanged, strayed
from evoframe.kernel.drawing.turns import places
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import Individual, Origin
from evoframe.kernel.key import Key
from evoframe.kernel.settling import settle
from evoframe.kernel.widths import Width
from evoframe.plugin import (
    Budget,
    Climb,
    Cluster,
    Fittest,
    Gradient,
    Halving,
    Litter,
    Observer,
    Repair,
    Retention,
    Single,
    Synaptic,
    Truncation,
    hookimpl,
)  # fmt: skip
from evoframe.report import tables
from evoframe.strategies.heredity import Asexual

PLACE = Path(__file__).parents[1] / "support" / "blobs.py"
BLOBS = f"{PLACE}:Blobs"
KINDS = runpy.run_path(str(PLACE))

RANKED = Cluster(of="bundle", draw=False, importance="magnitude", scope="layer")
PRESSED = {
    "ranked bundles": (RANKED, Budget(share=0.5, trials=1)),
    "drawn bundles": (Cluster(of="bundle"), Budget(share=0.6, trials=1)),
    "drawn synapses": (Synaptic(), Budget(cost="synapses", share=0.5, trials=1)),
    "synapses on average": (Synaptic(), Retention(retention=0.5)),
}
SHORT = {
    "generations": 3, "population": 2, "device": "cpu", "ancestor": Gradient(epochs=2),
    "training": Gradient(epochs=2), "encoding": RANKED, "selection": Truncation(),
    "environment": Budget(share=0.6, trials=1),
}  # fmt: skip


def brood(kind: str, seed: int, task: str = "Blobs", *, depth: bool = False, **layers) -> Siblings:
    """Return the siblings of a child of a network that lost nothing yet."""
    made = {"Normed": lambda: KINDS["Blobs"](norm=True)}.get(task, KINDS.get(task))
    own, key = made(), Key(seed)
    torch.manual_seed(seed)
    network = own.ancestor(key)
    plan = anatomy.survey(
        network, own.example_inputs(), own.evolvable(network), depth=depth, **layers
    )
    whole = plan.genotype()
    encoding, environment = PRESSED[kind]
    strategies = Strategies(
        encoding, (environment,), Asexual(), (), Gradient(epochs=1), (), Truncation()
    )
    parent = Parent(Individual("g1s0", 1, 0, (), Origin.ANCESTOR, "0", "g1s0"), whole)
    cpu = torch.device("cpu")
    context = Context(whole, None, plan, own, cpu, 2, key, id="g2s0", parents=(parent,))
    return brood_of(Conception(strategies, context, Watch(context, strict=False)))


def bits(genotype: Genotype) -> str:
    return genotype.digest()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([*PRESSED]),
    st.integers(0, 999),
    st.sampled_from([0.0, 0.02, 0.2, 1.0]),
    st.sampled_from([("Blobs", False), ("Branched", True)]),
)
def test_every_sibling_is_settled_and_within_every_budget(
    kind: str, seed: int, step: float, network: tuple[str, bool]
) -> None:
    """However far it strays, and after an exchange."""
    own = brood(kind, seed, network[0], depth=network[1])
    limits, plan = own.dna.ceilings, own.context.anatomy

    first = own.only()
    several = [own.another(), own.another(around=first, step=step)]
    several += [own.exchanged(several[-1], share=0.1)]

    for one in [first, *several]:
        assert bits(settle(one.genotype, plan.wiring)) == bits(one.genotype)
        costs = plan.costs(one.genotype)
        assert all(ceiling.spent(costs) <= ceiling.limit for ceiling in limits)
        if one is not first:
            assert one.genotype.synapses <= own._most


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 999))
def test_at_most_stays_at_most(seed: int) -> None:
    """What a person says of a layer holds in siblings too, and so do multiples."""
    layers = {"layers": {"0": Width(at_most=5), "2": Width(multiple=4)}}
    own = brood("ranked bundles", seed, **layers)
    one = own.only()
    for _ in range(3):
        one = own.exchanged(own.another(around=one, step=0.3), share=0.2)
        plan = own.context.anatomy
        there = plan.channels(one.genotype)
        widths = [int(there[torch.unique(plan.wiring.targets[n])].sum()) for n in plan.evolvable]
        assert widths[0] <= 5
        assert widths[1] % 4 == 0


@pytest.mark.parametrize("kind", PRESSED)
def test_siblings_differ_and_follow_from_their_keys(kind: str) -> None:
    """A ranking under a budget is one offspring, and has siblings all the same."""

    def drawn(seed: int) -> list[str]:
        own = brood(kind, seed)
        first = own.only()
        several = [own.another(around=first, step=0.2) for _ in range(6)]
        return [bits(one.genotype) for one in (first, *several, own.exchanged(first, share=0.2))]

    assert drawn(1) == drawn(1)
    assert len(set(drawn(1))) > 4
    assert drawn(1) != drawn(2)


def test_a_small_step_is_a_near_sibling() -> None:
    """Places are strayed from in proportion, layers as wholes too; who never comes never comes."""
    order = np.append(np.random.default_rng(0).random(400), np.inf)
    layers = np.append(np.repeat([0, 1], 200), 0)

    def moved(step: float) -> np.ndarray:
        found = strayed(order, step, layers, Key(1))
        assert np.isinf(found[-1])
        return places(found[:-1]) - places(order[:-1])

    far = [np.abs(moved(step)).mean() for step in (0.0, 0.01, 0.1, 1.0)]
    assert far == sorted(far)
    assert far[0] == 0
    one, other = np.split(moved(0.1), 2)
    assert abs(one.mean() - other.mean()) > 5 * 0.1 / math.sqrt(200)  # of each by itself


def test_an_exchange_moves_a_few_near_the_border() -> None:
    """As many leave as return, none of those that may not."""
    order = np.random.default_rng(0).random(100)
    living, free = (
        places(order) < 0.5,
        np.arange(100) != int(np.argmax(np.where(order < 0.5, order, 0))),
    )
    found = exchanged(order, living, free, np.zeros(100, np.int64), 0.1, Key(0))

    after = places(found) < 0.5
    gone, new = living & ~after, after & ~living
    assert gone.sum() == new.sum() == 5
    assert free[gone].all()
    assert places(order)[gone].min() > 0.3
    assert places(order)[new].max() < 0.7


@pytest.mark.parametrize("by", ["loss", "divergence", "difference", "metric"])
def test_siblings_are_judged_on_the_same_examples(by: str) -> None:
    """Whole batches, counted; what is compared with the ancestor is 0 for the ancestor."""
    own = brood("ranked bundles", 3)
    scores = [own.judge(own.only(), by=by, examples=40) for _ in range(2)]
    whole = own.context.anatomy.develop(own.context.ancestor).network

    assert scores[0] == scores[1]
    first, second = own.looks
    assert first.examples == second.examples == 48  # of sixteen each
    asks = 48 if by in ("divergence", "difference") else 0  # the ancestor, once
    assert first.passes == pytest.approx(second.passes + asks)
    assert 0 < second.passes < 48
    if asks:
        assert own.bench.score(whole, by, 40) == pytest.approx(0, abs=1e-6)
        assert scores[0] > 0


@pytest.mark.parametrize("size", [16, 1])
def test_statistics_of_batch_norms_are_those_of_the_sibling(size: int) -> None:
    """Estimated on the examples that it is judged on; of batches of one there are none."""
    own = brood("ranked bundles", 0, "Normed")
    one = own.only()
    if size == 1:
        object.__setattr__(own.bench, "_rest", iter([]))
        batches = own.context.task.batches("train", batch_size=1)
        own.bench._batches.extend(batches[:40])
    score = own.judge(one, by="loss", examples=40)

    network = own.newborn(one, ready=True).network.eval()
    if size > 1:
        (norm,) = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm1d)]
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
        with torch.no_grad():
            for batch in own.bench.batches(40):
                own.context.task.step(network, batch)
        network.eval()
    with torch.no_grad():
        losses = [float(own.context.task.step(network, b)) for b in own.bench.batches(40)]
    assert score == pytest.approx(np.mean(losses))
    assert own.looks[0].passes > own.looks[0].examples * own._share(one.genotype)


def evolved(path: Path, litter: Litter | None, **more) -> evoframe.Run:
    chosen = {} if litter is None else {"litter": litter}
    return evoframe.evolve(BLOBS, out=path, **{**SHORT, **chosen, **more})


def test_single_is_a_run_without_a_litter(tmp_path: Path) -> None:
    """The same keys and the same bits."""
    assert evolved(tmp_path / "a", None).digest() == evolved(tmp_path / "b", Single()).digest()


def test_a_life_in_rungs_is_one_life(tmp_path: Path) -> None:
    """The survivor's training is kept, and its schedule goes on as one: an only child's bits."""
    rungs = Halving(size=1, siblings=(1,), epochs=(0.5,))
    nurture = Repair(batches=2)

    whole = evolved(tmp_path / "a", None, nurture=nurture)
    assert evolved(tmp_path / "b", rungs, nurture=nurture).digest() == whole.digest()


@attrs.frozen(eq=False)
class Listening(Observer):
    """Counts the looks at siblings."""

    name = "listening"
    heard: list = attrs.field(factory=list, init=False, repr=False)

    @hookimpl
    def evoframe_sibling_judged(self, event):
        self.heard.append(event)


THINNED = Halving(size=5, siblings=(3, 2), epochs=(0.5, 1.0), examples=40)


@pytest.mark.parametrize(
    "litter", [Fittest(size=5, examples=40), Climb(steps=2, offspring=3), THINNED]
)
def test_a_litter_is_on_record(litter: Litter, tmp_path: Path) -> None:
    """All of it, for people and for programs, and the best of those that were looked at is born."""
    listening = Listening()
    run = evolved(tmp_path / "run", litter, nurture=Repair(batches=2), observer=[listening])

    for one in run.as_json()["individuals"][1:]:
        told = one["litter"]
        last = {look["sibling"]: look["score"] for look in told["looks"]}
        assert told["siblings"] == len(last)
        assert told["passes"] == pytest.approx(sum(look["passes"] for look in told["looks"]))
        most = max((look["epochs"], look["examples"]) for look in told["looks"])
        most = max((look["epochs"], look["examples"]) for look in told["looks"])
        full = [look for look in told["looks"] if (look["epochs"], look["examples"]) == most]
        best = min(full, key=lambda look: look["score"])
        assert told["born"] == best["sibling"]
        assert len({look["key"] for look in told["looks"]}) == told["siblings"]
    assert "litter" not in run.as_json()["individuals"][0]
    heard = [one.judged for one in listening.heard if one.individual == "g2s0"]
    on_record = run.account("g2s0").looks
    assert heard == [attrs.evolve(one, born=False) for one in on_record]
    words = "\n".join(tables.besides(run, "g2s0"))
    assert f"{len({one.sibling for one in heard})} siblings, {len(heard)} looks" in words
    assert "(born)" in words


@pytest.mark.slow
def test_executors_agree_on_a_litter(tmp_path: Path) -> None:
    """Siblings are judged alike in other processes."""
    litter = Fittest(size=4, examples=40)
    alone = evolved(tmp_path / "a", litter)
    assert evolved(tmp_path / "b", litter, executor="processes").digest() == alone.digest()


KILLED = """
import os, sys
import attrs
import evoframe
from evoframe.plugin import *

@attrs.frozen(eq=False)
class Axe(Observer):
    '''Ends the process at a look.'''
    name = "axe"
    at: int = attrs.field(default=3, metadata=doc("the look"))
    seen: list = attrs.field(factory=list, init=False, repr=False)

    @hookimpl
    def evoframe_sibling_judged(self, event):
        self.seen.append(1)
        if len(self.seen) == self.at:
            os._exit(9)

@hookimpl
def evoframe_observers():
    return [Axe]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("litter", "look"),
    [("fittest", 1), ("fittest", 7), ("fittest", 12), ("halving", 6), ("halving", 9)],
)
def test_a_run_that_is_killed_amid_a_litter_ends_as_an_unbroken_one(
    litter: str, look: int, tmp_path: Path
) -> None:
    """The litter is in one life: lived again from its key, it is the same."""
    axe = tmp_path / "axe.py"
    axe.write_text(KILLED)
    recipe = [
        f"--task={BLOBS}", "--seed=3", "--generations=3", "--population=2", f"--litter={litter}",
        "--encoding=cluster", "--environment=budget", *("-o", "environment.trials=1"),
        *("-o", "encoding.of=bundle"), *("-o", "encoding.draw=false"),
        *("-o", "encoding.importance=magnitude"), *("-o", "litter.size=5"),
        *("-o", "litter.examples=40"), *("-o", "training.epochs=3"),
    ]  # fmt: skip
    command = [sys.executable, "-m", "evoframe", "evolve", *recipe]
    broken = subprocess.run(
        [*command, f"--out={tmp_path / 'broken'}", f"--observer={axe}:Axe",
         "-o", f"observer[0].at={look}"], env={**os.environ}, check=False,
    )  # fmt: skip
    assert broken.returncode == 9
    evoframe.resume(tmp_path / "broken", observer=[])
    subprocess.run([*command, f"--out={tmp_path / 'unbroken'}"], check=True)

    found, expected = (evoframe.open_run(tmp_path / name) for name in ("broken", "unbroken"))
    assert found.digest() == expected.digest()


@attrs.frozen
class Greedy(Litter):
    """Has a sibling schooled that has everything."""

    name = "greedy"

    def raise_one(self, brood, context):
        everything = context.parents[0].genotype
        return brood.school(attrs.evolve(brood.only(), genotype=everything))


@attrs.frozen
class Foster(Litter):
    """Returns a network of its own."""

    name = "foster"

    def raise_one(self, brood, context):
        result = brood.school(brood.only())
        return attrs.evolve(result, epochs=0)


@attrs.frozen
class Barber(Litter):
    """Takes a synapse from a sibling, in place."""

    name = "barber"

    def raise_one(self, brood, context):
        one = brood.only()
        result = brood.school(one)
        mask = next(iter(one.genotype.masks.values()))
        mask.view(-1)[0] = ~mask.view(-1)[0]
        return result


@attrs.frozen
class Peeking(Litter):
    """Looks at what is there for selection."""

    name = "peeking"

    def raise_one(self, brood, context):
        context.task.batches("validation")
        return brood.school(brood.only())


@pytest.mark.parametrize(
    ("litter", "words"),
    [
        (Greedy(), "is no sibling of its brood"),
        (Foster(), "no sibling of its brood"),
        (Barber(), "in place"),
        (Peeking(), "reads the split 'validation'"),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_a_litter_that_breaks_its_promise_is_named(
    litter: Litter, words: str, tmp_path: Path
) -> None:
    """Who, at whom, and what was wanted."""
    with pytest.raises(evoframe.EvoframeError) as told:
        evolved(tmp_path / "run", litter)

    assert f"litter {litter.name!r}" in str(told.value)
    assert "at g2s" in str(told.value)
    assert words in str(told.value)
    assert "wanted" in str(told.value)
