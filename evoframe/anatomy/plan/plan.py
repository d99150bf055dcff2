"""Plan: how a smaller network is built, as far as rules allow; nothing of it has been tried yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.size_attribute import Numbers, SizeAttribute
from evoframe.anatomy.plan.blocks import (
    Block,
    calls_without,
    gone,
    idle_of,
)
from evoframe.anatomy.plan.bundles import Bundles
from evoframe.anatomy.plan.check import Mismatch, mismatch
from evoframe.anatomy.plan.counting import Counting
from evoframe.anatomy.plan.cutting import Cut, cut, shape_cut
from evoframe.anatomy.plan.finding import find_blocks
from evoframe.anatomy.plan.growing import grow
from evoframe.anatomy.plan.memory import peak_bytes
from evoframe.anatomy.replacements import Idle
from evoframe.anatomy.trace.trace import Barrier, Trace
from evoframe.kernel.modules.entries import state_of, tensors_of
from evoframe.kernel.widths import Width, bounds_of
from evoframe.kernel.wiring import Holding, Wiring


@attrs.frozen(eq=False)
class Plan:
    """What rules allow: which channels may leave an ancestor, and what they take with them.

    Attributes:
        body: the ancestor's module on the meta device.
        evolvable: shapes of the parameters whose synapses may evolve.
        trace: what its forward passes have shown.
        bundles: which channels can be removed together.
        size_attributes: numbers in attributes of modules that count channels.
        barriers: operations at which channels are kept, each with its reason.
        blocks: branches that can leave as a whole, where their channels are not kept.
        block_barriers: why other branches, or these, cannot.
    """

    body: nn.Module
    evolvable: Mapping[str, torch.Size]
    trace: Trace
    bundles: Bundles
    size_attributes: tuple[SizeAttribute, ...]
    barriers: tuple[Barrier, ...]
    blocks: tuple[Block, ...] = ()
    block_barriers: tuple[Barrier, ...] = ()

    @classmethod
    def of(
        cls,
        body: nn.Module,
        evolvable: Mapping[str, torch.Size],
        trace: Trace,
        *,
        keep: Sequence[str] = (),
        at_least: float = 1,
        multiple: int = 1,
        widths: Mapping[str, Width] | None = None,
    ) -> Plan:
        """Return the plan of a trace.

        Args:
            body: the ancestor's module on the meta device.
            evolvable: shapes of the parameters whose synapses may evolve.
            trace: of forward passes of the body.
            keep: parameters that keep all their output channels.
            at_least: how many output channels every layer keeps, dead ones if need be; below 1, the
                share of them.
            multiple: what the number of a layer's output channels is rounded up to.
            widths: what is said of single layers, by pattern.

        Raises:
            ConfigError: a pattern that matches no layer, or patterns that contradict each other.
        """
        channels = trace.channels
        asleep = ((one.name, one.outputs) for one in trace.asleep)
        for name, outputs in (*trace.targets.items(), *asleep):
            if name in keep:
                channels.keep(outputs)
        blocks, stay = find_blocks(body, trace)
        for block in blocks:
            if not block.inside_is_free_of(keep):
                channels.keep(torch.tensor([block.channel]))
        # Targets broadcast to the weight: in a grouped layer a channel is in them many times.
        layers = {name: torch.unique(signal) for name, signal in trace.targets.items()}
        order = {name: index for index, name in enumerate(layers)}
        bundles = Bundles(
            classes=channels.classes(),
            kept=channels.flags(channels.kept),
            grids=tuple(channels.grids),
            layers=tuple(layers.values()),
            at_least=at_least,
            multiple=multiple,
            others=tuple(one.outputs for one in trace.asleep if not one.is_table),
            wider=tuple(channels.wider),
            bounds={order[one.name]: one for one in bounds_of(widths or {}, layers)},
        )
        counted = tuple(channels.size_attributes)
        return cls(
            body, evolvable, trace, bundles, counted, trace.barriers, tuple(blocks), tuple(stay)
        )

    def wiring(self) -> Wiring:
        """Return the wiring of the ancestor: which channels each synapse joins.

        Buffers outside the state dict are cut with their channels, but are no part of a genotype.
        """
        channels, lasting = self.trace.channels, state_of(self.body).keys()
        return Wiring(
            sources=self.trace.sources,
            targets=self.trace.targets,
            fed=channels.flags(channels.fed),
            read=channels.flags(channels.read),
            steps=tuple(channels.steps),
            holdings=tuple(
                one for one in (*channels.holdings, *self._held_by_blocks()) if one.entry in lasting
            ),
            recurs=channels.recurs,
            blocks=tuple(one.in_wiring() for one in self.blocks),
        )

    def _held_by_blocks(self) -> Iterator[Holding]:
        """Yield what lives and dies with blocks, and is no synapse."""
        for block in self.blocks:
            for entry in block.entries:
                if entry not in self.evolvable:
                    slices = len(self._entries[entry])
                    yield Holding(entry, 0, torch.full((slices,), block.channel))

    # --- a smaller network -------------------------------------------------------------------

    def keeping(self, staying: Tensor) -> dict[str, Cut]:
        """Return the cuts of all entries that lose something when these channels stay."""
        found: dict[str, list[Tensor | None]] = {}
        flags, lost = staying.numpy(), dict[int, Tensor | None]()
        for name, axis, slices in self._slices:
            if id(slices) not in lost:  # many entries lose the same
                lost[id(slices)] = _left(flags[slices.numpy()])
            if (left := lost[id(slices)]) is not None:
                found.setdefault(name, [None] * self._entries[name].ndim)[axis] = left
        for block in gone(self.blocks, staying):
            for name in block.entries:  # nothing is left of them
                rest: list[Tensor | None] = [None] * (self._entries[name].ndim - 1)
                found[name] = [torch.zeros(0, dtype=torch.int64), *rest]
        return {name: tuple(left) for name, left in found.items()}

    def numbers(self, staying: Tensor) -> Numbers:
        """Return the numbers in attributes that count channels, for the channels that stay."""
        without = gone(self.blocks, staying)
        of_idle = [one for block in without for one in block.sizes]
        return {one.key: one.count(staying) for one in (*self.size_attributes, *of_idle)}

    def idle(self, staying: Tensor) -> dict[str, Idle]:
        """Return the modules that compute nothing when these channels stay."""
        return idle_of(gone(self.blocks, staying))

    def build(self, staying: Tensor) -> nn.Module:
        """Return the network of these channels, on the device of the body."""
        values = dict(self._entries)
        for name, how in self.keeping(staying).items():
            whole = values[name]
            shape = shape_cut(whole.shape, how)
            values[name] = (  # without contents, cutting is nothing but another shape
                torch.empty(shape, dtype=whole.dtype, device="meta")
                if whole.is_meta
                else cut(whole, how)
            )
        return grow(self.body, values, self.numbers(staying), self.idle(staying))

    def check(self, staying: Tensor) -> Mismatch | None:
        """Return the first mismatch of a network of these channels; None if it runs as it should.

        Costs a forward pass without arithmetic for each that was traced, and no weights.
        """
        if not self.trace.knows_channels:  # nothing was learned, so nothing is ever cut
            return None
        network, without = self.build(staying), gone(self.blocks, staying)
        for number, due in enumerate(self.trace.passes):
            left = calls_without(due.calls, without)
            if (found := mismatch(network, due, staying, [call for _, call in left])) is not None:
                at = left[found.call][0] if found.call < len(left) else found.call
                return attrs.evolve(found, of=number, call=at)
        return None

    def channels_near(self, found: Mismatch) -> Tensor:
        """Return the channels that the failing call carries, or else one shortly before it."""
        calls = self.trace.passes[found.of].calls
        # A call that raised has no result, and constants carry no channel:
        # then the last few before it are where the sizes came from.
        for index in range(found.call, max(found.call - 4, -1), -1):
            results = calls[index].results if index < len(calls) else ()
            signals = [one.signal.reshape(-1) for one in results if one.signal is not None]
            if signals:
                return torch.cat(signals)
        return torch.zeros(0, dtype=torch.long)

    # --- what it costs -----------------------------------------------------------------------

    def costs_of_forward(self, staying: Tensor, network: nn.Module) -> dict[str, float]:
        """Return ``flops`` and ``activations`` (peak bytes) of a pass on the example inputs.

        Args:
            staying: the channels of the network, a bool for each.
            network: the network that :meth:`build` made of them.

        Returns:
            Nothing at all for a network that does not run on the meta device.
        """
        if not self.trace.passes:
            return {}
        first = self.trace.passes[0]
        peak = peak_bytes(network.train(first.training), first.inputs, first.answers)
        return {"flops": float(self.flops(staying)), "activations": float(peak)}

    def counted(self, staying: Tensor) -> dict[str, int]:
        """Return costs that follow from how many channels stay, a bool for each, without growing.

        Returns:
            ``parameters``, ``bytes`` and, if the network runs on the meta device, ``flops``.
        """
        return self._counting.costs(staying)

    def flops(self, staying: Tensor) -> int:
        """Return the FLOPs of a pass on the example inputs, from shapes alone."""
        return self.counted(staying)["flops"]

    def parameters(self, staying: Tensor) -> int:
        """Return the number of entries in all parameters of the network of these channels."""
        return self.counted(staying)["parameters"]

    # --- entries -----------------------------------------------------------------------------

    @cached_property
    def _entries(self) -> dict[str, Tensor]:
        return tensors_of(self.body)

    @cached_property
    def _counting(self) -> Counting:
        work = self.trace.passes[0].work if self.trace.passes else None
        return Counting(self.body, self._slices, self.blocks, work)

    @cached_property
    def _slices(self) -> list[tuple[str, int, Tensor]]:
        """Return every axis of an entry that can lose slices, with the channels of each slice.

        Equal ones are the same tensor.
        """
        found = [
            # (size of the axis,), or (size, channels) where
            # the rows of groups vary along it as well.
            (name, axis, signal.movedim(axis, 0).flatten(1).squeeze(1))
            for held in (self.trace.sources, self.trace.targets)
            for name, signal in held.items()
            for axis in _own_axes(signal)
        ]
        holdings = self.trace.channels.holdings
        found += [(one.entry, one.axis, one.channels) for one in holdings]
        same: dict[tuple[torch.Size, bytes], Tensor] = {}
        return [
            (name, axis, same.setdefault((one.shape, one.contiguous().numpy().tobytes()), one))
            for name, axis, one in found
        ]


def _left(flags: npt.NDArray[np.bool_]) -> Tensor | None:
    """Return the slices that stay, by bools for the channels of each; None if all do."""
    left = np.flatnonzero(flags.any(1) if flags.ndim > 1 else flags)
    return torch.from_numpy(left) if len(left) < len(flags) else None


def _own_axes(signal: Tensor) -> tuple[int, ...]:
    """Return the axes of a parameter that a signal cuts: all of its own for a plain layer.

    In a grouped layer the channels at one end also vary along the rows of their group, which the
    other end cuts.
    """
    axes = [axis for axis, size in enumerate(signal.shape) if size > 1]
    return tuple(axes[-1:]) if len(axes) > 1 else tuple(axes)
