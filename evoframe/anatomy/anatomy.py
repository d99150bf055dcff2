"""The body plan of an ancestor: which synapses it has and how genotypes become networks.

A phenotype is the ancestor's module with masks that are enforced after every optimiser step.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.tracing import Barrier, trace
from evoframe.errors import TaskError, close_match
from evoframe.kernel.genotype import Genotype, Masks
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.wiring import Wiring, living_neurons, settle


@attrs.frozen(eq=False)
class Anatomy:
    """What a survey learned about an ancestor.

    Attributes:
        network: the ancestor's module; never changed, only copied.
        evolvable: shapes of the parameters whose synapses may evolve.
        wiring: how their synapses join channels.
        barriers: operations at which channels are kept, each with its reason.
    """

    network: nn.Module
    evolvable: Mapping[str, torch.Size]
    wiring: Wiring
    barriers: tuple[Barrier, ...]

    def genotype(self) -> Genotype:
        """Return the ancestor's own genotype: every synapse present, weights as they are."""
        state = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        masks = {
            name: torch.ones(shape, dtype=torch.bool, device=state[name].device)
            for name, shape in self.evolvable.items()
        }
        return Genotype(masks, state)

    def develop(self, genotype: Genotype) -> Phenotype:
        """Return a network with the genotype's weights, on the genotype's device."""
        device = next(iter(genotype.masks.values())).device
        network = copy.deepcopy(self.network).to(device)
        network.load_state_dict(dict(genotype.state))
        masks = {name: mask for name, mask in genotype.masks.items() if not bool(mask.all())}
        parameters = {name for name, _ in network.named_parameters()}
        for entry, owner in self.wiring.belongings.items():
            alive = living_neurons(genotype.masks[owner], self.wiring.targets[owner])
            if entry in parameters and not bool(alive.all()):
                masks[entry] = alive
        return Phenotype(network, masks)

    def absorb(self, phenotype: Phenotype) -> Genotype:
        """Return the weights and buffers of a phenotype as a settled genotype."""
        state = {n: value.detach().clone() for n, value in phenotype.network.state_dict().items()}
        masks = {
            name: phenotype.masks.get(name, torch.ones_like(state[name], dtype=torch.bool))
            for name in self.evolvable
        }
        return settle(Genotype(masks, state), self.wiring)

    def home(self, phenotype: Phenotype, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors that are shaped like the phenotype's parameters, as the ancestor's."""
        return {name: values[name] for name in self.evolvable}

    def costs(self, genotype: Genotype) -> dict[str, float]:
        """Return the sizes of an individual.

        ``synapses`` are present entries of evolvable parameters. ``parameters`` adds what belongs
        to living neurons (biases, normalisation) and all parameters that do not evolve.
        """
        present = self._present(genotype.masks)
        total = sum(present.get(name, p.numel()) for name, p in self.network.named_parameters())
        return {"synapses": float(genotype.synapses), "parameters": float(total)}

    def _present(self, masks: Masks) -> dict[str, int]:
        present = {name: int(mask.sum()) for name, mask in masks.items()}
        for entry, owner in self.wiring.belongings.items():
            present[entry] = int(living_neurons(masks[owner], self.wiring.targets[owner]).sum())
        return present

    def to(self, device: torch.device) -> Anatomy:
        """Return the same anatomy with its wiring on a device, where genotypes will be."""
        wiring = Wiring(
            {name: value.to(device) for name, value in self.wiring.sources.items()},
            {name: value.to(device) for name, value in self.wiring.targets.items()},
            self.wiring.fed.to(device),
            self.wiring.read.to(device),
            self.wiring.belongings,
        )
        return attrs.evolve(self, wiring=wiring)


def survey(
    network: nn.Module, example_inputs: tuple[Tensor, ...], evolvable: Sequence[str]
) -> Anatomy:
    """Return the anatomy of an ancestor; done once a run.

    Args:
        network: any module; it is copied, never changed.
        example_inputs: inputs for one forward pass.
        evolvable: names of the parameters whose synapses may evolve.

    Raises:
        TaskError: a name is not a parameter with at least two axes, or there is none.
    """
    own = copy.deepcopy(network).cpu()
    shapes = _evolvable_shapes(own, evolvable)
    wiring, barriers = trace(own, example_inputs, tuple(shapes))
    return Anatomy(own, shapes, wiring, barriers)


def _evolvable_shapes(network: nn.Module, evolvable: Sequence[str]) -> dict[str, torch.Size]:
    parameters = dict(network.named_parameters())
    tied = dict(network.named_parameters(remove_duplicate=False))
    shapes: dict[str, torch.Size] = {}
    for name in evolvable:
        if name not in tied or tied[name].ndim < 2:
            found = f"has shape {tuple(tied[name].shape)}" if name in tied else "does not exist"
            raise TaskError(
                f"parameter {name!r} cannot evolve: it {found}; wanted a weight with at least "
                f"two axes.{close_match(name, tied)}"
            )
        if name in parameters:  # a tied weight evolves once, under its first name
            shapes[name] = parameters[name].shape
    if not shapes:
        raise TaskError(
            "the ancestor has no parameter that may evolve: wanted a convolution or linear layer "
            "before the last one. Name them with the task's `evolvable`."
        )
    return shapes
