"""Synthesis: one keyed Bernoulli draw for each cluster and synapse, and the caps enforced.

P(H) = prod_c [ P(c) * prod_{j in c} P(j) ]  (1609.01360, eq. 2): a synapse exists iff its cluster
does and its own draw says so. A draw compares a uniform 32-bit word with an integer threshold,
so the same DNA and key give the same offspring on every device.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel import fused
from evoframe.kernel.dna import DNA, Genes, Inheritance
from evoframe.kernel.genotype import State
from evoframe.kernel.key import WORD_VALUES, Key
from evoframe.kernel.levels import Table
from evoframe.kernel.limits import Cap
from evoframe.kernel.tensors.flags import both
from evoframe.kernel.tensors.passes import in_a_row, parts
from evoframe.kernel.tensors.rooms import room

LAST_WORD = WORD_VALUES - 1
"""The largest of the words."""


def draw(dna: DNA, key: Key) -> dict[str, Tensor]:
    """Return the masks of an offspring, bool by parameter: which synapses come to be.

    Every parameter has its own stream (``key.at("synapses", name)``), so neither the order of
    the parameters nor the presence of others changes a draw. Ceilings are not looked at.
    """
    born, living = None, Living()
    if dna.clusters is not None:
        born = bernoulli(dna.clusters.genes, key.at("clusters"), living)
    masks = {
        name: bernoulli(genes, key.at("synapses", name), living)
        for name, genes in dna.synapses.items()
    }
    return capped(masks if born is None else of_clusters(born, masks, dna), dna, key)


def of_clusters(born: Tensor, masks: Mapping[str, Tensor], dna: DNA) -> dict[str, Tensor]:
    """Return the masks without the synapses of clusters that were not born.

    Args:
        born: bool, one entry a cluster.
        masks: the synapses whose own draws say yes.
        dna: says whose cluster is whose.
    """
    assert dna.clusters is not None
    return {name: both(mask, dna.clusters.at(name, born)) for name, mask in masks.items()}


def capped(masks: dict[str, Tensor], dna: DNA, key: Key) -> dict[str, Tensor]:
    """Return the masks of a draw with the caps of its DNA enforced."""
    for cap in dna.caps:
        masks = _enforce(cap, masks, dna, key)
    return masks


class Living:
    """Limits of tables, each found and brought to a device once: layers share theirs."""

    def __init__(self) -> None:
        # With the tables, so that none is gone and its number another's.
        self._known: dict[tuple[int, torch.device], tuple[Table, fused.Limits]] = {}

    def of(self, table: Table, device: torch.device) -> fused.Limits:
        """Return the number of words that let each level of a table live, on a device."""
        place = id(table), device
        if place not in self._known:
            living = torch.from_numpy(thresholds(table)).to(device)
            self._known[place] = table, fused.Limits.of(living)
        return self._known[place][1]


def bernoulli(genes: Genes, key: Key, living: Living | None = None) -> Tensor:
    """Return a bool for each gene, True with its survival probability (rounded down to 2**-32).

    Args:
        genes: what is drawn.
        key: of the draw.
        living: limits of other genes of the same draw, to be shared.
    """
    living, device = living or Living(), genes.levels.device
    if fused.kernels(genes.levels) is not None:
        limits = living.of(genes.log_survival, device)
        return fused.drawn(genes.levels, genes.eligible, limits, key, packed=False)
    limits = living.of(genes.log_survival, torch.device("cpu"))
    return _drawn(genes.levels.cpu(), genes.eligible.cpu(), limits, key).to(device)


def _drawn(levels: Tensor, eligible: Tensor, limits: fused.Limits, key: Key) -> Tensor:
    """Return a bool for each gene, on the CPU.

    Every gene takes its word, eligible or not, so that another genotype's draw meets the same
    word at the same synapse.
    """
    found = room(levels.shape, torch.bool)
    level, may, lives = in_a_row(levels), in_a_row(eligible), in_a_row(found)
    limit, certain = limits.words.numpy(), limits.certain.numpy()
    if not (limit[certain == 0]).any():  # whatever the words are
        for part in parts(len(level)):
            np.logical_and(certain.take(level[part]), may[part], out=lives[part])
        return found
    for part, words in key.words_in_parts(len(level)):
        np.less(words, limit.take(level[part]), out=lives[part])
        if words.max() == LAST_WORD:  # one in 2**32 has to look twice
            lives[part] |= (words == LAST_WORD) & (certain.take(level[part]) > 0)
        lives[part] &= may[part]
    return found


def turns(genes: Genes, key: Key) -> npt.NDArray[np.float64]:
    """Return when each gene comes to live as pressure eases: float64, inf if it never does.

    A gene with probability P and the uniform word u lives under the factor f once u < f * P, so
    its turn is log(u / P), and the first n by their turns are the draw of n (order sampling).
    """
    words = (key.words(genes.levels.numel()).astype(np.float64) + 0.5) / WORD_VALUES
    log_survival = genes.log_survival[genes.levels.cpu().numpy().reshape(-1)]
    found = np.log(words) - log_survival
    found[~genes.eligible.cpu().numpy().reshape(-1)] = np.inf
    turn: npt.NDArray[np.float64] = found.reshape(tuple(genes.levels.shape))
    return turn


def thresholds(log_survival: Table) -> npt.NDArray[np.int64]:
    """Return the number of the 2**32 words that let each level live, int64, (levels,)."""
    # In float64 on the host: 2**32 is exact there, so probability 1 lets every word live.
    living: Table = np.floor(np.exp(np.minimum(log_survival, 0.0)) * WORD_VALUES)
    return living.astype(np.int64)


def _enforce(cap: Cap, masks: Mapping[str, Tensor], dna: DNA, key: Key) -> dict[str, Tensor]:
    """Drop the least probable of the drawn synapses until the cap holds; the draw breaks ties."""
    fewer = dict(masks)
    # Positions of what was drawn, (drawn,) for each parameter; all below runs over them in a row.
    drawn = [masks[name].reshape(-1).nonzero().squeeze(1) for name in cap.names]
    surplus = sum(len(positions) for positions in drawn) - cap.limit
    if surplus <= 0:
        return fewer
    odds = [
        dna.probabilities(name).reshape(-1)[positions].cpu().numpy()
        for name, positions in zip(cap.names, drawn, strict=True)
    ]
    words = [
        key.at("synapses", name).words(masks[name].numel())[positions.cpu().numpy()]
        for name, positions in zip(cap.names, drawn, strict=True)
    ]
    doomed = np.zeros(len(np.concatenate(odds)), dtype=bool)
    # The last key of ``lexsort`` counts first: the least odds, and of equals the highest word
    # (the least of its opposites), which was the nearest to not being drawn at all.
    doomed[np.lexsort((~np.concatenate(words), np.concatenate(odds)))[:surplus]] = True
    start = 0
    for name, positions in zip(cap.names, drawn, strict=True):
        gone = torch.from_numpy(doomed[start : start + len(positions)]).to(positions.device)
        mask = masks[name].clone().reshape(-1)
        mask[positions[gone]] = False
        fewer[name] = mask.reshape(masks[name].shape)
        start += len(positions)
    return fewer


def furnished(inheritance: Inheritance, weights: State) -> State:
    """Return the state of a newborn, with weights of synapses that it does not inherit."""
    if not weights:
        return inheritance.state
    state = dict(inheritance.state)
    for name, values in weights.items():
        own = inheritance.eligible[name]
        state[name] = torch.where(own, state[name], values.to(state[name].dtype))
    return state
