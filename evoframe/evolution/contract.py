"""The contract at run time: what strategies hand back is looked at before it is used.

One function for each thing that comes back. They raise what was found and what was wanted; who it
was, and at whom, is added by :mod:`evoframe.evolution.blame`. What a strategy passes on as it was
given is not looked at again, so that a correct one costs hardly more than without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.errors import ContractError, shortened
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.genotype import Genotype, Masks, State
from evoframe.kernel.individual import Measurement
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.population import Family, Population
from evoframe.kernel.tensors.flags import how_many
from evoframe.kernel.tensors.passes import is_within

MOST = 3
"""How many names a message tells."""

NEW = "none: only a mutation with the trait 'grows' offers such"


def require_type(found: Any, kind: type, wanted: str = "") -> None:
    """Refuse what is of another type; ``wanted`` says what it should be, if not its name.

    Raises:
        ContractError: what was returned.
    """
    if not isinstance(found, kind):
        told = "None" if found is None else f"a {type(found).__name__}"
        raise ContractError(f"it returned {told}; wanted {wanted or kind.__name__}")


def require_families(families: Any, population: Population, wanted: int) -> None:
    """Refuse other families than were asked for, or of others than the living.

    Args:
        families: what a selection returned.
        population: whom it was to select from.
        wanted: how many families it was to give.

    Raises:
        ContractError: what is wrong.
    """
    require_type(families, Sequence, "a tuple of Family")
    if len(families) != wanted:
        raise ContractError(f"it gives {len(families)} families; wanted {wanted}")
    for family in families:
        if not isinstance(family, Family):
            raise ContractError(f"it gives {family!r}; wanted Family")
    living = _living_of(population, families)
    for family in families:
        count = 1 if family.elite else population.parents
        if len(family.parents) != count:
            raise ContractError(f"a family has {len(family.parents)} parents; wanted {count}")
        for parent in family.parents:
            if parent not in living:
                raise ContractError(f"{parent!r} is none of the living; wanted ids of those")


def _living_of(population: Population, families: Sequence[Family]) -> set[str]:
    """Return the ids of those whom families may be of, without a walk through a long archive."""
    living = {one.id for one in (*population.individuals, *population.overtaken)}
    if all(parent in living for family in families for parent in family.parents):
        return living
    return living | {one.id for one in population.archive}


def require_inheritance(
    found: Any, masks: Sequence[Masks], ancestor: Genotype, *, moves: bool = False
) -> None:
    """Refuse an inheritance that is not whole, or offers what no parent had.

    Args:
        found: what a heredity returned.
        masks: those of the parents.
        ancestor: in whose coordinates everything is.
        moves: whether synapses may come from other places in a parent.

    Raises:
        ContractError: what is wrong.
    """
    require_type(found, Inheritance)
    _require_tensors("eligible", found.eligible, ancestor.masks, exactly=True)
    _require_tensors("strengths", found.strengths, ancestor.strengths())
    _require_tensors("state", found.state, ancestor.state)
    if moves:
        return
    for name, eligible in found.eligible.items():
        if any(eligible is one[name] for one in masks):
            continue
        had = _union([one[name] for one in masks])
        require_within(f"eligible synapses of {name!r}", eligible, had, "no parent has", NEW)


def require_trained(found: Any, phenotype: Phenotype) -> None:
    """Refuse a result of training that is none, or holds another network.

    Args:
        found: what a training returned.
        phenotype: what it was given; parameters may have been changed in place.

    Raises:
        ContractError: what is wrong.
    """
    require_type(found, TrainingResult)
    require_phenotype(found.phenotype, phenotype)
    for name in ("epochs", "loss"):
        if not _is_number(value := getattr(found, name)):
            raise ContractError(f"{name} is {value!r}; wanted a number")


def require_phenotype(found: Any, given: Phenotype) -> None:
    """Refuse what is no phenotype, or one whose entries are others than the one that was given.

    Raises:
        ContractError: what is wrong.
    """
    if found is given:
        return
    require_type(found, Phenotype)
    if not isinstance(found.network, nn.Module):
        raise ContractError(f"the network of its phenotype is {found.network!r}; wanted a module")
    if found.network is not given.network:
        _require_tensors("the network", _entries(found.network), _entries(given.network))
    if found.cuts is not given.cuts and set(found.cuts) != set(given.cuts):
        raise ContractError("its phenotype has other cuts; wanted those that it was given")


def require_same_synapses(trained: Masks, born: Masks) -> None:
    """Refuse synapses that a network has after a training without having been born with them.

    Raises:
        ContractError: how many there are.
    """
    for name, mask in trained.items():
        whose = "its network was not born with"
        wanted = "none, without the trait 'rewires'"
        require_within(f"synapses of {name!r}", mask, born[name], whose, wanted)


def require_loss(found: Any, given: Tensor) -> None:
    """Refuse a loss that no optimiser could descend.

    Raises:
        ContractError: what it is.
    """
    if found is given:
        return
    require_type(found, Tensor, "a scalar tensor")
    if found.ndim or not found.requires_grad:
        how = "no gradient" if not found.ndim else f"shape {tuple(found.shape)}"
        raise ContractError(f"it returned a loss with {how}; wanted a scalar with its graph")


def require_measured(found: Any) -> Mapping[str, Measurement]:
    """Return the measurements of a task as they are, or refuse them.

    Raises:
        ContractError: what it is.
    """
    require_type(found, Mapping, "a mapping of Measurement by metric")
    for name, value in found.items():
        if not isinstance(value, Measurement):
            raise ContractError(f"evaluate() gives {value!r} for {name!r}; wanted a Measurement")
    return found  # type: ignore[no-any-return]


def require_allowance(found: Any) -> None:
    """Refuse a promise that is no number.

    Raises:
        ContractError: what it is.
    """
    if found is not None and not (_is_number(found) and found >= 0):  # NaN is not either
        raise ContractError(f"allowance() gives {found!r}; wanted a number from 0 on, or None")


def _require_tensors(
    what: str, found: Any, wanted: Mapping[str, Tensor], *, exactly: bool = False
) -> None:
    """Refuse a mapping that lacks tensors, or has them in another shape or type or place."""
    if not isinstance(found, Mapping):
        raise ContractError(f"{what} is a {type(found).__name__}; wanted a mapping of tensors")
    if missing := [name for name in wanted if name not in found]:
        raise ContractError(f"{what} lacks {_several(missing)}; wanted all of the ancestor's")
    if exactly and (more := [name for name in found if name not in wanted]):
        raise ContractError(f"{what} has {_several(more)}; wanted {_several(wanted)} alone")
    for name, due in wanted.items():
        require_like(f"{what} of {name!r}", found[name], due)


def require_like(
    what: str, found: Any, due: Tensor, kind: torch.dtype | None = None, *, several: bool = False
) -> None:
    """Refuse a tensor of another shape, type or device than it should be.

    Args:
        what: it is, for people.
        found: what there is.
        due: whose shape and device it should have.
        kind: the type that it should have, if not that of ``due``.
        several: whether people speak of it in the plural.

    Raises:
        ContractError: what was found, and what was wanted.
    """
    verb = "are" if several else "is"
    if not isinstance(found, Tensor):
        raise ContractError(f"{what} {verb} a {type(found).__name__}; wanted a tensor")
    if found.shape != due.shape:
        raise ContractError(f"{what} {verb} {tuple(found.shape)}; wanted {tuple(due.shape)}")
    if found.dtype != (kind or due.dtype):
        told = [str(one).removeprefix("torch.") for one in (found.dtype, kind or due.dtype)]
        raise ContractError(f"{what} {verb} {told[0]}; wanted {told[1]}")
    if found.device != due.device:
        raise ContractError(f"{what} {verb} on {found.device}; wanted {due.device}")


def require_within(what: str, found: Tensor, had: Tensor, whose: str, wanted: str) -> None:
    """Refuse synapses that were not there before.

    Args:
        what: they are, for people.
        found: a mask of them.
        had: those that there were.
        whose: how to speak of those that there were not, after "that".
        wanted: instead.

    Raises:
        ContractError: how many there are.
    """
    if not is_within(found, had):
        count, whole = how_many(found & ~had), how_many(found)
        raise ContractError(f"{count} of {whole} {what} are ones that {whose}; wanted {wanted}")


def _is_number(found: Any) -> bool:
    """Tell numbers, those of NumPy and torch among them, from all else."""
    one = isinstance(found, Tensor) and not found.ndim
    return one or (isinstance(found, Real) and not isinstance(found, bool))


def _union(masks: Sequence[Tensor]) -> Tensor:
    union = masks[0]
    for mask in masks[1:]:
        union = union | mask
    return union


def _entries(network: nn.Module) -> State:
    return dict(network.named_parameters()) | dict(network.named_buffers())


def _several(names: Iterable[str]) -> str:
    return shortened(map(repr, names), MOST)
