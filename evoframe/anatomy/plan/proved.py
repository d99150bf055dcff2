"""Proved plan: a plan that was tried, to be relied on for any set of living channels."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.plan.blocks import gone
from evoframe.anatomy.plan.plan import Plan

ATTEMPTS = 8
"""How often channels are added to a network that would not run, before it gets all of them."""

REMEMBERED = 8
"""For how many sets of living channels it is remembered which network they make."""


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

        The same few sets are asked for again and again in a life, hence the memory.
        """
        key = alive.numpy().tobytes()
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                # The oldest: dictionaries keep the order in which they were filled.
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._buildable(self.plan.bundles.staying(alive))
        return self._known[key]

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
