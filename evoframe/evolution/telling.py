"""Telling: the steps of a life, sealed one by one, and what observers hear of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from evoframe.kernel.context import Context
from evoframe.kernel.dna import DNA
from evoframe.kernel.events import DnaChanged, Event, OffspringDrawn, Phase
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import sealed
from evoframe.kernel.tensors.flags import how_many


@contextmanager
def step(name: str, context: Context, *index: int) -> Iterator[None]:
    """Do one step of a life: observers may wrap it, and inside it randomness is sealed.

    Args:
        name: what it is called in events.
        context: whose life it is.
        index: which it is, of several of that name.
    """
    # Another path than the strategy's own key: code that seeds itself from
    # globals must not draw the numbers that the strategy draws from its key.
    key = context.key.at(*index, name, "seal")
    with context.life.announcer.phase(Phase(name, context.id)), sealed(key):
        yield


def tell_dna(hook: str, strategy: str, dna: DNA, context: Context) -> None:
    """Tell of a DNA that a strategy has made."""

    def event() -> Event:
        eligible = {name: int(genes.eligible.sum()) for name, genes in dna.synapses.items()}
        expected = {name: dna.expected(name) for name in dna.synapses}
        return DnaChanged(context.id, strategy, eligible, expected)

    context.life.announcer.tell(hook, event)


def tell_drawn(genotype: Genotype, context: Context) -> None:
    """Tell of a genotype that was drawn and settled."""

    def event() -> Event:
        synapses = {name: how_many(mask) for name, mask in genotype.masks.items()}
        return OffspringDrawn(context.id, synapses)

    context.life.announcer.tell("evoframe_offspring_drawn", event)
