"""What is told of networks by their widths, beside what growing them and every synapse say."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from evoframe.anatomy.trace.forward import plain_operations
from evoframe.anatomy.trace.values import answered
from evoframe.anatomy.trace.work import WorkRecorder
from evoframe.costs.bytes import bytes_of
from evoframe.costs.flops import FORMULAS
from evoframe.kernel.dna import Clusters, Genes
from evoframe.kernel.drawing.coarse import Coarse
from evoframe.kernel.genotype import Genotype, count
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.settling import between, settled_and_living
from evoframe.kernel.tensors.flags import both


def sizes_of_grown(plan: Any, genotype: Genotype) -> dict[str, float]:
    """The sizes of a grown network, its FLOPs by the operations that it runs."""
    own = plan.proved.plan
    network = own.build(plan.channels(genotype))
    found = {
        "synapses": float(genotype.synapses),
        "parameters": float(sum(value.numel() for value in network.parameters())),
        "bytes": float(bytes_of(state_of(network))),
    }
    if own.trace.passes:
        first, recorder = own.trace.passes[0], WorkRecorder()
        with plain_operations(), recorder, answered(first.answers):
            first.inputs.call(network.train(first.training))
        found["flops"] = float(sum(_flops(one) for one in recorder.work))
    return found


def _flops(work: Any) -> int:
    return FORMULAS[work.operation]([one.shape for one in work.operands], work.result.shape)


def assert_settles_by_channels(plan: Any, kind: Any, seed: int, share: float, own: float) -> None:
    """A draw of clusters lives by channels as it does by synapses."""
    generator = np.random.default_rng(seed)
    partition = plan.clusters(kind)
    born = generator.random(len(partition.fixed)) < share
    levels = torch.zeros(len(born), dtype=torch.int32)
    genes = Genes(levels, np.zeros(1), torch.ones(len(born), dtype=torch.bool))
    clusters = Clusters.of(genes, partition)
    synapses = {
        name: torch.from_numpy(generator.random(tuple(shape)) < own)
        for name, shape in plan.evolvable.items()
    }

    alive, many = Coarse.of(synapses, clusters, plan.wiring).settled(born)

    drawn = {
        name: both(mask, clusters.at(name, torch.from_numpy(born)))
        for name, mask in synapses.items()
    }
    masks, due = settled_and_living(drawn, plan.wiring)
    assert torch.equal(alive, due)
    assert many == count(masks)
    found = between(alive, drawn, plan.wiring)
    assert all(torch.equal(found[name], mask) for name, mask in masks.items())
