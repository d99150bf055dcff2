"""The brood of one birth: siblings that are drawn, varied, judged and schooled as a litter asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import attrs
import numpy as np

from evoframe.errors import ContractError
from evoframe.evolution.judging import Bench, norms_of
from evoframe.evolution.synthesis import synthesise
from evoframe.evolution.telling import step
from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA, Inheritance
from evoframe.kernel.drawing.brood import Sibling
from evoframe.kernel.drawing.straying import (
    Flags,
    Labels,
    exchanged,
    layers_of,
    living_clusters,
    strayed,
    turns_of,
)
from evoframe.kernel.drawing.turns import Turns
from evoframe.kernel.events import SiblingJudged
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.judged import Judge, Judged
from evoframe.kernel.key import Key
from evoframe.kernel.life import Companion, TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.tensors.digests import Digests, changed, digests

School = Callable[[Sibling, float, TrainingResult | None], TrainingResult]
"""Trains a sibling: up to how many epochs, after which rung."""

PASSES = ("flops", "synapses")
"""Costs by which the passes of two networks are set beside each other."""


class Siblings:
    """All siblings of one DNA, see :class:`evoframe.kernel.drawing.brood.Brood`."""

    def __init__(
        self,
        dna: DNA,
        inheritance: Inheritance,
        context: Context,
        school: School,
        most: float = math.inf,
        *,
        looks: list[Judged] | None = None,
        strict: bool = False,
    ) -> None:
        """Offer siblings.

        Args:
            dna: under all pressure.
            inheritance: whose state they have.
            context: of the birth; its key is that of the only child.
            school: how one is trained.
            most: synapses that environments promise at most.
            looks: takes all looks; a list of its own if not given.
            strict: whether it is looked at that siblings stay as they are.
        """
        self.dna, self.inheritance, self.context = dna, inheritance, context
        self._train, self._most = school, most
        self._strict = strict
        self.looks: list[Judged] = [] if looks is None else looks
        self.bench = Bench(context.at("litter", "judging"))
        self._count = 1
        self._only: Sibling | None = None
        self._own: WeakValueDictionary[int, Sibling] = WeakValueDictionary()
        self._marks: dict[int, Digests] = {}
        self._companions: tuple[Companion, ...] | None = None
        self._schooled: dict[int, tuple[TrainingResult, Sibling]] = {}

    # --- who there is -----------------------------------------------------------------------------

    def only(self) -> Sibling:
        """Return the sibling that would be born without a litter."""
        if self._only is None:
            key, order = self.context.key, None
            if self._is_bounded:
                order = turns_of(self.dna, key)
            genotype = self._synthesised(key, None)
            self._only = self._known(Sibling(0, genotype, key, key, None, order))
        return self._only

    def another(self, *, around: Sibling | None = None, step: float = 0.0) -> Sibling:
        """Return another sibling: settled, and within every budget."""
        number, key = self._next()
        words = key
        if around is not None:
            self._require_own(around)
            words = around.words
        if not self._is_bounded:
            return self._made(number, key, key, None, None)
        order = (
            turns_of(self.dna, words) if around is None or around.turns is None else around.turns
        )
        if step:
            order = strayed(order, step, self._layers, key.at("stray"))
        return self._made(number, key, words, around, order)

    def exchanged(self, sibling: Sibling, *, share: float) -> Sibling:
        """Return a sibling in which some leave and as many return as every budget allows."""
        self._require_own(sibling)
        number, key = self._next()
        if sibling.turns is None:
            return self._made(number, key, key, None, None)
        living, free = self._living(sibling.genotype), self._free()
        order = exchanged(sibling.turns, living, free, self._layers, share, key.at("exchange"))
        return self._made(number, key, sibling.words, sibling, order)

    @property
    def _is_bounded(self) -> bool:
        """Whether a budget tells how many live, so that an order is all that is to be chosen."""
        return bool(self.dna.ceilings) or self._most < math.inf

    def _next(self) -> tuple[int, Key]:
        number = self._count
        self._count += 1
        return number, self.context.key.at("litter", number)

    def _made(
        self, number: int, key: Key, words: Key, parent: Sibling | None, order: Turns | None
    ) -> Sibling:
        genotype = self._synthesised(words, order)
        came_of = None if parent is None else parent.number
        return self._known(Sibling(number, genotype, key, words, came_of, order))

    def _synthesised(self, words: Key, order: Turns | None) -> Genotype:
        context = attrs.evolve(self.context, key=words)
        with step("synthesis", self.context):
            return synthesise(self.dna, self.inheritance, context, self._most, order)

    def _known(self, sibling: Sibling) -> Sibling:
        self._own[sibling.number] = sibling
        if self._strict:
            self._marks[sibling.number] = self._mark(sibling)
        return sibling

    @cached_property
    def _layers(self) -> Labels:
        return layers_of(self.dna)

    def _living(self, genotype: Genotype) -> Flags:
        """Return a bool for each cluster, or each synapse: it lives."""
        clusters = self.dna.clusters
        if clusters is None:
            parts = [genotype.masks[name].cpu().numpy().reshape(-1) for name in self.dna.synapses]
            return np.concatenate(parts)
        return living_clusters(clusters, genotype.masks)

    def _free(self) -> Flags:
        """Return a bool for each cluster, or each synapse: it may leave."""
        if self.dna.clusters is None:
            return np.ones(len(self._layers), dtype=bool)
        partition = self.context.anatomy.clusters("bundle")
        count = self.dna.clusters.genes.levels.numel()
        if count != len(partition.fixed):
            return np.ones(count, dtype=bool)
        free: Flags = ~partition.fixed.cpu().numpy()
        return free

    # --- how they do ------------------------------------------------------------------------------

    def judge(
        self,
        sibling: Sibling,
        *,
        by: Judge,
        examples: int,
        schooled: TrainingResult | None = None,
        ready: bool = True,
    ) -> float:
        """Return the score of a sibling on training examples: the smaller, the better."""
        self._require_own(sibling)
        with step("judging", self.context, sibling.number):
            before = self.bench.asked
            network = self._network(sibling, schooled, ready=ready)
            twice = 2 if norms_of(network) else 1
            score = self.bench.score(network, by, examples)
            seen = self.bench.examples(examples)
        taught = seen if self.bench.asked > before else 0
        look = Judged(
            sibling=sibling.number,
            key=str(sibling.key),
            came_of=sibling.came_of,
            score=score,
            judge=by,
            examples=seen,
            epochs=0.0 if schooled is None else float(schooled.epochs),
            passes=twice * seen * self._share(sibling.genotype) + taught,
        )
        self.looks.append(look)
        who = self.context.id
        tell = self.context.life.announcer.tell
        tell("evoframe_sibling_judged", lambda: SiblingJudged(who, look))
        return score

    def _network(self, sibling: Sibling, schooled: TrainingResult | None, *, ready: bool) -> Any:
        """Return a network to be judged, which nobody needs afterwards."""
        if schooled is None:
            return self.newborn(sibling, ready=ready).network
        anatomy = self.context.anatomy
        return anatomy.develop(anatomy.absorb(schooled.phenotype)).network

    def newborn(self, sibling: Sibling, *, ready: bool) -> Phenotype:
        """Return the network of a sibling, if wanted as it is when its first epoch begins."""
        phenotype = self.context.anatomy.develop(sibling.genotype)
        if ready:
            # Begun once for all, so that what they find out of the parent is found out once.
            if self._companions is None:
                begun = (one.begin(phenotype, self.context) for one in self.context.life.companions)
                self._companions = tuple(begun)
            for one in self._companions:
                one.before_epoch(phenotype, self.context, 0)
        return phenotype

    def _share(self, genotype: Genotype) -> float:
        """Return the share of the ancestor's forward pass that one of this takes."""
        own, whole = self.context.anatomy.costs(genotype, PASSES), self._whole
        cost = "flops" if own.get("flops") and whole.get("flops") else "synapses"
        return own[cost] / max(whole[cost], 1)

    @cached_property
    def _whole(self) -> Mapping[str, float]:
        return self.context.anatomy.costs(self.context.ancestor, PASSES)

    def school(
        self, sibling: Sibling, *, until: float = math.inf, after: TrainingResult | None = None
    ) -> TrainingResult:
        """Return the result of training a sibling."""
        self._require_own(sibling)
        result = self._train(sibling, until, after)
        self._schooled[id(result)] = result, sibling
        return result

    # --- whether they are its own -----------------------------------------------------------------

    def chosen_by(self, result: Any) -> Sibling:
        """Return the sibling that a result of schooling is of: who is born.

        Raises:
            ContractError: it is of none, or somebody was changed on the way.
        """
        sibling = self.sibling_of(result)
        for one in [*self._own.values()]:
            if self._strict and (lost := self.is_changed(one)):
                raise ContractError(
                    f"it changed {lost}, in place; wanted siblings to be left as they are"
                )
        self.looks[:] = [_as_born(one, sibling.number) for one in self.looks]
        return sibling

    def sibling_of(self, result: Any) -> Sibling:
        """Return the sibling that a result of schooling is of.

        Raises:
            ContractError: it is of none.
        """
        found, sibling = self._schooled.get(id(result), (None, None))
        if found is not result or sibling is None:
            raise ContractError(
                "it returned a network that is no sibling of its brood; wanted a result of "
                "brood.school()"
            )
        return sibling

    def is_changed(self, sibling: Sibling) -> str:
        """Return the first part of a sibling that is not as it was drawn; empty if none is."""
        lost = changed(self._marks[sibling.number], self._mark(sibling))
        return lost[0] if lost else ""

    def _mark(self, sibling: Sibling) -> Digests:
        what = f"sibling {sibling.number}"
        return digests({what: (sibling.genotype.masks, sibling.turns)})[what]

    def _require_own(self, sibling: Any) -> None:
        if not isinstance(sibling, Sibling) or self._own.get(sibling.number) is not sibling:
            raise ContractError(
                f"{sibling!r:.60} is no sibling of its brood; wanted one as it was given by it"
            )


def _as_born(look: Judged, number: int) -> Judged:
    return attrs.evolve(look, born=look.sibling == number)
