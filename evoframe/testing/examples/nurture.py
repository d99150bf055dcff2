"""A strategy for evoframe, of the role nurture."""

import attrs
import torch

from evoframe.plugin import Nurture, doc, hookimpl


@attrs.frozen
class Clipping(Nurture):
    """Bounds the norm of the gradient."""

    name = "clipping"
    norm: float = attrs.field(default=1.0, metadata=doc("largest gradient norm"))

    def after_backward(self, phenotype, context, step):
        torch.nn.utils.clip_grad_norm_(phenotype.network.parameters(), self.norm)


@hookimpl
def evoframe_nurtures():
    return [Clipping]
