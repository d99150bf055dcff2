"""Fan-in: fresh weights scaled to the inputs that are left (arXiv 2010.03533).

Initial weights have a variance that suits the number of inputs of a neuron. A neuron that keeps
n of its N inputs gets signals that are too small by sqrt(n / N), layer after layer, until nothing
is learned. Scaling its weights by sqrt(N / n) makes up for that.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Nurture


@attrs.frozen
class FanIn(Nurture):
    """Rescales fresh weights at birth to the remaining fan-in of each neuron.

    For lives that start from fresh or rewound weights: trained weights have their own scale.
    """

    name: ClassVar[str] = "fan-in"

    @torch.no_grad()
    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Scale the weights of every layer that evolves, in place, before the first epoch."""
        if epoch:
            return
        anatomy = context.anatomy
        parameters = dict(phenotype.network.named_parameters())
        for name, mask in anatomy.absorb(phenotype).masks.items():
            # In the ancestor's coordinates: the smaller network
            # no longer tells how many inputs there were.
            targets = anatomy.wiring.targets[name].expand_as(mask)
            count = len(anatomy.wiring.fed)
            whole = torch.bincount(targets.reshape(-1), minlength=count)
            left = torch.bincount(targets[mask], minlength=count).clamp(min=1)
            factor = (whole / left).sqrt()[targets]
            parameters[name].mul_(phenotype.cut(name, factor))
