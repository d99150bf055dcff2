"""Saboteurs: for every check a strategy that breaks its promise, and no other one.

Each is a mistake that somebody could make.
"""

from __future__ import annotations

import math
import random
import time
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs
import numpy as np
import torch

from evoframe.plugin import (
    DNA,
    ConfigError,
    Encoding,
    Environment,
    Executor,
    Family,
    Genes,
    Gradient,
    Heredity,
    Inheritance,
    Life,
    Litter,
    Mutation,
    Nurture,
    Observer,
    RunError,
    Selection,
    StillbornError,
    TrainingResult,
    doc,
    hookimpl,
    scaled,
)
from evoframe.testing import Specimen

# --- sound strategies, from which saboteurs are made ---------------------------------------------


@attrs.frozen
class Even(Encoding):
    """Every synapse is as likely as any other."""

    name: ClassVar[str] = "even"

    def encode(self, inheritance, evidence, context):
        return DNA(
            {
                name: Genes(torch.zeros_like(eligible, dtype=torch.int32), np.zeros(1), eligible)
                for name, eligible in inheritance.eligible.items()
            }
        )


@attrs.frozen
class Copy(Heredity):
    """One parent as it is."""

    name: ClassVar[str] = "copy"

    def inherit(self, parents, context):
        one = parents[0].genotype
        return Inheritance(one.masks, one.strengths(), one.state)


@attrs.frozen
class Still(Mutation):
    """Changes nothing."""

    name: ClassVar[str] = "still"

    def mutate(self, dna, inheritance, context):
        return dna


@attrs.frozen
class Calm(Environment):
    """Presses on nothing."""

    name: ClassVar[str] = "calm"

    def press(self, dna, inheritance, context):
        return dna


@attrs.frozen
class Best(Selection):
    """The best individual is everybody's parent."""

    name: ClassVar[str] = "best"

    def select(self, population, context):
        best = population.ranked()[0]
        return (Family((best.id,) * population.parents),) * population.size


@attrs.frozen
class Mute(Observer):
    """Hears nothing."""

    name: ClassVar[str] = "mute"


def like(genes: Genes, **changes: Any) -> Genes:
    return attrs.evolve(genes, **changes)


def over(dna: DNA, change) -> DNA:
    return attrs.evolve(dna, synapses={n: change(genes) for n, genes in dna.synapses.items()})


# --- values ---------------------------------------------------------------------------------------


class Thawed(Still):
    """Forgets the decorator."""

    name: ClassVar[str] = "thawed"


@attrs.frozen
class Shouting(Still):
    """Has a name that nobody could type."""

    name: ClassVar[str] = "Shouting Loud"


@attrs.frozen
class Unexplained(Still):
    """Has an option without help."""

    name: ClassVar[str] = "unexplained"
    rate: float = 0.5


@attrs.frozen(eq=False)
class Misheard(Observer):
    """Waits for an event that does not exist."""

    name: ClassVar[str] = "misheard"

    @hookimpl
    def evoframe_generation_ended(self, event):
        raise NotImplementedError


@attrs.frozen
class Outdated(Still):
    """Was written for a contract in which mutations were given a key."""

    name: ClassVar[str] = "outdated"

    def mutate(self, dna, key):
        return dna


@attrs.frozen
class Shrinking(Still):
    """Halves what it is given, and so once more whenever its record is read."""

    name: ClassVar[str] = "shrinking"
    rate: float = attrs.field(default=0.0, converter=lambda x: x / 2, metadata=doc("how much"))

    def __eq__(self, other):
        return isinstance(other, Shrinking)

    def __hash__(self):
        return 0

    def __repr__(self):
        return f"Shrinking(rate={2 * self.rate!r})"


@attrs.frozen
class Held(Still):
    """Holds on to a function that cannot be sent anywhere."""

    name: ClassVar[str] = "held"
    _function: Any = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self):
        object.__setattr__(self, "_function", lambda x: x)


@attrs.frozen
class Poetic(Still):
    """Shows itself in prose."""

    name: ClassVar[str] = "poetic"

    def __repr__(self):
        return "a poetic mutation"


# --- answers, and what is kept and seen -----------------------------------------------------------


@attrs.frozen
class Silent(Still):
    """Forgets to return what it has made."""

    name: ClassVar[str] = "silent"

    def mutate(self, dna, inheritance, context):
        attrs.evolve(dna)


CALLS: list[str] = []


@attrs.frozen
class Counting(Still):
    """Counts its calls, for no purpose so far."""

    name: ClassVar[str] = "counting"

    def mutate(self, dna, inheritance, context):
        CALLS.append(context.id)
        return dna


@attrs.frozen
class Insider(Even):
    """Has a look at the validation data."""

    name: ClassVar[str] = "insider"

    def encode(self, inheritance, evidence, context):
        list(context.task.batches("validation"))
        return super().encode(inheritance, evidence, context)


@attrs.frozen
class Examiner(Best):
    """Has a look at results on test data."""

    name: ClassVar[str] = "examiner"

    def select(self, population, context):
        [one.fitness.test.get("accuracy") for one in population.individuals]
        return super().select(population, context)


@attrs.frozen
class Stencil(Still):
    """Hits the same places in every layer."""

    name: ClassVar[str] = "stencil"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    def mutate(self, dna, inheritance, context):
        def hit(genes):
            words = torch.from_numpy(context.key.words(genes.levels.numel()).astype("int64"))
            chosen = (words % 4 == 0).reshape(genes.levels.shape).to(genes.levels.device)
            return like(genes, levels=genes.levels.masked_fill(chosen, 0))

        return over(dna, hit)


# --- randomness and arguments ---------------------------------------------------------------------


@attrs.frozen
class Uninitialised(Even):
    """Leaves at the synapses that are not eligible whatever lay about in memory."""

    name: ClassVar[str] = "uninitialised"

    def encode(self, inheritance, evidence, context):
        def stale(genes):
            return like(
                genes,
                levels=torch.where(genes.eligible, genes.levels, time.perf_counter_ns() % 7).int(),
                log_survival=np.zeros(7),
            )

        return over(super().encode(inheritance, evidence, context), stale)


@attrs.frozen
class Dicing(Still):
    """Rolls the global dice for nothing."""

    name: ClassVar[str] = "dicing"

    def mutate(self, dna, inheritance, context):
        torch.rand(1)
        return dna


@attrs.frozen
class InPlace(Copy):
    """Rounds the parent's weights in place."""

    name: ClassVar[str] = "in-place"

    def inherit(self, parents, context):
        for value in parents[0].genotype.strengths().values():
            value.mul_(0.9375)
        clean = {n: v.clone() for n, v in context.ancestor.state.items()}
        masks = parents[0].genotype.masks
        return Inheritance(masks, {n: clean[n] for n in masks}, clean)


@attrs.frozen
class Single(Copy):
    """Turns every weight to single precision."""

    name: ClassVar[str] = "single"

    def inherit(self, parents, context):
        whole = super().inherit(parents, context)
        state = {n: v.float() if v.is_floating_point() else v for n, v in whole.state.items()}
        return attrs.evolve(whole, state=state)


@attrs.frozen
class Constant(Still):
    """Says that it is stochastic, and is not."""

    name: ClassVar[str] = "constant"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})


@attrs.frozen
class Secret(Still):
    """Says that it is deterministic, and is not."""

    name: ClassVar[str] = "secret"
    traits: ClassVar[frozenset[str]] = frozenset({"deterministic"})

    def mutate(self, dna, inheritance, context):
        table = -np.abs(context.key.words(1)[0] / 2**32)
        return over(dna, lambda genes: like(genes, log_survival=genes.log_survival + table))


# --- DNA ------------------------------------------------------------------------------------------


@attrs.frozen
class Overconfident(Even):
    """Finds some synapses more than certain."""

    name: ClassVar[str] = "overconfident"

    def encode(self, inheritance, evidence, context):
        sure = np.array([math.log(1.5)])
        return over(
            super().encode(inheritance, evidence, context), lambda g: like(g, log_survival=sure)
        )


@attrs.frozen
class Generous(Even):
    """Makes every synapse eligible."""

    name: ClassVar[str] = "generous"

    def encode(self, inheritance, evidence, context):
        dna = super().encode(inheritance, evidence, context)
        return over(dna, lambda g: like(g, eligible=torch.ones_like(g.eligible)))


@attrs.frozen
class Lax(Calm):
    """Promises half and presses on nothing."""

    name: ClassVar[str] = "lax"

    def allowance(self, inheritance, context):
        return 0.5 * sum(int(mask.sum()) for mask in inheritance.eligible.values())


@attrs.frozen
class Upside(Calm):
    """Takes its retention for a pruning rate."""

    name: ClassVar[str] = "upside"
    dial: ClassVar[str] = "retention"
    retention: float = attrs.field(default=0.5, metadata=doc("share that lives"))

    def check(self, encoding):
        if "ranks" in encoding.traits:
            raise ConfigError("it takes probabilities as they are")

    def press(self, dna, inheritance, context):
        factor = math.log(1 - self.retention)
        return over(dna, lambda g: like(g, log_survival=g.log_survival + factor))


@attrs.frozen
class Wintry(Calm):
    """Takes a little from every probability, and nearly all from rankings."""

    name: ClassVar[str] = "wintry"

    def press(self, dna, inheritance, context):
        return over(dna, lambda g: like(g, log_survival=scaled(g.log_survival, -0.01)))


# --- heredity and mutation ------------------------------------------------------------------------


@attrs.frozen
class Forgetful(Copy):
    """Forgets the strengths of the last layer where there are several."""

    name: ClassVar[str] = "forgetful"

    def inherit(self, parents, context):
        whole = super().inherit(parents, context)
        kept = list(whole.strengths)[:1]
        return attrs.evolve(whole, strengths={n: whole.strengths[n] for n in kept})


@attrs.frozen
class Resurrecting(Copy):
    """Offers what no parent has."""

    name: ClassVar[str] = "resurrecting"

    def inherit(self, parents, context):
        return attrs.evolve(super().inherit(parents, context), eligible=context.ancestor.masks)


@attrs.frozen
class Adding(Copy):
    """Adds weights where it should take their mean."""

    name: ClassVar[str] = "adding"
    traits: ClassVar[frozenset[str]] = frozenset({"identity_on_clones"})

    @property
    def parents(self):
        return 2

    def inherit(self, parents, context):
        one, two = (parent.genotype for parent in parents)
        masks = {n: mask & two.masks[n] for n, mask in one.masks.items()}
        state = {n: v + two.state[n] if n in masks else v for n, v in one.state.items()}
        return Inheritance(masks, {n: state[n] for n in masks}, state)


@attrs.frozen
class Restless(Still):
    """Never comes to rest, not even at zero."""

    name: ClassVar[str] = "restless"
    dial: ClassVar[str] = "strength"
    strength: float = attrs.field(default=0.5, metadata=doc("how much"))

    def mutate(self, dna, inheritance, context):
        loss = self.strength + 0.01
        return over(dna, lambda g: like(g, log_survival=g.log_survival - loss))


@attrs.frozen
class Stealthy(Still):
    """Adds synapses without saying so."""

    name: ClassVar[str] = "stealthy"

    def mutate(self, dna, inheritance, context):
        return over(dna, lambda g: like(g, eligible=torch.ones_like(g.eligible)))


# --- selection ------------------------------------------------------------------------------------


@attrs.frozen
class Stingy(Best):
    """Gives one family too few, where there should be more than two."""

    name: ClassVar[str] = "stingy"

    def select(self, population, context):
        families = super().select(population, context)
        return families[:-1] if population.size > 2 else families


@attrs.frozen
class Smitten(Best):
    """Prefers whatever is not smaller than anything."""

    name: ClassVar[str] = "smitten"

    def select(self, population, context):
        def value(one):
            accuracy = one.fitness.value(population.metric.name)
            return (math.isnan(accuracy), accuracy if accuracy == accuracy else 0, one.id)  # noqa: PLR0124

        best = max(population.individuals, key=value)
        return (Family((best.id,) * population.parents),) * population.size


@attrs.frozen
class Queueing(Best):
    """Takes whoever comes first in the list."""

    name: ClassVar[str] = "queueing"

    def select(self, population, context):
        first = population.sound()[0]
        return (Family((first.id,) * population.parents),) * population.size


# --- litter ---------------------------------------------------------------------------------------


@attrs.frozen
class Foster(Litter):
    """Returns a network that it has trained itself."""

    name: ClassVar[str] = "foster"

    def raise_one(self, brood, context):
        phenotype = context.anatomy.develop(brood.only().genotype)
        return Gradient(epochs=1, learning_rate=0.02).train(phenotype, context)


@attrs.frozen
class Barber(Litter):
    """Takes synapses from the only child, in place, and has another one schooled."""

    name: ClassVar[str] = "barber"

    def raise_one(self, brood, context):
        for mask in brood.only().genotype.masks.values():
            mask.view(-1)[0] = ~mask.view(-1)[0]
        return brood.school(brood.another())


# --- training and nurture -------------------------------------------------------------------------


@attrs.frozen
class Leaking(Gradient):
    """Lets absent synapses drift, a little, at the end of a life."""

    name: ClassVar[str] = "leaking"

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        with torch.no_grad():
            for name, value in result.phenotype.network.named_parameters():
                if name in result.phenotype.masks:
                    value.add_(0.01 * ~result.phenotype.masks[name])
        return result


@attrs.frozen
class Untidy(Nurture):
    """Rewires, and leaves something where it has taken synapses away."""

    name: ClassVar[str] = "untidy"
    traits: ClassVar[frozenset[str]] = frozenset({"rewires"})

    def after_epoch(self, phenotype, context, epoch):
        with torch.no_grad():
            for name, value in phenotype.network.named_parameters():
                if name in phenotype.masks:
                    value.add_(0.01 * ~phenotype.masks[name])
        return phenotype


@attrs.frozen
class Diligent(Gradient):
    """Trains for an epoch more than it was allowed to."""

    name: ClassVar[str] = "diligent"

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        alone = attrs.evolve(context, life=Life())
        Gradient(epochs=1, learning_rate=1e-6).train(result.phenotype, alone)
        return result


@attrs.frozen
class Stoic(Gradient):
    """Bears whatever becomes of its loss."""

    name: ClassVar[str] = "stoic"

    def train(self, phenotype, context):
        try:
            return super().train(phenotype, context)
        except StillbornError:
            return TrainingResult(phenotype, 1, math.nan)


@attrs.frozen
class Amnesiac(Gradient):
    """Does not save its momentum."""

    name: ClassVar[str] = "amnesiac"

    def train(self, phenotype, context):
        checkpoint = context.life.checkpoint

        class Thin:
            load = staticmethod(checkpoint.load)

            @staticmethod
            def save(epochs, tensors):
                kept = {n: v for n, v in tensors.items() if not n.startswith("optimiser")}
                checkpoint.save(epochs, kept)

        life = attrs.evolve(context.life, checkpoint=Thin())
        return super().train(phenotype, attrs.evolve(context, life=life))


@attrs.frozen
class Eager(Gradient):
    """Goes on for half an epoch where it should wait."""

    name: ClassVar[str] = "eager"
    traits: ClassVar[frozenset[str]] = frozenset({"pausable"})

    def train(self, phenotype, context):
        rung = context.life.rung
        further = attrs.evolve(rung, until=rung.until + 0.5)
        life = attrs.evolve(context.life, rung=further)
        return super().train(phenotype, attrs.evolve(context, life=life))


@attrs.frozen
class Dazed(Gradient):
    """Forgets its momentum wherever it waits."""

    name: ClassVar[str] = "dazed"
    traits: ClassVar[frozenset[str]] = frozenset({"pausable"})

    def train(self, phenotype, context):
        result = super().train(phenotype, context)
        if result.paused is None:
            return result
        kept = {n: v for n, v in result.paused.tensors.items() if not n.startswith("optimiser")}
        return attrs.evolve(result, paused=attrs.evolve(result.paused, tensors=kept))


@attrs.frozen
class Reborn(Gradient):
    """Begins anew instead of going on, and ends as it should."""

    name: ClassVar[str] = "reborn"
    traits: ClassVar[frozenset[str]] = frozenset({"pausable"})

    def train(self, phenotype, context):
        rung = attrs.evolve(context.life.rung, taken_up=None)
        life = attrs.evolve(context.life, rung=rung)
        return super().train(phenotype, attrs.evolve(context, life=life))


@attrs.frozen
class Levelling(Gradient):
    """Gives all lives of a cohort the weights of the first."""

    name: ClassVar[str] = "levelling"

    together: int = attrs.field(default=2, metadata=doc("lives at once"))

    def train_together(self, phenotypes, contexts):
        results = super().train_together(phenotypes, contexts)
        first = dict(results[0].phenotype.network.named_parameters())
        with torch.no_grad():
            for result in results[1:]:
                for name, value in result.phenotype.network.named_parameters():
                    value.copy_(first[name])
                result.phenotype.enforce()
        return results


@attrs.frozen
class Wide(Nurture):
    """Returns a loss for every part of the batch, which autograd takes for one if there is one."""

    name: ClassVar[str] = "wide"

    def shape_loss(self, loss, phenotype, batch, context):
        return loss.reshape(1)


@attrs.frozen
class Loner(Gradient):
    """Takes nobody along."""

    name: ClassVar[str] = "loner"

    def train(self, phenotype, context):
        life = attrs.evolve(context.life, companions=())
        return super().train(phenotype, attrs.evolve(context, life=life))


@attrs.frozen
class Freezing(Nurture):
    """Freezes the first parameter, and never thaws it."""

    name: ClassVar[str] = "freezing"

    def before_epoch(self, phenotype, context, epoch):
        next(phenotype.network.parameters()).requires_grad_(False)


# --- executor, observer, task ---------------------------------------------------------------------


@attrs.frozen
class Plain(Executor):
    """One after another."""

    name: ClassVar[str] = "plain"

    def map(self, live, jobs, send):
        for job in jobs:
            yield live(job, send)


@attrs.frozen
class Hasty(Plain):
    """Begins before it knows whether there is anything to do."""

    name: ClassVar[str] = "hasty"

    def map(self, live, jobs, send):
        yield from super().map(live, jobs, send)
        if not jobs:
            yield None


@attrs.frozen
class Deaf(Plain):
    """Keeps events to itself."""

    name: ClassVar[str] = "deaf"

    def map(self, live, jobs, send):
        yield from super().map(live, jobs, lambda *_: None)


@attrs.frozen
class Brave(Plain):
    """Goes on when a life fails."""

    name: ClassVar[str] = "brave"

    def map(self, live, jobs, send):
        for job in jobs:
            try:
                yield live(job, send)
            except RunError:
                continue


@attrs.frozen
class Brief(Plain):
    """Is open for one generation."""

    name: ClassVar[str] = "brief"

    @contextmanager
    def open(self):
        yield Spent(self.map)


@attrs.frozen
class Spent(Plain):
    """Maps once."""

    first: Any = None
    maps: list = attrs.field(factory=list, eq=False)

    def map(self, live, jobs, send):
        self.maps.append(jobs)
        return self.first(live, jobs if len(self.maps) == 1 else (), send)


@attrs.frozen
class Tampering(Plain):
    """Gives every birth another key."""

    name: ClassVar[str] = "tampering"

    def map(self, live, jobs, send):
        for job in jobs:
            if hasattr(job, "key"):
                job = attrs.evolve(job, key=job.key.at("elsewhere"))  # noqa: PLW2901
            yield live(job, send)


@attrs.frozen(eq=False)
class Meddling(Observer):
    """Watches in half precision, and so makes everybody calculate in it."""

    name: ClassVar[str] = "meddling"

    @hookimpl
    def evoframe_phase(self, phase):
        return torch.autocast("cpu", torch.bfloat16) if phase.name == "training" else None


@attrs.frozen(eq=False)
class Choking(Observer):
    """Stumbles over the last event."""

    name: ClassVar[str] = "choking"

    @hookimpl
    def evoframe_run_finished(self, event):
        raise ZeroDivisionError("an observer's own mistake")


@attrs.frozen
class Misspelt(Specimen):
    """Names a parameter that its network does not have."""

    name: ClassVar[str] = "misspelt"

    def evolvable(self, network):
        return ("0.wieght",)


@attrs.frozen
class Drifting(Specimen):
    """Has other examples in every pass over the training split."""

    name: ClassVar[str] = "drifting"

    def batches(self, split, *, shuffle=None, batch_size=None):
        batches = super().batches(split, shuffle=shuffle, batch_size=batch_size)
        if split != "train":
            return batches
        return [
            (inputs + 1e-6 * (time.perf_counter_ns() % 10**6), labels) for inputs, labels in batches
        ]


@attrs.frozen
class Learning(Specimen):
    """Goes on learning while it is measured."""

    name: ClassVar[str] = "learning"

    def measure(self, network, batch):
        with torch.no_grad():
            next(network.parameters()).mul_(0.999)
        return super().measure(network, batch)


@attrs.frozen
class Grading(Specimen):
    """Grades on a curve: what an example is worth depends on who sits beside it."""

    name: ClassVar[str] = "grading"

    def measure(self, network, batch):
        measured = super().measure(network, batch)
        return {**measured, "loss": measured["loss"] - measured["loss"].mean()}


# --- notes and state ------------------------------------------------------------------------------


@attrs.frozen
class Hoarding(Still):
    """Begins with a set, which no record can hold."""

    name: ClassVar[str] = "hoarding"

    def begin(self, context):
        return {"seen": {1, 2}}


@attrs.frozen
class Guessing(Still):
    """Learns by the dice of whoever threw them last."""

    name: ClassVar[str] = "guessing"

    def begin(self, context):
        return [0.5]

    def learned(self, state, population):
        return [state[0] + random.random()]


@attrs.frozen
class Scribbling(Still):
    """Adds to the array that siblings have in common."""

    name: ClassVar[str] = "scribbling"

    def mutate(self, dna, inheritance, context):
        path = context.notes.get("path", np.zeros(3))
        path += 1
        return attrs.evolve(dna, notes={"path": path})


ALBUM: dict[str, int] = {}


@attrs.frozen
class Reminiscing(Still):
    """Knows its parents from an album of its own, which no other process has."""

    name: ClassVar[str] = "reminiscing"

    def mutate(self, dna, inheritance, context):
        known = sum(one.individual.id in ALBUM for one in context.parents)
        # Pages that were filled once stay as they are: the same after a thousand calls.
        ALBUM.setdefault(context.id if context.generation == 2 else "g0s0", 1)
        bold = known if context.generation == 3 and context.parents[0].individual.notes else 0
        return over(
            attrs.evolve(dna, notes={"seen": 1}),
            lambda g: like(g, log_survival=g.log_survival - bold * 1e-6),
        )


# --- in company -----------------------------------------------------------------------------------


@attrs.frozen
class Fatal(Calm):
    """Lets nothing live."""

    name: ClassVar[str] = "fatal"

    def press(self, dna, inheritance, context):
        never = np.full(1, -np.inf)
        return over(dna, lambda g: like(g, levels=torch.zeros_like(g.levels), log_survival=never))


@attrs.frozen
class Remembering(Best):
    """Keeps in mind which generations it has seen, and is bolder when it has seen the last one."""

    name: ClassVar[str] = "remembering"
    _seen: set[int] = attrs.field(factory=set, init=False, repr=False, eq=False)

    def select(self, population, context):
        generation = population.individuals[0].generation
        bold = generation - 1 in self._seen
        self._seen.add(generation)
        ranked = population.ranked(population.sound())
        return (Family((ranked[-1 if bold else 0].id,) * population.parents),) * population.size


@attrs.frozen
class Hashing(Still):
    """Tells layers apart by hashes, which are others in every process."""

    name: ClassVar[str] = "hashing"

    def mutate(self, dna, inheritance, context):
        synapses = {
            name: like(genes, log_survival=genes.log_survival - hash(name) % 997 * 1e-6)
            for name, genes in dna.synapses.items()
        }
        return attrs.evolve(dna, synapses=synapses)


SABOTEURS: dict[str, Any] = {
    "is_a_frozen_value": Thawed(),
    "has_a_name_and_a_summary": Shouting(),
    "options_have_help_and_a_type": Unexplained(),
    "implements_hooks_as_they_are": Misheard(),
    "takes_what_its_role_gives": Outdated(),
    "survives_toml": Shrinking(0.5),
    "survives_pickling": Held(),
    "repr_evaluates_back": Poetic(),
    "answers_in_kind": Silent(),
    "keeps_nothing_between_calls": Counting(),
    "is_a_function_of_its_arguments": Uninitialised(),
    "leaves_global_randomness_alone": Dicing(),
    "leaves_its_arguments_alone": InPlace(),
    "keeps_dtypes_and_devices": Single(),
    "other_keys_give_other_answers": Constant(),
    "ignores_its_key": Secret(),
    "reads_only_the_splits_that_it_may": Insider(),
    "looks_at_no_test_results": Examiner(),
    "draws_for_each_layer_by_itself": Stencil(),
    "probabilities_lie_between_0_and_1": Overconfident(),
    "covers_exactly_what_is_eligible": Generous(),
    "keeps_to_its_allowance": Lax(),
    "more_of_its_dial_is_milder": Upside(),
    "leaves_rankings_alive": Wintry(),
    "gives_a_whole_inheritance": Forgetful(),
    "offers_only_what_a_parent_has": Resurrecting(),
    "identical_parents_give_the_parent": Adding(),
    "zero_of_its_dial_changes_nothing": Restless(),
    "adds_synapses_only_if_it_grows": Stealthy(),
    "gives_the_families_that_are_asked_for": Stingy(),
    "never_prefers_what_is_not_a_number": Smitten(),
    "ignores_the_order_of_the_population": Queueing(),
    "raises_one_of_its_brood": Foster(),
    "leaves_siblings_as_they_are": Barber(),
    "absent_synapses_stay_absent": Leaking(),
    "rewires_within_the_network": Untidy(),
    "keeps_to_its_epochs": Diligent(),
    "ends_in_numbers_or_says_why": Stoic(),
    "a_life_taken_up_again_ends_the_same": Amnesiac(),
    "shapes_a_scalar_loss": Wide(),
    "lets_nurtures_act": Loner(),
    "goes_no_further_than_its_rung": Eager(),
    "a_life_in_rungs_ends_the_same": Dazed(),
    "takes_up_where_it_was_put_down": Reborn(),
    "trains_together_as_alone": Levelling(),
    "leaves_parameters_able_to_learn": Freezing(),
    "lives_every_job_once": Hasty(),
    "hands_on_every_event": Deaf(),
    "hands_on_failures": Brave(),
    "serves_one_generation_after_another": Brief(),
    "gives_the_run_of_serial": Tampering(),
    "changes_no_run": Meddling(),
    "hears_a_run_to_its_end": Choking(),
    "can_be_evolved": Misspelt(),
    "passes_over_a_split_repeat": Drifting(),
    "evaluation_changes_nothing": Learning(),
    "measures_each_example_by_itself": Grading(),
    "begins_with_what_a_record_can_hold": Hoarding(),
    "learns_the_same_again": Guessing(),
    "goes_on_from_its_own_notes": Scribbling(),
    "knows_its_parents_by_notes_alone": Reminiscing(),
    "works_in_a_run": Fatal(),
    "survives_any_interleaving": Remembering(),
    "answers_alike_in_another_process": Hashing(),
}
"""The saboteur of every check."""
