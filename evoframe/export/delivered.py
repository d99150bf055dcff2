"""Delivered: a network of a run as it is handed over, with all that an export needs to know."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import nn

from evoframe.anatomy.plan.blueprint import Blueprint
from evoframe.kernel.genotype import Genotype, Masks
from evoframe.kernel.lasting import lasting, plain
from evoframe.kernel.modules.arguments import Arguments


@attrs.frozen(eq=False)
class Delivered:
    """The network of an individual, in evaluation mode, on the CPU.

    Attributes:
        identity: whose network.
        network: a module like any other.
        masks: of its parameters with absent entries; bool, true where one is present.
        genotype: from which it was grown.
        blueprint: how it differs from the whole architecture.
        inputs: the example inputs of its task.
        bits: of its layers, as the individual has noted them.
    """

    identity: str
    network: nn.Module
    masks: Masks
    genotype: Genotype
    blueprint: Blueprint
    inputs: Arguments
    bits: Mapping[str, int] = attrs.field(factory=dict)

    def lasting(self) -> nn.Module:
        """The network, from here on with absent entries that stay absent."""
        return lasting(plain(self.network), self.masks)
