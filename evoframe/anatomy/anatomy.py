"""The body plan of an ancestor: which synapses it has and how genotypes become networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy import costs
from evoframe.anatomy.blueprint import Blueprint, entries_of, tensors_of
from evoframe.anatomy.bundles import Bundles
from evoframe.anatomy.channels import Follower
from evoframe.anatomy.growing import Numbers, Places, cut, grow, uncut
from evoframe.anatomy.proving import Objection, near_to, shapes_agree
from evoframe.anatomy.tracing import Barrier, Trace
from evoframe.kernel.clusters import Kind, Partition, partition
from evoframe.kernel.flags import how_many
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.wiring import Wiring, living_channels, settle

ATTEMPTS = 8
"""How often channels are added to a network that would not run, before it gets all of them."""

REMEMBERED = 8
"""For how many sets of living channels it is remembered which network they make."""


@attrs.frozen(eq=False)
class Anatomy:
    """What a survey learned about an ancestor.

    Attributes:
        network: the ancestor's module; never changed.
        body: the same on the meta device.
        evolvable: shapes of the parameters whose synapses may evolve.
        wiring: how their synapses join channels, on the device of genotypes.
        bundles: which channels can be removed together.
        barriers: operations at which channels are kept, each with its reason.
        seen: the forward pass that was watched.
        inputs: example inputs, on the meta device.
        followers: numbers in attributes of modules that say how many channels there are.
    """

    network: nn.Module
    body: nn.Module
    evolvable: Mapping[str, torch.Size]
    wiring: Wiring
    bundles: Bundles
    barriers: tuple[Barrier, ...]
    seen: Trace
    inputs: tuple[Any, ...]
    followers: tuple[Follower, ...] = ()
    _known: dict[bytes, Tensor] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def aliases(self) -> frozenset[str]:
        """Further names of tied parameters; a genotype holds them under their first name."""
        first = {name for name, _ in self.body.named_parameters()}
        every = {name for name, _ in self.body.named_parameters(remove_duplicate=False)}
        return frozenset(every - first)

    def genotype(self) -> Genotype:
        """Return the ancestor's own genotype: every synapse present, weights as they are."""
        state = {
            name: value.detach().cpu().clone()
            for name, value in self.network.state_dict().items()
            if name not in self.aliases
        }
        masks = {
            name: torch.ones(shape, dtype=torch.bool) for name, shape in self.evolvable.items()
        }
        return Genotype(masks, state)

    def clusters(self, kind: Kind) -> Partition:
        """Return the synapses sorted into clusters, on the device of genotypes."""
        device = self.wiring.fed.device
        classes, kept = self.bundles.classes.to(device), self.bundles.kept.to(device)
        return partition(kind, self.wiring, classes, kept)

    def develop(self, genotype: Genotype) -> Phenotype:
        """Return the network that a settled genotype describes, physically smaller.

        Channels without life are cut away as far as tensors stay rectangular and the forward pass
        gives, on the meta device, the shapes that it should; what remains dead inside is masked.

        Args:
            genotype: masks and weights in the ancestor's coordinates.
        """
        alive, staying = self._living(genotype)
        device = next(iter(genotype.masks.values())).device
        places = {name: _on(left, device) for name, left in self.places(staying).items()}
        values = {
            name: cut(value.to(device), places[name]) if name in places else value.clone()
            for name, value in self._values(genotype).items()
        }
        network = grow(self.body, values, self.numbers(staying))
        return Phenotype(network, self._masks(genotype, alive.to(device), places), places)

    def _living(self, genotype: Genotype) -> tuple[Tensor, Tensor]:
        """Return the channels that are alive in a genotype, and those that its network has."""
        alive = living_channels(genotype.masks, self.wiring).cpu()
        key = alive.numpy().tobytes()
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._buildable(self.bundles.closure(alive))
        return alive, self._known[key]

    def _buildable(self, staying: Tensor) -> Tensor:
        """Return the channels of a network that runs as it should, if need be more than these.

        The proof removes a few channels at a time. Where more of them together break the forward
        pass, those where it shows stay, in the end all; so there is always a network.
        """
        for _ in range(ATTEMPTS):
            objection = self.examine(staying)
            if objection is None:
                return staying
            more = staying.clone()
            more[near_to(self.seen, objection)] = True
            if bool((more == staying).all()):
                break
            staying = self.bundles.closure(more)
        return torch.ones_like(staying)

    def blueprint(self, genotype: Genotype) -> Blueprint:
        """Return how the network of a settled genotype differs from the ancestor's."""
        _, staying = self._living(genotype)
        return Blueprint(entries_of(self.body), self.numbers(staying))

    def numbers(self, staying: Tensor) -> Numbers:
        """Return what the attributes that follow say when these channels stay."""
        return {one.key: one.count(staying) for one in self.followers}

    def absorb(self, phenotype: Phenotype) -> Genotype:
        """Return the weights and buffers of a phenotype as a settled genotype."""
        shapes = {name: value.shape for name, value in self.body.state_dict().items()}
        aliases = self.aliases
        state = {
            name: self._home(name, value.detach().clone(), phenotype, shapes[name])
            for name, value in phenotype.network.state_dict().items()
            if name not in aliases
        }
        masks = {}
        parameters = dict(phenotype.network.named_parameters())
        for name, shape in self.evolvable.items():
            mask = phenotype.masks.get(name)
            if mask is None:
                mask = torch.ones_like(parameters[name], dtype=torch.bool)
            masks[name] = self._home(name, mask, phenotype, shape)
        return settle(Genotype(masks, state), self.wiring)

    def home(self, phenotype: Phenotype, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors that are shaped like the phenotype's parameters, as the ancestor's."""
        return {
            name: self._home(name, values[name], phenotype, shape)
            for name, shape in self.evolvable.items()
        }

    def costs(self, genotype: Genotype) -> dict[str, float]:
        """Return the sizes of an individual.

        ``synapses`` are present entries of evolvable parameters; ``bundles`` are the sets of
        channels with synapses that are left and can still go; ``parameters`` are all entries of
        all parameters of its network, masked ones included; ``bytes`` are those of its weights
        and buffers on disk; ``flops`` and ``activations`` (peak bytes) are those of a forward
        pass on the example inputs, and missing if that does not run on the meta device.
        """
        _, staying = self._living(genotype)
        body = self._body(staying)
        return {
            "synapses": float(genotype.synapses),
            "bundles": float(self.bundles.count(staying)),
            "parameters": float(sum(value.numel() for value in body.parameters())),
            "bytes": float(costs.bytes_of(body.state_dict())),
            **costs.of_forward(body.eval(), self.inputs),
        }

    def examine(self, staying: Tensor) -> Objection | None:
        """Return why a network of these channels would not run as it should; None if it would.

        Costs one forward pass without arithmetic, and no weights.
        """
        if not self.seen.shapes:  # nothing was learned, so nothing is ever cut
            return None
        return shapes_agree(self._body(staying), self.inputs, self.seen, staying)

    def _body(self, staying: Tensor) -> nn.Module:
        """Return the network of these channels on the meta device."""
        values = dict(self._entries)
        for name, left in self.places(staying).items():
            sizes = zip(values[name].shape, left, strict=True)
            shape = [size if some is None else len(some) for size, some in sizes]
            values[name] = torch.empty(shape, dtype=values[name].dtype, device="meta")
        return grow(self.body, values, self.numbers(staying))

    @cached_property
    def _entries(self) -> dict[str, Tensor]:
        return tensors_of(self.body)

    def to(self, device: torch.device) -> Anatomy:
        """Return the same anatomy for genotypes on a device."""
        return attrs.evolve(self, wiring=self.wiring.to(device))

    def _values(self, genotype: Genotype) -> dict[str, Tensor]:
        """Return state and the buffers that a state dict leaves out."""
        buffers = dict(self.network.named_buffers(remove_duplicate=False))
        return {**{name: value.detach() for name, value in buffers.items()}, **genotype.state}

    def places(self, staying: Tensor) -> dict[str, Places]:
        """Return what is left of every entry that loses something when these channels stay."""
        found: dict[str, list[Tensor | None]] = {}
        for name, axis, slices in self._slices:
            flags = staying[slices]
            left = (flags.any(1) if flags.ndim > 1 else flags).nonzero().squeeze(1)
            if len(left) < len(flags):
                found.setdefault(name, [None] * self._entries[name].ndim)[axis] = left
        return {name: tuple(left) for name, left in found.items()}

    @cached_property
    def _slices(self) -> list[tuple[str, int, Tensor]]:
        """Return every axis of an entry that can lose slices, with the channels of each slice."""
        found = [
            (name, axis, signal.movedim(axis, 0).flatten(1).squeeze(1))
            for held in (self.seen.sources, self.seen.targets)
            for name, signal in held.items()
            for axis in _own_axes(signal)
        ]
        holdings = self.seen.channels.holdings
        return [*found, *((one.entry, one.axis, one.channels) for one in holdings)]

    def _masks(
        self, genotype: Genotype, alive: Tensor, places: Mapping[str, Places]
    ) -> dict[str, Tensor]:
        masks: dict[str, Tensor] = {}
        for name, mask in genotype.masks.items():
            inside = places.get(name, (None,) * mask.ndim)
            sizes = zip(mask.shape, inside, strict=True)
            room = math.prod(size if some is None else len(some) for size, some in sizes)
            if how_many(mask) < room:  # all that a settled genotype has is inside
                masks[name] = cut(mask, inside)
        parameters = {name for name, _ in self.body.named_parameters()}
        for holding in self.wiring.holdings:
            if holding.entry not in parameters:
                continue
            living, left = alive[holding.channels], places.get(holding.entry)
            if left is not None and left[holding.axis] is not None:
                living = living[left[holding.axis]]
            if not bool(living.all()):
                rank = len(left) if left is not None else self._rank(holding.entry)
                shape = [-1 if at == holding.axis else 1 for at in range(rank)]
                slices = living.reshape(shape)
                masks[holding.entry] = masks.get(holding.entry, torch.ones_like(slices)) & slices
        return masks

    def _rank(self, name: str) -> int:
        return self.body.get_parameter(name).ndim

    def _home(self, name: str, value: Tensor, phenotype: Phenotype, shape: torch.Size) -> Tensor:
        places = phenotype.places.get(name)
        return value if places is None else uncut(value, places, shape)


def _own_axes(signal: Tensor) -> tuple[int, ...]:
    """Return the axes of a parameter that a signal cuts: all of its own for a plain layer.

    In a grouped layer the channels at one end also vary along the rows of their group, which the
    other end cuts.
    """
    axes = [axis for axis, size in enumerate(signal.shape) if size > 1]
    return tuple(axes[-1:]) if len(axes) > 1 else tuple(axes)


def _on(places: Places, device: torch.device) -> Places:
    return tuple(None if left is None else left.to(device) for left in places)
