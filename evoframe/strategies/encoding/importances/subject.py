"""What importances are told of: a network, its bundles, and data that it may be tried on."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoframe.kernel.evidence import Call, Evidence
from evoframe.kernel.phenotype import Phenotype
from evoframe.strategies.encoding.membership import Membership, Scores, Side

Labels = npt.NDArray[np.int64]
"""Clusters by their numbers."""


@attrs.frozen(eq=False)
class Subject:
    """A network whose bundles are judged, and what it may be tried on.

    Attributes:
        phenotype: the network, in evaluation mode; its parameters all ask for gradients.
        members: which entries belong to which bundle.
        evidence: has the batches.
        batches: how many of them.
        examples: how many examples, where they are taken one by one.
    """

    phenotype: Phenotype
    members: Membership
    evidence: Evidence
    batches: int
    examples: int

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters of the network by name."""
        return dict(self.phenotype.network.named_parameters())

    def total(self, values: dict[str, Tensor], sides: tuple[Side, ...]) -> Scores:
        """Return the sums of values over some sides of each bundle."""
        count = self.members.count
        return sum((one.totals(values[one.entry], count) for one in sides), np.zeros(count))

    def losses(self, *, alone: bool = False) -> Iterator[Tensor]:
        """Yield the loss of each batch, or of each example alone."""
        if alone:
            return self.evidence.losses(self.phenotype, batches=self.examples, batch_size=1)
        return self.evidence.losses(self.phenotype, batches=self.batches)

    def passes(self, call: Call) -> None:
        """Take a forward pass over each batch by a call, without gradients."""
        self.evidence.passes(call, self.phenotype, batches=self.batches)

    def gradients(self, loss: Tensor, *, graph: bool = False) -> dict[str, Tensor]:
        """Return the gradient of a loss by every parameter."""
        own = self.parameters
        found = torch.autograd.grad(
            loss, list(own.values()), create_graph=graph, materialize_grads=True
        )
        return dict(zip(own, found, strict=True))


def quotient(totals: Scores, seen: Scores) -> Scores:
    """Return means; NaN of none."""
    return np.where(seen > 0, totals / np.maximum(seen, 1), np.nan)
