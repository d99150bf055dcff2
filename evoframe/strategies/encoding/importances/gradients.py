"""Importances of gradients: what turning a bundle off does to the loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from evoframe.strategies.encoding.importances.subject import Subject
from evoframe.strategies.encoding.membership import Scores, Side


def taylor(subject: Subject) -> Scores:
    """Return the sums of sizes of weight times mean gradient, over rows and columns."""
    own = subject.parameters
    sums, seen = {name: torch.zeros_like(value) for name, value in own.items()}, 0
    for loss in subject.losses():
        for name, value in subject.gradients(loss).items():
            sums[name] += value
        seen += 1
    felt = {name: (own[name] * value).abs() / max(seen, 1) for name, value in sums.items()}
    return subject.total(felt, subject.members.of("writes", "reads", "adds"))


def fisher(subject: Subject) -> Scores:
    """Return the mean squares of what turning each bundle off does to the loss of one example."""
    own, gates = subject.parameters, subject.members.gates()
    total, seen = np.zeros(subject.members.count), 0
    for loss in subject.losses(alone=True):
        slopes = {name: own[name] * value for name, value in subject.gradients(loss).items()}
        total += subject.total(slopes, gates) ** 2
        seen += 1
    return total / max(seen, 1)


def hessian_vector(subject: Subject) -> Scores:
    """Return the sizes of what turning each bundle off does to the loss, to second order."""
    count, gates = subject.members.count, subject.members.gates()
    own, key = subject.parameters, subject.evidence.context.key.at("signs")
    change, seen = np.zeros(count), 0
    with sdpa_kernel(SDPBackend.MATH):  # others know no second derivative
        for loss in subject.losses():
            signs = torch.from_numpy(key.at(seen).words(count).astype(np.int64) % 2 * 2.0 - 1.0)
            slopes = subject.gradients(loss, graph=True)
            turned = _turned(own, gates, signs)
            along = torch.stack([(slopes[name] * turned[name]).sum() for name in turned]).sum()
            bends = subject.gradients(along)
            first = subject.total({n: own[n] * slopes[n] for n in turned}, gates)
            second = subject.total({n: own[n] * bends[n] for n in turned}, gates)
            change += second * signs.numpy() / 2 - first
            seen += 1
    return np.abs(change) / max(seen, 1)


def _turned(own: dict[str, Tensor], gates: tuple[Side, ...], signs: Tensor) -> dict[str, Tensor]:
    """Return the weights of gates, each with the sign of its bundle; 0 where it is of none."""
    padded = torch.cat([signs, signs.new_zeros(1)])  # the last is that of nobody
    found: dict[str, Tensor] = {}
    for side in gates:
        value = own[side.entry].detach()
        turned = value * padded.to(value)[side.labels]
        found[side.entry] = found.get(side.entry, torch.zeros_like(value)) + turned
    return found
