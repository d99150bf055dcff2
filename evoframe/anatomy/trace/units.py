"""Units: the channels of recurrent layers, which feed themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from evoframe.anatomy.channels.channels import Channels
from evoframe.anatomy.rules import Unknown
from evoframe.anatomy.trace.entries import Entries
from evoframe.anatomy.trace.synapses import Synapses


class Layer(NamedTuple):
    """A recurrent layer, one direction of it.

    Attributes:
        incoming: the channels that it reads besides its own.
        units: its own.
        outs: what it gives: its units, or what they are projected to.
    """

    incoming: Tensor
    units: Tensor
    outs: Tensor


class Units:
    """Grows with every recurrent layer that is called; one that is called again is the same."""

    def __init__(self, channels: Channels, entries: Entries, synapses: Synapses) -> None:
        self._channels, self._entries, self._synapses = channels, entries, synapses
        self._layers: dict[tuple[str, ...], Layer] = {}

    def recurrence(
        self, incoming: Tensor | None, weights: Sequence[Tensor], *, biased: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the units of a recurrent layer, and the channels that it gives.

        Args:
            incoming: the channels that it reads besides its own; None if they are no channels.
            weights: of the input, of what it gave, two biases if it has any, and that of the
                projection if it gives one.
            biased: whether there are biases.

        Raises:
            Unknown: weights are computed.
        """
        matrices = [*weights[:2], *weights[4 if biased else 2 :]]
        names = self._names(matrices)
        if (known := self._layers.get(names)) is None:
            known = self._layers[names] = self._new(incoming, names, matrices)
            for bias in weights[2:4] if biased else ():
                self._synapses.hold_bias(bias, self._rows(matrices, known))
        elif incoming is None:  # something else goes where channels went before, or goes again
            self._channels.pin(known.incoming)
        else:
            self._channels.write(known.incoming, incoming)
        return known.units, known.outs

    def _names(self, matrices: Sequence[Tensor]) -> tuple[str, ...]:
        found = [self._entries.entry(one) for one in matrices]
        names = tuple(one[0] for one in found if one is not None and one[1] == (0, 1))
        if len(names) < len(found):
            raise Unknown("a recurrent layer's weights are computed")
        return names

    def _new(
        self, incoming: Tensor | None, names: tuple[str, ...], matrices: Sequence[Tensor]
    ) -> Layer:
        """Return a layer that is called for the first time, its synapses between its channels."""
        channels = self._channels
        if incoming is None:
            incoming = channels.new(matrices[0].shape[1], fed=True)
            channels.keep(incoming)
        units = outs = channels.new(matrices[-1].shape[1], fed=False)
        if len(matrices) > 2:
            outs = channels.new(matrices[1].shape[1], fed=False)
            # Torch tells a projection by its being narrower.
            channels.wider.append((units, outs))
        layer = Layer(incoming, units, outs)
        rows = self._rows(matrices, layer)
        ends = ((incoming, rows), (outs, rows), (units, outs))
        for name, (ins, written) in zip(names, ends, strict=False):
            self._synapses.place(name, ins, written)
        channels.recurs = True
        return layer

    def _rows(self, matrices: Sequence[Tensor], layer: Layer) -> Tensor:
        """Return the channels that rows of weights write: gate below gate, each of all units."""
        return layer.units.repeat(len(matrices[0]) // len(layer.units))
