"""Masking: what is absent inside a smaller network, where tensors have to stay rectangular."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn

from evoframe.anatomy.plan.cutting import Cut, cut, shape_cut
from evoframe.kernel.tensors.flags import are_all, how_many_each
from evoframe.kernel.wiring import Wiring


def masks_inside(masks: Mapping[str, Tensor], cuts: Mapping[str, Cut]) -> dict[str, Tensor]:
    """Return masks of those parameters that have all of their entries, but not all synapses.

    Args:
        masks: of a settled genotype.
        cuts: what is cut off its parameters, on its device.
    """
    found: dict[str, Tensor] = {}
    present = how_many_each(masks.values())
    for (name, mask), count in zip(masks.items(), present, strict=True):
        # All that is present was kept, so as many present
        # as entries left means that none is absent.
        if count < math.prod(shape_cut(mask.shape, cuts.get(name))):
            found[name] = cut(mask, cuts[name]) if name in cuts else mask
    return found


def slices_inside(
    alive: Tensor, cuts: Mapping[str, Cut], body: nn.Module, wiring: Wiring
) -> dict[str, Tensor]:
    """Return masks of those parameters that have slices of dead channels, on the wiring's device.

    A dead channel that stays for its neighbours' sake has a bias too, which must not come to life.

    Args:
        alive: the channels that live, a bool for each, on the CPU.
        cuts: what is cut off parameters, on the CPU.
        body: the ancestor's module.
        wiring: of the ancestor.
    """
    parameters, found = dict(body.named_parameters()), dict[str, Tensor]()
    for holding in wiring.host.holdings:
        if holding.entry not in parameters:
            continue
        living, how = alive[holding.channels], cuts.get(holding.entry)
        if not math.prod(shape_cut(parameters[holding.entry].shape, how)):
            continue  # of an idle module's
        if how is not None and (left := how[holding.axis]) is not None:
            living = living[left]
        if not are_all(living):
            rank = parameters[holding.entry].ndim
            slices = living.reshape([-1 if at == holding.axis else 1 for at in range(rank)])
            slices = slices.to(wiring.fed.device)
            found[holding.entry] = (
                found[holding.entry] & slices if holding.entry in found else slices
            )
    return found
