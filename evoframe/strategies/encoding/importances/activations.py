"""The importance of activations: how large what is given to readers is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from torch import Tensor, nn

from evoframe.kernel.evidence import Call, by_loss_or_metrics
from evoframe.roles.task import WITH_SYNAPSES
from evoframe.strategies.encoding.importances.subject import Labels, Subject, quotient
from evoframe.strategies.encoding.membership import NOBODY, Scores, Side, axis_of_inputs


def activation(subject: Subject) -> Scores:
    """Return the mean sizes of what is given to the readers of each bundle."""
    return by_loss_or_metrics(subject.evidence.context.task, partial(_activation, subject))


def _activation(subject: Subject, call: Call) -> Scores:
    count, sides = subject.members.count, {one.entry: one for one in subject.members.of("reads")}
    total, seen = np.zeros(count), np.zeros(count)

    def watch(side: Side, layer: nn.Module) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        labels = _labels_of_inputs(side, layer)
        # Linear layers have their channels last, others before the axes of their kernels.
        axis = -1 if isinstance(layer, nn.Linear) else 1 - side.labels.ndim

        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            sizes = inputs[0].detach().double().abs().movedim(axis, 0).flatten(1).mean(1)
            mine = labels != NOBODY
            total[:] += np.bincount(labels[mine], sizes.cpu().numpy()[mine], minlength=count)
            seen[:] += np.bincount(labels[mine], minlength=count)

        return hook

    handles = [
        layer.register_forward_pre_hook(watch(sides[f"{name}.weight"], layer))
        for name, layer in subject.phenotype.network.named_modules()
        if isinstance(layer, WITH_SYNAPSES) and f"{name}.weight" in sides
    ]
    try:
        subject.passes(call)
    finally:
        for handle in handles:
            handle.remove()
    return quotient(total, seen)


def _labels_of_inputs(side: Side, layer: nn.Module) -> Labels:
    """Return the bundle of every input channel of a layer, in order."""
    groups, axis = int(getattr(layer, "groups", 1)), axis_of_inputs(layer)
    # Positions may stand where a layer has its inputs: then one label, of nobody, is for them all.
    ends = layer.get_parameter("weight").shape[:2]
    labels = side.labels.expand(*ends, *side.labels.shape[2:]).flatten(1)
    if axis == 0 or groups == 1:  # all of a row or of a column read the same
        labels = labels.select(1 - axis, 0)
    else:  # each group of rows reads channels of its own
        labels = labels[:: len(labels) // groups]
    found: Labels = labels.reshape(-1).cpu().numpy()
    return found
