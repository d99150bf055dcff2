"""Anatomy: genotypes become networks by slicing alone, and networks come home."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.plan import ProvedPlan
from evoframe.anatomy.plan.blocks import Block, gone
from evoframe.anatomy.plan.blueprint import Blueprint, entries_of
from evoframe.anatomy.plan.bundles import Bundles
from evoframe.anatomy.plan.calling import calls_of
from evoframe.anatomy.plan.cutting import cut, cuts_on, uncut
from evoframe.anatomy.plan.growing import grow
from evoframe.anatomy.plan.hooks import carry_hooks
from evoframe.anatomy.plan.masking import masks_inside, slices_inside
from evoframe.anatomy.plan.removable import removable
from evoframe.anatomy.plan.trained import trained_state
from evoframe.anatomy.replacements import replaced, restore
from evoframe.anatomy.trace import Barrier
from evoframe.costs.bytes import bytes_of
from evoframe.costs.table import LatencyTable
from evoframe.kernel.clusters import Kind, Partition, partition
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.living import living_channels
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.modules.entries import passing_of, state_of
from evoframe.kernel.numbers import require_numbers
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.settling import settle
from evoframe.kernel.tensors.passes import copied
from evoframe.kernel.widths import Bound
from evoframe.kernel.wiring import Wiring


@attrs.frozen(eq=False)
class Anatomy:
    """What a survey learned about an ancestor, and has proved.

    Attributes:
        network: the ancestor's module; never changed.
        proved: the proved plan: which channels leave together, and how smaller networks are built.
        wiring: how synapses join channels, on the device of genotypes.
        inputs: example inputs, on the meta device.
        untried: why removals were not tried by numbers, in evaluation and in training, in words;
            empty if they were.
        error: with ``approximate``, the largest distance of outputs that was measured on the
            example inputs, as a share of the largest one; None where nothing was measured.
        table: of milliseconds, by which the latency of networks is told; None without.
    """

    network: nn.Module
    proved: ProvedPlan
    wiring: Wiring
    inputs: Arguments
    untried: str = ""
    error: float | None = None
    table: LatencyTable | None = None
    _partitions: dict[Kind, Partition] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def bundles(self) -> Bundles:
        """Which channels can be removed together."""
        return self.proved.plan.bundles

    @property
    def barriers(self) -> tuple[Barrier, ...]:
        """Operations at which channels are kept, each with its reason."""
        return self.proved.plan.barriers

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Branches that may leave as a whole."""
        plan = self.proved.plan
        return tuple(one for one in plan.blocks if not plan.bundles.kept[one.channel])

    @property
    def block_barriers(self) -> tuple[Barrier, ...]:
        """Branches that stay, each with its reason."""
        return self.proved.plan.block_barriers

    def left(self, genotype: Genotype) -> tuple[Block, ...]:
        """Return the blocks that the network of a settled genotype is without."""
        return tuple(gone(self.proved.plan.blocks, self.channels(genotype)))

    @property
    def evolvable(self) -> Mapping[str, torch.Size]:
        """Shapes of the parameters whose synapses may evolve."""
        return self.proved.plan.evolvable

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Between which widths single layers stay, as a person said."""
        return tuple(self.bundles.bounds.values())

    @property
    def removable(self) -> Tensor:
        """Which channels can leave; a bool for each, on the CPU."""
        return removable(self.bundles, self.wiring)

    def to(self, device: torch.device) -> Anatomy:
        """Return the same anatomy for genotypes on a device."""
        return attrs.evolve(self, wiring=self.wiring.to(device))

    # --- genotypes ---------------------------------------------------------------------------

    def genotype(self) -> Genotype:
        """Return the ancestor's own genotype: every synapse present, weights as they are.

        Raises:
            TaskError: the ancestor was surveyed without weights, on the meta device.
        """
        require_numbers(self.network)
        state = {name: one.detach().cpu().clone() for name, one in state_of(self.network).items()}
        masks = {name: torch.ones(size, dtype=torch.bool) for name, size in self.evolvable.items()}
        return Genotype(masks, state)

    def clusters(self, kind: Kind) -> Partition:
        """Return the synapses sorted into clusters, on the device of genotypes."""
        if kind in self._partitions:
            return self._partitions[kind]
        device = self.wiring.fed.device
        classes, kept = self.bundles.classes.to(device), ~self.removable.to(device)
        found = partition(kind, self.wiring, classes, kept)
        if found.channels is not None:  # as small as the channels are few; kernels are many
            self._partitions[kind] = found
        return found

    # --- a genotype becomes a network ----------------------------------------------------------

    def develop(
        self,
        genotype: Genotype,
        within: Tensor | None = None,
        *,
        spent: Collection[str] = frozenset(),
    ) -> Phenotype:
        """Return the network that a settled genotype describes, physically smaller.

        Channels without life are cut away as far as tensors stay rectangular and the forward pass
        gives, on the meta device, the shapes that it should; what remains dead inside is masked.

        Args:
            genotype: masks and weights in the ancestor's coordinates.
            within: channels that the network has as well, bools; what is dead of them is masked.
            spent: entries that nobody will use any more, so their memory may be taken over.
        """
        alive, staying = self._living(genotype)
        if within is not None:
            staying = self.proved.staying(staying | within)
        plan, device = self.proved.plan, next(iter(genotype.masks.values())).device
        # Plans are on the CPU; genotypes may be on another device.
        here = plan.keeping(staying)
        cuts = cuts_on(here, device)
        values = {
            name: cut(value.to(device), cuts[name])
            if name in cuts
            else (Tensor.detach if name in spent else copied)(value.to(device))
            for name, value in self._values(genotype).items()
        }
        network = restore(grow(self._body, values, plan.numbers(staying), plan.idle(staying)))
        carry_hooks(self.network, network, cuts)
        masks = masks_inside(genotype.masks, cuts)
        for name, flags in slices_inside(alive, here, self._body, self.wiring).items():
            masks[name] = masks[name] & flags if name in masks else flags
        return Phenotype(network, masks, cuts)

    def blueprint(self, genotype: Genotype) -> Blueprint:
        """Return the blueprint of a settled genotype's network, to build it without a survey."""
        _, staying = self._living(genotype)
        plan = self.proved.plan
        network = restore(plan.build(staying))
        idle = plan.idle(staying)
        return Blueprint(entries_of(self._body), plan.numbers(staying), replaced(network), idle)

    def channels(self, genotype: Genotype) -> Tensor:
        """Return the channels of the network of a settled genotype; a bool for each."""
        return self._living(genotype)[1]

    def network_of(self, alive: Tensor, *, tried: bool = True) -> Tensor:
        """Return the channels of the network in which channels live; bools, one a channel.

        Args:
            alive: bools on the CPU, one a channel.
            tried: whether it is tried that it runs, so that it has more channels if it does not.
        """
        return self.proved.staying(alive) if tried else self.bundles.staying(alive)

    def costs(self, genotype: Genotype, names: Collection[str] | None = None) -> dict[str, float]:
        """Return the sizes of an individual.

        ``synapses`` are present entries of evolvable parameters; ``bundles`` are the sets of
        channels with synapses that are left and can still go; ``parameters`` are all entries of
        all parameters of its network, masked ones included; ``bytes`` are those of its weights
        and buffers on disk; ``flops`` and ``activations`` (peak bytes) are those of a forward
        pass on the example inputs, and missing if that does not run on the meta device;
        ``latency`` is in seconds, by the table, and missing without one.

        Args:
            genotype: a settled one.
            names: of the sizes that are wanted; all if not given, and maybe more.
        """
        return self.costs_of(self.channels(genotype), genotype.synapses, names)

    def costs_as_given(self) -> dict[str, float]:
        """Return the sizes of the network as it came, with channels that nobody reads."""
        everything = torch.ones_like(self.bundles.kept)
        return self.costs_of(everything, sum(size.numel() for size in self.evolvable.values()))

    def costs_of(
        self, there: Tensor, synapses: int, names: Collection[str] | None = None
    ) -> dict[str, float]:
        """Return the same of the network of some channels.

        Args:
            there: the channels of the network, a bool for each.
            synapses: how many are present.
            names: of the sizes that are wanted; all if not given, and maybe more.
        """
        if names is not None:
            told = self.counted(there, synapses)
            if told.keys() >= {*names}:
                return {name: told[name] for name in names}
        network = self.proved.plan.build(there)
        found = {
            "synapses": float(synapses),
            "bundles": float(self.bundles.count(there)),
            "parameters": float(sum(value.numel() for value in network.parameters())),
            "bytes": float(bytes_of(state_of(network))),
            **self.proved.plan.costs_of_forward(there, network),
        }
        if self.table is not None:
            recorder = calls_of(self.proved.plan, network, self.table.batch)
            found |= {} if recorder is None else {"latency": self.table.seconds(recorder.calls)}
        return found

    def counted(self, there: Tensor, synapses: int) -> dict[str, float]:
        """Return the same sizes, as far as they are told without growing the network."""
        counted = self.proved.plan.counted(there)
        return {"synapses": float(synapses)} | {name: float(n) for name, n in counted.items()}

    # --- a network comes home --------------------------------------------------------------------

    def absorb(self, phenotype: Phenotype, *, spent: bool = False) -> Genotype:
        """Return the weights and buffers of a phenotype as a settled genotype.

        Args:
            phenotype: a network that was trained.
            spent: nobody will use it any more, so its memory may be taken over.
        """
        taken = Tensor.detach if spent else copied
        whole = {name: value.shape for name, value in state_of(self._body).items()}
        state = {
            name: self._home(name, taken(value), phenotype, whole[name])
            for name, value in trained_state(phenotype, whole).items()
        }
        masks, within = {}, phenotype.masks
        parameters = dict(phenotype.network.named_parameters())
        for name, shape in self.evolvable.items():
            mask = within.get(name)
            if mask is None:
                # Nothing absent was left inside, so no mask
                # was needed: all that is there is present.
                mask = torch.ones_like(parameters[name], dtype=torch.bool)
            masks[name] = self._home(name, mask, phenotype, shape)
        return settle(Genotype(masks, state), self.wiring)

    def home(self, phenotype: Phenotype, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors that are shaped like the phenotype's parameters, as the ancestor's."""
        return {
            name: self._home(name, values[name], phenotype, shape)
            for name, shape in self.evolvable.items()
        }

    def _home(self, name: str, value: Tensor, phenotype: Phenotype, shape: torch.Size) -> Tensor:
        how = phenotype.cuts.get(name)
        return value if how is None else uncut(value, how, shape)

    # --- parts of a development ------------------------------------------------------------------

    @property
    def _body(self) -> nn.Module:
        return self.proved.plan.body

    def _living(self, genotype: Genotype) -> tuple[Tensor, Tensor]:
        """Return the channels that are alive in a genotype, and those that its network has."""
        alive = living_channels(genotype.masks, self.wiring).cpu()
        return alive, self.network_of(alive)

    def _values(self, genotype: Genotype) -> dict[str, Tensor]:
        """Return the state, with the buffers that a state dict leaves out."""
        # Non-persistent buffers are in no state dict, yet must be cut and moved like the others.
        return {**passing_of(self.network), **genotype.state}
