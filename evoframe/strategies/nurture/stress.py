"""Stress: synapses that would not survive the next draw are weakened during training.

    w <- w where u <= P(s | w),   gamma * w elsewhere,   u ~ U(0, 1)

StressedNets (1801.05387) and its forerunner (ICCVW 2017) impose "stress signals" on synapses in
training so that a network "adapts itself for the changes which would happen at the evolution
step". The function itself is not known to us: this is a reconstruction in which the signal is a
draw from the synaptic model, of clusters too if so wished.

Stress comes between epochs: after the last one nothing could heal it any more.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import torch

from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.drawing.synthesis import draw
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Encoding, Nurture, doc
from evoframe.strategies.encoding import Cluster, Synaptic


@attrs.frozen
class Stress(Nurture):
    """Weakens synapses that a random draw would remove, between epochs."""

    name: ClassVar[str] = "stress"
    traits: ClassVar[frozenset[str]] = frozenset({"stochastic"})

    factor: float = attrs.field(
        default=0.8,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("factor of stressed weights (gamma); 0 silences them, 1 does nothing"),
    )
    of: Literal["synapse", "kernel", "filter", "bundle"] = attrs.field(
        default="synapse",
        metadata=doc("draw synapses only, or clusters of this kind first and then their synapses"),
    )
    temperature: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata=doc("temperature of the draw; 1 is the papers'"),
    )
    every: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("number of epochs between stress signals"),
    )
    relief: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share by which the stress decreases from signal to signal"),
    )

    @torch.no_grad()
    def before_epoch(self, phenotype: Phenotype, context: Context, epoch: int) -> None:
        """Weaken, in place, what a draw from the weights as they are now would not let live."""
        if epoch == 0 or epoch % self.every:
            return
        signal = context.at("stress", epoch)
        genotype = context.anatomy.absorb(phenotype)
        inheritance = Inheritance(genotype.masks, genotype.strengths(), genotype.state)
        dna = self._encoding.encode(inheritance, Evidence(inheritance, signal), signal)
        surviving = draw(dna, signal.key)
        factor = self.factor_at(epoch // self.every)
        parameters = dict(phenotype.network.named_parameters())
        for name, mask in surviving.items():
            stressed = ~phenotype.cut(name, mask)
            # ``where`` instead of a product with ones: what survives keeps its bits.
            parameters[name].copy_(
                torch.where(stressed, parameters[name] * factor, parameters[name])
            )

    def factor_at(self, signal: int) -> float:
        """Return the factor by which a signal of a life, the first is 1, weakens weights."""
        return 1 - (1 - self.factor) * (1 - self.relief) ** (signal - 1)

    @property
    def _encoding(self) -> Encoding:
        if self.of == "synapse":
            return Synaptic(temperature=self.temperature)
        return Cluster(
            of=self.of, temperature=self.temperature, cluster_temperature=self.temperature
        )
