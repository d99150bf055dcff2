"""Lottery tickets: iterative magnitude pruning with rewinding (arXiv 1803.03635).

Each round trains a network, removes a share of every layer's weakest weights, and puts the rest
back to what they were before the first round. The rounds are generations: ``lottery`` is how an
offspring begins, ``winnowing`` how many of its parent's synapses it gets.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from evoframe.plugin import (
    DNA,
    Cap,
    Context,
    Environment,
    Genes,
    Heredity,
    Inheritance,
    Parent,
    Task,
    TaskError,
    doc,
    hookimpl,
    masked,
)


@attrs.frozen
class Lottery(Heredity):
    """The parent's synapses, with the weights that the ancestor was born with."""

    name: ClassVar[str] = "lottery"
    traits: ClassVar[frozenset[str]] = frozenset({"deterministic"})

    def check(self, task: Task) -> None:
        """Refuse an ancestor that came trained: nobody knows its first weights."""
        if task.is_trained:
            raise TaskError(
                f"heredity 'lottery' rewinds to the ancestor's first weights, and task "
                f"{task.name!r} brings one that is trained already. Use heredity 'asexual'."
            )

    def inherit(self, parents: tuple[Parent, ...], context: Context) -> Inheritance:
        """Return the parent's synapses and strengths, and the first weights to start from."""
        parent = parents[0].genotype
        first = masked(context.initial_state(), parent.masks)
        return Inheritance(parent.masks, parent.state, first)


@attrs.frozen
class Winnowing(Environment):
    """Removes a share of every layer's synapses, the least probable ones."""

    name: ClassVar[str] = "winnowing"

    rate: float = attrs.field(
        default=0.2,
        validator=[attrs.validators.ge(0), attrs.validators.lt(1)],
        metadata=doc("share of each layer's synapses that goes in a generation"),
    )
    slower: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("parameters that lose half as much, as the paper's output layer")
    )

    def allowance(self, inheritance: Inheritance, context: Context) -> float:
        """Return the number of synapses that stay."""
        counts = {name: int(mask.sum()) for name, mask in inheritance.eligible.items()}
        return sum(self._stays(name, count) for name, count in counts.items())

    def press(self, dna: DNA, inheritance: Inheritance, context: Context) -> DNA:
        """Return DNA from which exactly as many synapses of each layer are drawn as may stay."""
        synapses, caps = {}, []
        for name, genes in dna.synapses.items():
            limit = self._stays(name, int(inheritance.eligible[name].sum()))
            synapses[name] = _strongest(genes, limit)
            caps.append(Cap((name,), limit))
        return attrs.evolve(dna, synapses=synapses, caps=(*dna.caps, *caps))

    def _stays(self, name: str, count: int) -> int:
        rate = self.rate / 2 if name in self.slower else self.rate
        return round((1 - rate) * count)


def _strongest(genes: Genes, limit: int) -> Genes:
    """Return genes of which the likeliest are certain, and the rest impossible.

    The level at which the limit falls is a hair less than certain, so the cap takes from there.
    """
    order = np.argsort(-genes.log_survival, kind="stable")
    taken = np.cumsum(genes.histogram()[order])
    last = int(np.searchsorted(taken, limit)) if limit else -1
    table = np.full(len(order), -np.inf)
    table[order[: last + 1]] = 0.0
    if last >= 0:
        table[order[min(last, len(order) - 1)]] = -1e-9
    return attrs.evolve(genes, log_survival=table)


@hookimpl
def evoframe_heredities() -> list[type]:
    return [Lottery]


@hookimpl
def evoframe_environments() -> list[type]:
    return [Winnowing]
