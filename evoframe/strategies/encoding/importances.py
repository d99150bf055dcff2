"""Importances of bundles: how much a network would miss what leaves it together.

A bundle is judged by all of its members: rows of weights that write it, columns that read it, and
what is its own. With w the weights and g the gradient of the loss, sums going over members:

    magnitude          sum w^2 over rows, columns and the scales of norms
    taylor             sum |w E[g]| over rows and columns, g of a batch (1906.10771)
    fisher             E[(sum w g)^2] over columns, g of one example (2108.00708)
    hessian-vector     |E[sum w g] - 1/2 w^T H w| over columns: the change to second order
    activation         mean E|a| of what is given to its readers
    batch-norm         mean |scale| of its batch norms (1708.06519)
    geometric-median   mean distance of its rows to the others of their layer (1811.00250)

The sum of w g over all columns that read a channel is the derivative of the loss by a factor of
that channel, so `fisher` and `hessian-vector` ask what turning it off does; where no weight reads
a channel, its rows and biases say the same. Biases, and the scales and shifts of norms, would only
repeat in `taylor` what columns say. The products w^T H w come from Hessian-vector products with a
random sign for each bundle, which leave its own block of H in the mean.

A residual block is asked by the parameters that write what it adds, or scale and shift that last:
sums of w g over them are the derivative of the loss by a factor of the whole branch. Importances
that know no gradients give it the mean of the bundles inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from evoframe.errors import TaskError
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles.task import WITH_SYNAPSES
from evoframe.strategies.encoding.membership import (
    NOBODY,
    Membership,
    Scores,
    Side,
    axis_of_inputs,
)

Importance = Literal[
    "magnitude",
    "taylor",
    "fisher",
    "hessian-vector",
    "activation",
    "batch-norm",
    "geometric-median",
]
"""How the importance of a bundle is told."""

Labels = npt.NDArray[np.int64]
"""Clusters by their numbers."""

OF_GATES: tuple[Importance, ...] = ("taylor", "fisher", "hessian-vector")
"""Importances that ask of a block what they ask of a channel: by what it adds."""

NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
"""Kinds of norms by what their names hold."""


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

    def gradients(self, loss: Tensor, *, graph: bool = False) -> dict[str, Tensor]:
        """Return the gradient of a loss by every parameter."""
        own = self.parameters
        found = torch.autograd.grad(
            loss, list(own.values()), create_graph=graph, materialize_grads=True
        )
        return dict(zip(own, found, strict=True))


def importance_of(kind: Importance, subject: Subject) -> Scores:
    """Return the importance of each bundle, at least 0; NaN where nothing tells.

    Raises:
        TaskError: the network has nothing by which this importance could be told.
    """
    scores = IMPORTANCES[kind](subject)
    if kind not in OF_GATES:
        scores = _of_insides(scores, subject.members)
    if np.isnan(scores).all():
        raise TaskError(
            f"encoding.importance = {kind!r} says nothing of any bundle of this network. "
            "Try 'taylor', or 'magnitude', which needs no data."
        )
    return scores


def _of_insides(scores: Scores, members: Membership) -> Scores:
    """Return scores in which each block has the mean of the bundles that are only in it."""
    found, first = scores.copy(), members.count - len(members.inside)
    for at, inside in enumerate(members.inside):
        own = scores[inside][~np.isnan(scores[inside])]
        found[first + at] = own.mean() if len(own) else np.nan
    return found


# --- of weights alone -----------------------------------------------------------------------------


def _magnitude(subject: Subject) -> Scores:
    squares = {name: value.detach().square() for name, value in subject.parameters.items()}
    scales = tuple(side for side in subject.members.of("owns") if _is_scale(side, NORMS))
    return subject.total(squares, (*subject.members.of("writes", "reads"), *scales))


def _batch_norm(subject: Subject) -> Scores:
    sizes = {name: value.detach().abs() for name, value in subject.parameters.items()}
    scales = tuple(side for side in subject.members.of("owns") if _is_scale(side, NORMS[:1]))
    return _mean(subject.total(sizes, scales), scales, subject.members.count)


def _geometric_median(subject: Subject) -> Scores:
    sides = subject.members.of("writes")
    total, seen = np.zeros(subject.members.count), np.zeros(subject.members.count)
    for side in sides:
        mine, distances = _distances(subject.parameters[side.entry], side)
        total[mine] += distances
        seen[mine] += 1
    return _quotient(total, seen)


def _distances(weight: Tensor, side: Side) -> tuple[Labels, Scores]:
    """Return the clusters that write a layer, and the mean distance of each one's entries."""
    labels = side.labels.expand_as(weight).reshape(-1)
    own, sizes = torch.unique(labels[labels != NOBODY], return_counts=True)
    if len(torch.unique(sizes)) != 1:  # rows of several lengths have no distances
        return np.zeros(0, np.int64), np.zeros(0)
    # Sorted by cluster, in the order of the layer inside each: (clusters, entries).
    order = labels.argsort(stable=True)[int((labels == NOBODY).sum()) :]
    rows = weight.detach().reshape(-1)[order].reshape(len(own), -1).double()
    return own.cpu().numpy(), torch.cdist(rows, rows).mean(1).cpu().numpy()


def _is_scale(side: Side, kinds: tuple[str, ...]) -> bool:
    """Tell whether a side is the scale of a norm of some kinds."""
    module, _, leaf = side.kind.partition(".")
    return leaf == "weight" and any(kind in module for kind in kinds)


# --- of gradients ---------------------------------------------------------------------------------


def _taylor(subject: Subject) -> Scores:
    own = subject.parameters
    sums, seen = {name: torch.zeros_like(value) for name, value in own.items()}, 0
    for loss in subject.losses():
        for name, value in subject.gradients(loss).items():
            sums[name] += value
        seen += 1
    felt = {name: (own[name] * value).abs() / max(seen, 1) for name, value in sums.items()}
    return subject.total(felt, subject.members.of("writes", "reads", "adds"))


def _fisher(subject: Subject) -> Scores:
    own, gates = subject.parameters, subject.members.gates()
    total, seen = np.zeros(subject.members.count), 0
    for loss in subject.losses(alone=True):
        slopes = {name: own[name] * value for name, value in subject.gradients(loss).items()}
        total += subject.total(slopes, gates) ** 2
        seen += 1
    return total / max(seen, 1)


def _hessian_vector(subject: Subject) -> Scores:
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


# --- of activations -------------------------------------------------------------------------------


def _activation(subject: Subject) -> Scores:
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
        with torch.no_grad():
            for _ in subject.losses():
                pass
    finally:
        for handle in handles:
            handle.remove()
    return _quotient(total, seen)


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


def _mean(totals: Scores, sides: tuple[Side, ...], count: int) -> Scores:
    return _quotient(totals, sum((one.slots(count) for one in sides), np.zeros(count)))


def _quotient(totals: Scores, seen: Scores) -> Scores:
    """Return means; NaN of none."""
    return np.where(seen > 0, totals / np.maximum(seen, 1), np.nan)


IMPORTANCES: dict[Importance, Callable[[Subject], Scores]] = {
    "magnitude": _magnitude,
    "taylor": _taylor,
    "fisher": _fisher,
    "hessian-vector": _hessian_vector,
    "activation": _activation,
    "batch-norm": _batch_norm,
    "geometric-median": _geometric_median,
}
