"""Ceilings: an offspring that costs at most what it may, and as nearly that as can be.

What a network costs follows from which channels live after settling, so a ceiling cannot be met
by a factor on probabilities, only on average. It is met by *order sampling* instead: the keyed
words that decide the draw also say in which order clusters come to live as pressure eases
(:func:`evoframe.kernel.drawing.synthesis.turns`), and the most of them live that fit, each
number tried as the settled offspring that it makes. In this order: the ceilings hold; every layer
has its floor; what may be spent is spent.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.errors import StillbornError
from evoframe.kernel.dna import Clusters
from evoframe.kernel.drawing.bounded import are_held_by
from evoframe.kernel.drawing.draws import Draws, Flags
from evoframe.kernel.drawing.floors import Order, floors
from evoframe.kernel.drawing.purse import Purse
from evoframe.kernel.drawing.synthesis import turns
from evoframe.kernel.drawing.turns import Turns, places
from evoframe.kernel.genotype import Genotype

PATIENCE = 12
"""How many clusters that would be too much are passed over for later ones."""

SPOTS = 2**20
"""How many turns of single synapses are told apart."""


def under_ceilings(purse: Purse) -> Genotype:
    """Return the offspring of a draw that costs as nearly what it may as can be, never more.

    Returns:
        Settled masks, beside the state as it was inherited.

    Raises:
        StillbornError: whatever is not drawn, the network costs more.
    """
    clusters = purse.dna.clusters
    return _of_synapses(purse) if clusters is None else _of_clusters(purse, clusters)


# --- whole clusters -------------------------------------------------------------------------------


def _of_clusters(purse: Purse, clusters: Clusters) -> Genotype:
    key = purse.key.at("clusters")
    turn = turns(clusters.genes, key) if purse.turns is None else purse.turns
    stay, order = floors(turn, purse.dna, purse.anatomy)
    draws = Draws.of(purse, clusters, stay)
    if not draws.fit(order[:0]):
        # Fewer synapses may be asked for than what stays has. Nothing else is had by their loss: a
        # layer that is empty where its channels stay, such as the last one, is a broken network.
        least = draws.living(order[:0])
        if not attrs.evolve(purse, most=math.inf).allows(*least):
            raise StillbornError(_out_of_reach(purse, *least))
        order = np.concatenate([stay.nonzero()[0], order])
        draws = attrs.evolve(draws, stay=np.zeros_like(stay))
        if not draws.fit(order[:0]):
            raise StillbornError(_out_of_reach(purse, *draws.living(order[:0])))
    chosen = _spent(order, draws.fit, draws.too_wide)
    there = purse.anatomy.network_of(draws.living(chosen)[0])
    free = _standing(purse, there, np.setdiff1d(order, chosen), clusters)
    more = np.concatenate([chosen, free])
    return draws.made(more if len(free) and draws.fit(more) else chosen)


def _spent(
    order: Order, fits: Callable[[Order], bool], too_wide: Callable[[Order, Order], Flags]
) -> Order:
    """Return the part of an order that is taken: all that fits, also after one that does not.

    Those with which a layer is too wide say nothing of what may be spent, and try no patience. A
    grid, as of heads, has many of them: a channel of one brings its line in all others.

    Args:
        order: clusters, the first of which is taken first.
        fits: whether some of them cost no more than they may, and no layer is too wide.
        too_wide: with which of the rest, one at a time beside some, a layer is too wide; with none
            if the first of the rest is not one of them.
    """
    chosen, rest, patience = order[:0], order, PATIENCE
    while patience and len(rest):
        taken = _most(len(rest), lambda n: fits(np.concatenate([chosen, rest[:n]])))  # noqa: B023
        chosen, rest = np.concatenate([chosen, rest[:taken]]), rest[taken:]
        if not len(rest):
            break
        out = too_wide(chosen, rest)
        if out.any():
            rest = rest[~out]
        else:
            rest, patience = rest[1:], patience - 1
    return chosen


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number up to a count that fits, where 0 does; by doubling and halving."""
    low, high = 0, 1
    while high <= count and fits(high):
        low, high = high, max(min(2 * high, count), high + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _standing(purse: Purse, there: Tensor, others: Order, clusters: Clusters) -> Order:
    """Return the clusters that are not to live though the network has all of their channels.

    Floors and rounding leave dead channels in a network, which cost as much as living ones.
    """
    gone = torch.zeros(len(clusters.genes.levels), dtype=torch.bool)
    for name, targets in purse.anatomy.wiring.host.targets.items():
        members = clusters.host.members[name]
        if members.shape == targets.shape:
            gone[members.reshape(-1)[~there[targets.reshape(-1)]]] = True
        else:
            gone[:] = True
    if clusters.around is not None:  # a block that left is not there; the last clusters are those
        blocks = torch.tensor([one.channel for one in purse.anatomy.wiring.blocks])
        gone[-len(blocks) :] |= ~there[blocks]
    standing: Order = others[~gone.numpy()[others]]
    return standing


# --- single synapses ------------------------------------------------------------------------------


def _of_synapses(purse: Purse) -> Genotype:
    device = next(iter(purse.dna.synapses.values())).levels.device
    turn = _by_parameter(purse)
    if any(one.even for one in purse.dna.ceilings):
        turn = {name: places(one) for name, one in turn.items()}
    spots = np.sort(np.concatenate([one[one < np.inf] for one in turn.values()]))
    spots = spots[:: max(1, len(spots) // SPOTS)]

    def made(count: int) -> tuple[Genotype, Tensor]:
        last = spots[count - 1] if count else -np.inf
        return purse.made_of(
            {name: torch.from_numpy(one <= last).to(device) for name, one in turn.items()}
        )

    def lives(count: int) -> tuple[Tensor, int]:
        genotype, alive = made(count)
        return alive, genotype.synapses

    if not purse.allows(*lives(0)):
        raise StillbornError(_out_of_reach(purse, *lives(0)))
    return made(_most(len(spots), lambda count: purse.allows(*lives(count))))[0]


def _by_parameter(purse: Purse) -> dict[str, Turns]:
    """Return the turns of all synapses by their parameters."""
    genes, key = purse.dna.synapses, purse.key
    if purse.turns is None:
        return {name: turns(one, key.at("synapses", name)) for name, one in genes.items()}
    ends = np.cumsum([one.levels.numel() for one in genes.values()])[:-1]
    parts = zip(genes.items(), np.split(purse.turns, ends), strict=True)
    return {name: part.reshape(tuple(one.levels.shape)) for (name, one), part in parts}


def _out_of_reach(purse: Purse, alive: Tensor, synapses: int) -> str:
    there = purse.anatomy.network_of(alive)
    costs = purse.costs_of(there, synapses)
    words = [
        f"at most {_figure(one.limit)} {one.what} cannot be reached: what stays costs "
        f"{_figure(one.spent(costs))} at the least"
        for one in purse.dna.ceilings
        if one.spent(costs) > one.limit
    ]
    if not words and not are_held_by(there, purse.anatomy.bounds):
        return "layers have more channels than they may, whatever is not drawn"
    return "; ".join(words) or f"more than {purse.most:,.0f} synapses stay at the least"


def _figure(value: float) -> str:
    """Return a whole number in full, and what is less than ten to four figures."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.4g}"
