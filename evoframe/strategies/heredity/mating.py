"""Mating: several parents have one offspring (1709.02043; polyploidism 2017; 1811.07966).

    M_c = sum_k a_k W_k   or   prod_k a_k W_k,      M_s = sum_k a_k w_k   or   prod_k a_k w_k

over the parents k that hold a cluster, if they are at least a share ``overlap`` of all (chi of
1811.07966; 1 is the intersection of 1709.02043). Both levels come from one mated strength for
each synapse, which encodings read as DNA; a parent that holds the cluster without the synapse
adds nothing to a sum, and makes a product zero. The papers give no values for a_k: equal shares
here. Shares are rescaled to a total of 1 over the parents that hold a cluster, except in the
literal product, which is for study: five weights of 0.05 at equal shares leave 1e-10.

Every individual lives in the ancestor's coordinates, so a position is a gene's tag for ever, and
``tag`` lays parents over each other as they are. ``sequential`` is what compacted networks
without tags do: the first living filter with the first, the second with the second, and so on;
the offspring then takes the first parent's positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import ClassVar, Literal

import attrs
import numpy as np
import torch
from torch import Tensor

from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.context import Context, Parent
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.genotype import Genotype, Masks, masked
from evoframe.kernel.settling import presence
from evoframe.roles import Heredity, Task, doc
from evoframe.strategies.heredity.aligning import in_sequence
from evoframe.strategies.heredity.weights import begun_with


@attrs.frozen
class Mating(Heredity):
    """Several parents pass on shared synapses, with combined strengths."""

    name: ClassVar[str] = "mating"

    parents: int = attrs.field(
        default=2, validator=attrs.validators.ge(1), metadata=doc("number of parents per offspring")
    )
    strength: Literal["sum", "geometric", "product"] = attrs.field(
        default="sum",
        metadata=doc("how strengths are combined: weighted sum, geometric mean, or plain product"),
    )
    shares: tuple[float, ...] | None = attrs.field(
        default=None,
        metadata=doc("weight of each parent (alpha in the papers); default: equal"),
    )
    overlap: float = attrs.field(
        default=1.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the parents that must have a cluster (chi); 0: one is enough"),
    )
    of: Literal["synapse", "kernel", "filter", "bundle"] = attrs.field(
        default="filter", metadata=doc("kind of cluster whose presence is counted")
    )
    within: Literal["all", "any"] = attrs.field(
        default="all",
        metadata=doc(
            "whether a synapse must be present in all parents that have its cluster, or in "
            "any of them"
        ),
    )
    align: Literal["tag", "sequential"] = attrs.field(
        default="tag",
        metadata=doc("match clusters by their position in the ancestor, or in order of survival"),
    )
    weights: Literal["average", "first", "rewind", "reinitialise"] = attrs.field(
        default="average",
        metadata=doc(
            "initial weights of the newborn: mean over the parents that have the synapse, "
            "the first such parent's, the ancestor's initial ones, or fresh ones"
        ),
    )

    @property
    def traits(self) -> frozenset[str]:  # type: ignore[override]
        """The mean of equals is their like; a product of weights, or other weights, are not."""
        own = self.strength == "sum" and self.weights in ("average", "first")
        found = {"identity_on_clones", "deterministic"} if own else set()
        return frozenset(found | {"moves"} if self.align == "sequential" else found)

    def check(self, task: Task) -> None:
        """Refuse shares that are not the parents', and to rewind what came trained."""
        if self.shares is not None and (
            len(self.shares) != self.parents or not min(self.shares) > 0
        ):
            raise ConfigError(
                f"heredity.shares is {list(self.shares)}; wanted {self.parents} numbers above 0, "
                "one for each of heredity.parents."
            )
        if self.weights == "rewind" and task.is_trained:
            raise TaskError(
                f"task {task.name!r} brings an ancestor that is already trained, so its initial "
                "weights are not known. Try heredity.weights = 'average' or 'reinitialise'."
            )

    def inherit(self, parents: tuple[Parent, ...], context: Context) -> Inheritance:
        """Return all that enough parents hold, with mated strengths and the chosen weights."""
        genotypes = [parent.genotype for parent in parents]
        if self.align == "sequential":
            first, anatomy = genotypes[0], context.anatomy
            others = [in_sequence(one, first, anatomy.wiring) for one in genotypes[1:]]
            genotypes = [first, *others]
        members = None if self.of == "synapse" else context.anatomy.clusters(self.of).members
        holders = self._holders([one.masks for one in genotypes], members)
        averaged = self._averaged(genotypes, context)
        eligible, strengths = {}, dict(averaged)
        for name, held in holders.items():
            masks = torch.stack([one.masks[name] for one in genotypes])
            eligible[name] = self._eligible(held, masks)
            values = torch.stack([one.state[name] for one in genotypes])
            strengths[name] = torch.where(eligible[name], self._mated(values, masks, held), 0.0)
        state = masked(begun_with(self.weights, averaged, context), eligible)
        return Inheritance(eligible, strengths, state)

    def _holders(
        self, masks: list[Masks], members: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Return the holders of each synapse's cluster: bool, (parents, *shape), by parameter."""
        if members is None:
            return {name: torch.stack([one[name] for one in masks]) for name in masks[0]}
        count = 1 + max(int(part.max()) for part in members.values())
        held = torch.zeros(len(masks), count, dtype=torch.bool, device=_device(masks[0]))
        for parent, own in enumerate(masks):
            for name, mask in own.items():
                # A parent holds a cluster if any synapse of it is present.
                held[parent, members[name].expand_as(mask)[mask]] = True
        return {
            name: torch.stack([row[members[name]].expand_as(mask) for row in held])
            for name, mask in masks[0].items()
        }

    def _eligible(self, held: Tensor, masks: Tensor) -> Tensor:
        # Without the small number, 0.7 of 10 parents would be 8: 0.7 * 10 is above 7 in binary.
        needed = max(1, math.ceil(self.overlap * len(held) - 1e-9))
        # "All holders": parents without the cluster are not asked about its synapses.
        inside = masks.any(0) if self.within == "any" else (masks | ~held).all(0)
        return (held.sum(0) >= needed) & inside

    def _mated(self, values: Tensor, masks: Tensor, held: Tensor) -> Tensor:
        """Return mated strengths, in arithmetic that every device rounds alike."""
        shares = self._shares(values)
        values = torch.where(masks, values, 0.0)
        if self.strength == "product":
            # In float64, folded one by one in the order of parents: reductions
            # over an axis may add in any order, and another one on each device.
            factors = torch.where(held, shares * values.double(), 1.0)
            return _folded(factors, torch.mul).to(values.dtype)
        shares = torch.where(held, shares, 0.0)
        # Where nobody holds the cluster all shares are 0, and 0 / 1e-300 is 0 instead of NaN.
        shares /= _folded(shares, torch.add).clamp(min=1e-300)
        if self.strength == "sum":
            return _folded(shares * values.double(), torch.add).to(values.dtype)
        return _geometric_mean(values, shares)

    def _shares(self, like: Tensor) -> Tensor:
        given = self.shares or (1.0 / self.parents,) * self.parents
        shares = torch.tensor(given, dtype=torch.float64, device=like.device)
        return shares.reshape(-1, *[1] * (like.ndim - 1))

    def _averaged(self, parents: list[Genotype], context: Context) -> dict[str, Tensor]:
        """Return the parents' mean state, or the first holders'."""
        present = [presence(one, context.anatomy.wiring) for one in parents]
        return {
            name: self._inherited(
                torch.stack([one.state[name] for one in parents]),
                torch.stack([one[name].expand_as(first) for one in present]),
            )
            for name, first in parents[0].state.items()
        }

    def _inherited(self, values: Tensor, present: Tensor) -> Tensor:
        """Return an entry of the newborn's state from those parents in which it is alive."""
        if self.weights != "first" and values.is_floating_point():
            shares = torch.where(present, self._shares(values), 0.0)
            shares /= _folded(shares, torch.add).clamp(min=1e-300)
            return _folded(shares * values.double(), torch.add).to(values.dtype)
        taken = values[0]
        # ``earlier``: how many before this parent have the entry alive.
        for value, here, earlier in zip(values[1:], present[1:], present.cumsum(0), strict=False):
            taken = torch.where(here & (earlier == 0), value, taken)
        return taken


def _folded(values: Tensor, operation: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the values of all parents taken together, in their order, one after another."""
    result: Tensor = reduce(operation, values.unbind(0))
    return result


def _geometric_mean(values: Tensor, shares: Tensor) -> Tensor:
    """Return prod |w_k|^a_k with the sign of the first; on the host, whose logarithms are kept."""
    sizes, powers = values.abs().double().cpu().numpy(), shares.cpu().numpy()
    logs = np.full(sizes.shape, -np.inf)
    # -inf where a weight is 0, so the product is 0 there; a parent
    # without a share is left out below, because -inf * 0 is NaN.
    np.log(sizes, out=logs, where=sizes > 0)
    np.multiply(logs, powers, out=logs, where=powers > 0)
    mean = torch.from_numpy(np.exp(np.where(powers > 0, logs, 0.0).sum(0)))
    return torch.copysign(mean, values[0].double().cpu()).to(values.device, values.dtype)


def _device(masks: Masks) -> torch.device:
    return next(iter(masks.values())).device
