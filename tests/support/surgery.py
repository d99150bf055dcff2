"""Surgery as the tests do it: ever thinner genotypes, and what the masked ancestor computes.

The only place in which tests of networks and the judge of the cases take a survey apart.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle

THINNED = ((1.0, 1.0), (0.7, 1.0), (0.35, 1.0), (0.35, 0.8), (1.0, 0.2), (0.08, 1.0))
"""Parts of the neurons and of the synapses that stay, for each genotype that is tried."""


def surveyed(network: nn.Module, inputs: Any, evolvable: Sequence[str] | None) -> Any:
    """A network's anatomy."""
    return anatomy.survey(network, inputs, evolvable)


def thinned(plan: Any) -> Iterator[Genotype]:
    """Genotypes with ever fewer neurons, by a draw of their own each."""
    for seed, (neurons, synapses) in enumerate(THINNED):
        yield drawn(plan, seed, neurons, synapses)


def smallest(plan: Any) -> Genotype:
    """The ancestor's genotype without all channels that can leave."""
    return drawn(plan, len(THINNED), 0.0, 1.0)


def drawn(plan: Any, seed: int, neurons: float, synapses: float) -> Genotype:
    """The ancestor's genotype with random parts of its neurons and synapses, settled."""
    generator = torch.Generator().manual_seed(seed)
    alive = torch.rand(plan.bundles.kept.shape, generator=generator) < neurons
    staying = plan.bundles.staying(alive)
    whole, targets, masks = plan.genotype(), plan.wiring.targets, {}
    for name, mask in whole.masks.items():
        some = torch.rand(mask.shape, generator=generator) < synapses
        masks[name] = mask & some & (staying[targets[name]] if name in targets else True)
    return settle(Genotype(masks, whole.state), plan.wiring)


def masked(network: nn.Module, genotype: Genotype) -> nn.Module:
    """A copy of the ancestor with the weights of a genotype: what is absent is zero."""
    twin = copy.deepcopy(network)
    entries = dict(twin.named_parameters()) | dict(twin.named_buffers())
    with torch.no_grad():
        for name, value in genotype.state.items():
            entries[name].copy_(value)
    return twin


def tensors(value: Any) -> list[Tensor]:
    """All tensors in an output, whatever it is made of; complex ones as pairs of reals."""
    if isinstance(value, Tensor):
        return [torch.view_as_real(value) if value.is_complex() else value]
    if isinstance(value, Mapping):
        return [one for part in value.values() for one in tensors(part)]
    if isinstance(value, list | tuple):
        return [one for part in value for one in tensors(part)]
    if dataclasses.is_dataclass(value) or type(value).__module__ not in {"builtins", "torch"}:
        slots = [name for name in getattr(value, "__slots__", ()) if not name.startswith("__")]
        held = [*getattr(value, "__dict__", {}).values(), *(getattr(value, n) for n in slots)]
        return [one for part in held for one in tensors(part)]
    return []


def parameters(network: nn.Module) -> int:
    """How many entries all parameters have."""
    return sum(value.numel() for value in network.parameters())


@torch.no_grad()
def shaken(network: nn.Module) -> nn.Module:
    """The network in double precision and evaluation, with entries far from where they began."""
    for name, value in (*network.double().named_parameters(), *network.named_buffers()):
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.add_(0.3 * torch.randn_like(value))
    return network.eval()


def cut(phenotype: Any, name: str, value: Tensor) -> Tensor:
    """What a smaller network has of an ancestor's tensor, found under the name of its entry."""
    return phenotype.cut(name, value)
