"""No training: an offspring is judged as it was drawn."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any, ClassVar

import attrs
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.evidence import Call, by_loss_or_metrics
from evoframe.kernel.key import sealed
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.rungs import PAUSABLE
from evoframe.roles import Training, doc
from evoframe.strategies.training.alone import unless_alone


@attrs.frozen
class Untrained(Training):
    """Trains nothing, and only re-estimates batch-norm statistics."""

    name: ClassVar[str] = "none"
    traits: ClassVar[frozenset[str]] = frozenset({PAUSABLE})

    batches: int = attrs.field(
        default=20,
        validator=attrs.validators.ge(1),
        metadata=doc("training batches for re-estimating batch-norm statistics"),
    )

    def train(self, phenotype: Phenotype, context: Context) -> TrainingResult:
        """Return the phenotype with its weights as they are.

        A draw shifts the mean and variance of every layer, so a network with running statistics
        would be judged by those of another network unless they are measured again.
        """
        layers = [
            module
            for module in phenotype.network.modules()
            if isinstance(module, _BatchNorm) and module.running_mean is not None
        ]
        if layers:
            measured = partial(self._reestimate, layers, phenotype, context)
            by_loss_or_metrics(context.task, measured)
        return TrainingResult(phenotype, 0, math.nan)

    @torch.no_grad()
    def _reestimate(
        self, layers: list[Any], phenotype: Phenotype, context: Context, call: Call
    ) -> None:
        momenta = [layer.momentum for layer in layers]
        # Only norms are in training mode: without dropout they measure what will be evaluated.
        phenotype.network.eval()
        for layer in layers:
            layer.train()
            layer.reset_running_stats()
            layer.momentum = None  # a plain average over all batches
        try:
            measured = self._passes(phenotype, context, call)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
        if not measured:
            raise TaskError(
                f"task {context.task.name!r} has no training batch that statistics of batch norm "
                "could be measured on: it needs two examples."
            )

    def _passes(self, phenotype: Phenotype, context: Context, call: Call) -> bool:
        """Take forward passes by a call; return whether norms have measured any of them."""
        task, key, measured = context.task, context.key.at("training", "statistics"), False
        with sealed(key):
            for batch in itertools.islice(task.batches("train", shuffle=key), self.batches):
                here = devices.move(batch, context.device)
                step = partial(call, phenotype.network, here)
                found = unless_alone(phenotype.network, task.examples_in(batch), step)
                measured = measured or found is not None
        return measured
