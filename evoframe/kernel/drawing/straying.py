"""Straying: how far one sibling of a DNA may be from another.

A ranking under a budget is nearly one offspring: the first of its order live, as many as fit. Its
siblings are other orders. With x the place of each cluster in the order, as a share of all of
them, and G independent draws of a standard Gumbel distribution,

    x' = x + step * (G of the cluster + G of its layer)

the smallest x' of two clusters of a layer is that of the better with odds exp(distance / step): the
order is a draw of Plackett and Luce around the ranking, in which whole layers move as well, so that
widths vary. Residual blocks are one more layer: so does depth. Without clusters the same is done
with synapses and their parameters.

An exchange moves a few to either end of the order: those that leave and those that return are
drawn layer by layer, the one next to the border twice as likely as the one behind it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from evoframe.kernel.dna import DNA, Clusters
from evoframe.kernel.drawing.synthesis import turns
from evoframe.kernel.drawing.turns import Turns, places
from evoframe.kernel.genotype import Masks
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.tensors.flags import any_over

Labels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def turns_of(dna: DNA, key: Key) -> Turns:
    """Return the turns of all clusters of a draw in a row; of all synapses, if there are none."""
    if dna.clusters is not None:
        return turns(dna.clusters.genes, key.at("clusters")).reshape(-1)
    found = [turns(one, key.at("synapses", name)) for name, one in dna.synapses.items()]
    return np.concatenate([one.reshape(-1) for one in found])


def layers_of(dna: DNA) -> Labels:
    """Return the layer of each cluster, or of each synapse: a number for all that are alike.

    Clusters of the same layers are alike, and so are all blocks.
    """
    if dna.clusters is None:
        sizes = [one.levels.numel() for one in dna.synapses.values()]
        return np.repeat(np.arange(len(sizes)), sizes)
    marks = np.zeros(dna.clusters.genes.levels.numel(), dtype=np.uint64)
    for name, members in dna.clusters.members.items():
        # The sum of the marks of all its layers: two sets of layers would have to share 64 bits.
        marks[np.unique(members.cpu().numpy())] += np.uint64(Key(0).at("layer", name).integer())
    return np.unique(marks, return_inverse=True)[1].reshape(-1)


def living_clusters(clusters: Clusters, masks: Masks) -> Flags:
    """Return a bool for each cluster: a synapse of it is present, in it or in its block."""
    count = clusters.genes.levels.numel()
    found = torch.zeros(count + 1, dtype=torch.bool, device=clusters.genes.levels.device)
    for name, mask in masks.items():
        for held in (clusters.members, clusters.within):
            if name in held:
                axes = [at for at, size in enumerate(held[name].shape) if size == 1]
                some = any_over(mask, axes) & (held[name] >= 0)
                # All are written, the last for nobody, so that no device is waited for.
                found[torch.where(some, held[name], count)] = True
    living: Flags = found[:-1].cpu().numpy()
    return living


def strayed(order: Turns, step: float, layers: Labels, key: Key) -> Turns:
    """Return other turns, a step from these."""
    own = _gumbel(key.at("own"), len(order))
    shared = _gumbel(key.at("layers"), int(layers.max(initial=0)) + 1)
    return places(order) + step * (own + shared[layers])


def exchanged(
    order: Turns, living: Flags, free: Flags, layers: Labels, share: float, key: Key
) -> Turns:
    """Return turns in which some of the living come last, and some others first.

    Args:
        order: the turns.
        living: who lives by them.
        free: who may leave.
        layers: of each.
        share: of those that live and may leave.
        key: of the draw.
    """
    found = places(order)
    leave, come = living & free, ~living & (order < np.inf)
    count = max(1, round(share * int(leave.sum())))
    leaving = _near(-found, leave, layers, count, key.at("leave"))
    coming = _near(found, come, layers, count, key.at("come"))
    found[living] -= 1.0
    found[leaving] = 2.0
    found[coming] = -2.0
    found[order == np.inf] = np.inf
    return found


def _near(distance: Turns, who: Flags, layers: Labels, count: int, key: Key) -> Labels:
    """Return some of those who may be chosen, near the border of the layers that are drawn."""
    there = np.unique(layers[who])
    if not len(there):
        return np.zeros(0, np.int64)
    drawn = there[key.at("layers").words(count).astype(np.int64) % len(there)]
    noise, chosen = _gumbel(key.at("own"), len(distance)), []
    for layer, wanted in zip(*np.unique(drawn, return_counts=True), strict=True):
        own = np.flatnonzero(who & (layers == layer))
        rank = np.argsort(np.argsort(distance[own], kind="stable"), kind="stable")
        chosen.append(own[np.argsort(rank * np.log(2.0) - noise[own], kind="stable")[:wanted]])
    return np.concatenate(chosen)


def _gumbel(key: Key, count: int) -> Turns:
    uniform = (key.words(count).astype(np.float64) + 0.5) / WORD_VALUES
    return -np.log(-np.log(uniform))
