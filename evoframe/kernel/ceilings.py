"""Ceilings: an offspring that costs at most what it may, and as nearly that as can be.

What a network costs follows from which channels live after settling, so a ceiling cannot be met
by a factor on probabilities, only on average. It is met by *order sampling* instead: the keyed
words that decide the draw also say in which order clusters come to live as pressure eases
(:func:`evoframe.kernel.synthesis.turns`), and the most of them live that fit, each number tried
as the settled offspring that it makes. In this order: the ceilings hold; every layer has its
floor; what may be spent is spent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.errors import StillbornError
from evoframe.kernel.anatomy import Anatomy
from evoframe.kernel.bounded import are_held_by
from evoframe.kernel.coarse import Coarse
from evoframe.kernel.dna import DNA, Clusters
from evoframe.kernel.floors import Order, Turns, floors
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.key import Key
from evoframe.kernel.synthesis import Living, bernoulli, capped, of_clusters, turns
from evoframe.kernel.wiring import between, settled_and_living

PATIENCE = 12
"""How many clusters that would be too much are passed over for later ones."""

SPOTS = 2**20
"""How many turns of single synapses are told apart."""


Flags = npt.NDArray[np.bool_]
"""A bool for each of some clusters."""


@attrs.frozen(eq=False)
class Purse:
    """What an offspring may cost, and what each way to draw it would.

    Attributes:
        dna: with its ceilings.
        key: of the draw.
        state: what the offspring inherits.
        anatomy: says what a genotype costs.
        most: synapses that the offspring may have besides; other environments ask for no more.
        turns: in which order clusters, or else synapses, come to live, all in a row; that of the
            draw if not given.
    """

    dna: DNA
    key: Key
    state: State
    anatomy: Anatomy
    most: float = math.inf
    turns: Turns | None = None

    def made_of(self, masks: dict[str, Tensor]) -> tuple[Genotype, Tensor]:
        """Return drawn masks with caps enforced and settled, and which channels live with them.

        Returns:
            The masks, beside a state that is not settled yet; and bools on the CPU.
        """
        masks = capped(masks, self.dna, self.key)
        settled, alive = settled_and_living(masks, self.anatomy.wiring)
        return Genotype(settled, self.state), alive.cpu()

    def allows(self, alive: Tensor, synapses: int) -> bool:
        """Tell whether a settled offspring costs no more than it may.

        Args:
            alive: its channels that live, a bool for each, on the CPU.
            synapses: how many it has.
        """
        if synapses > self.most:
            return False
        # What counting alone says is too much is no less once the network has run.
        least = self.anatomy.network_of(alive, tried=False)
        counted = self.anatomy.counted(least, synapses)
        if not are_held_by(least, self.anatomy.bounds) or any(
            one.at_least(counted) > one.limit for one in self.dna.ceilings
        ):
            return False
        there = self.anatomy.network_of(alive)
        if not are_held_by(there, self.anatomy.bounds):
            return False
        costs = self.costs_of(there, synapses)
        return all(one.spent(costs) <= one.limit for one in self.dna.ceilings)

    def costs_of(self, there: Tensor, synapses: int) -> Mapping[str, float]:
        """Return the costs of the network of some channels, as far as ceilings ask for them."""
        names = {name for one in self.dna.ceilings for name in one.rates}
        return self.anatomy.costs_of(there, synapses, names)


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
        order = np.concatenate([stay.nonzero()[0], order])
        draws = attrs.evolve(draws, stay=np.zeros_like(stay))
        if not draws.fit(order[:0]):
            raise StillbornError(_out_of_reach(purse, *draws.living(order[:0])))
    chosen = _spent(order, draws.fit, draws.too_wide)
    there = purse.anatomy.network_of(draws.living(chosen)[0])
    free = _standing(purse, there, np.setdiff1d(order, chosen), clusters)
    more = np.concatenate([chosen, free])
    return draws.made(more if len(free) and draws.fit(more) else chosen)


@attrs.frozen(eq=False)
class Draws:
    """What may be drawn of whole clusters: some of them, given by their numbers.

    Attributes:
        purse: what they may cost.
        clusters: of the DNA.
        own: the synapses whose own draws say yes.
        stay: clusters that live in any case, a bool for each.
        coarse: what of a draw lives, by channels; None where caps look at single synapses.
    """

    purse: Purse
    clusters: Clusters
    own: Mapping[str, Tensor]
    stay: Flags
    coarse: Coarse | None

    @classmethod
    def of(cls, purse: Purse, clusters: Clusters, stay: Flags) -> Draws:
        """Return the draws in which some clusters live in any case."""
        living, key = Living(), purse.key
        own = {
            name: bernoulli(genes, key.at("synapses", name), living)
            for name, genes in purse.dna.synapses.items()
        }
        wiring = purse.anatomy.wiring
        coarse = None if purse.dna.caps else Coarse.of(own, clusters, wiring)
        return cls(purse, clusters, own, stay, coarse)

    def living(self, chosen: Order) -> tuple[Tensor, int]:
        """Return the channels that live, a bool for each on the CPU, and how many synapses do."""
        if self.coarse is not None:
            return self.coarse.settled(self._born(chosen))
        genotype, alive = self.purse.made_of(self._drawn(chosen))
        return alive, genotype.synapses

    def made(self, chosen: Order) -> Genotype:
        """Return the offspring, with settled masks."""
        if self.coarse is None:
            return self.purse.made_of(self._drawn(chosen))[0]
        wiring = self.purse.anatomy.wiring
        alive = self.living(chosen)[0].to(wiring.fed.device)
        return Genotype(between(alive, self._drawn(chosen), wiring), self.purse.state)

    def fit(self, chosen: Order) -> bool:
        """Tell whether the offspring costs no more than it may."""
        return self.purse.allows(*self.living(chosen))

    def too_wide(self, chosen: Order, rest: Order) -> Flags:
        """Return which of the rest, one at a time beside those chosen, make a layer too wide.

        None of them if the first of the rest is not one.
        """
        found, bounds = np.zeros(len(rest), dtype=bool), self.purse.anatomy.bounds
        if bounds and not self._is_held(np.append(chosen, rest[0])):
            own = [self.clusters.host.members[one.name].reshape(-1).numpy() for one in bounds]
            for place in np.isin(rest, np.concatenate(own)).nonzero()[0]:
                found[place] = not self._is_held(np.append(chosen, rest[place]))
        return found

    def _is_held(self, chosen: Order) -> bool:
        alive, _ = self.living(chosen)
        return are_held_by(self.purse.anatomy.network_of(alive), self.purse.anatomy.bounds)

    def _born(self, chosen: Order) -> Flags:
        found = self.stay.copy()
        found[chosen] = True
        return found

    def _drawn(self, chosen: Order) -> dict[str, Tensor]:
        born = torch.from_numpy(self._born(chosen)).to(self.clusters.genes.levels.device)
        return of_clusters(born, self.own, self.purse.dna)


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
        turn = {name: _evenly(one) for name, one in turn.items()}
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


def _evenly(turn: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return turns as shares of those that come at all, to be compared between layers."""
    flat = turn.reshape(-1)
    even = np.full_like(flat, np.inf)
    order = np.argsort(flat, kind="stable")[: int((flat < np.inf).sum())]
    even[order] = (np.arange(len(order)) + 0.5) / max(len(order), 1)
    return even.reshape(turn.shape)


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
