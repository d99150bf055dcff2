"""Proved plan: a plan that was tried, to be relied on for any set of living channels."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan.blocks import gone
from evoframe.anatomy.plan.plan import Plan

ATTEMPTS = 8
"""How often channels are added to a network that would not run, before it gets all of them."""

REMEMBERED = 16
"""For how many sets of channels it is remembered with which a network of them runs."""


@attrs.frozen(eq=False)
class ProvedPlan:
    """A plan of which every small removal was tried; only ``evoframe.anatomy.proof`` makes one.

    Attributes:
        plan: what rules allow and probes have not refuted.
        refuted: whether numbers have refuted what shapes had left.
    """

    plan: Plan
    refuted: bool = False
    _known: dict[bytes, Tensor] = attrs.field(factory=dict, init=False, repr=False)

    def staying(self, alive: Tensor) -> Tensor:
        """Return the channels of the network in which these live; bools, one a channel.

        The same few sets are asked for again and again in a life, hence the memory; and where
        widths are rounded, many sets of living channels make one network.
        """
        least = self.plan.bundles.staying(alive)
        key = least.numpy().tobytes()
        found = self._known.pop(key, None)
        if found is None:
            found = self._buildable(least)
            if len(self._known) >= REMEMBERED:  # the one that nobody has asked for the longest
                self._known.pop(next(iter(self._known)))
        self._known[key] = found  # dictionaries keep the order in which they were filled
        return found

    def _buildable(self, staying: Tensor) -> Tensor:
        """Return the channels of a network that runs as it should, if need be more than these.

        The proof removes a few channels at a time. Where more of them together break the forward
        pass, those where it shows stay, in the end all; so there is always a network.
        """
        for _ in range(ATTEMPTS):
            found = self.plan.check(staying)
            if found is None:
                return staying
            more = staying.clone()
            # First with all blocks, of which anything may have been read that is not there.
            blocks = [one.channel for one in gone(self.plan.blocks, staying)]
            more[torch.tensor(blocks) if blocks else self.plan.channels_near(found)] = True
            # What failed carries no channel that could still
            # come back, so a further try would fail alike.
            if bool((more == staying).all()):
                break
            staying = self.plan.bundles.staying(more)
        return torch.ones_like(staying)
