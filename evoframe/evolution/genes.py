"""The contract of DNA at run time: genes for what is eligible, and tables of probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoframe.errors import ContractError
from evoframe.evolution.contract import NEW, require_like, require_type, require_within
from evoframe.kernel.dna import DNA, Clusters, Genes
from evoframe.kernel.levels import Table
from evoframe.kernel.limits import Cap, Ceiling

ROUNDING = 1e-9
"""By how much the logarithm of a probability may lie above 0: a sum of logarithms is rounded."""


def require_dna(
    found: Any, eligible: Mapping[str, Tensor], before: DNA | None = None, *, grows: bool = False
) -> None:
    """Refuse DNA that nothing could be drawn from, or that makes eligible what was not.

    Args:
        found: what a strategy returned.
        eligible: what was eligible before the strategy acted, for every parameter that evolves.
        before: the DNA that it was given; None if it was given none.
        grows: whether it may make more eligible.

    Raises:
        ContractError: what is wrong.
    """
    require_type(found, DNA)
    if found is before:
        return
    require_type(found.synapses, Mapping, "DNA whose synapses are a mapping")
    if set(found.synapses) != set(eligible):
        told = [", ".join(map(repr, sorted(names))) for names in (found.synapses, eligible)]
        raise ContractError(f"there are genes for {told[0] or 'nothing'}; wanted {told[1]}")
    known = _known(before)
    for name, genes in found.synapses.items():
        if id(genes) not in known:
            _require_genes(repr(name), genes, eligible[name], known)
            if not grows and genes.eligible is not eligible[name]:
                what, had = f"eligible synapses of {name!r}", eligible[name]
                require_within(what, genes.eligible, had, "were not eligible before", NEW)
    if found.clusters is not None and found.clusters is not (before and before.clusters):
        _require_clusters(found.clusters, eligible, known)
    _require_in_range(found, known)
    _require_limits(found)
    if before is None or found.weights is not before.weights:
        _require_weights(found.weights, eligible)


def _require_weights(weights: Any, eligible: Mapping[str, Tensor]) -> None:
    """Refuse weights of synapses to come that are none, or belong to nothing that evolves."""
    require_type(weights, Mapping, "DNA whose weights are a mapping")
    for name, values in weights.items():
        if name not in eligible:
            raise ContractError(f"there are weights of {name!r}; wanted parameters that evolve")
        what = f"weights of {name!r}"
        kind = values.dtype if isinstance(values, Tensor) else None
        require_like(what, values, eligible[name], kind, several=True)
        if not values.is_floating_point() or not bool(values.isfinite().all()):
            raise ContractError(f"{what} are {kind}, or not finite; wanted finite floats")


def _known(dna: DNA | None) -> set[Any]:
    """Return all that was looked at already: genes, tables, and levels for so long a table."""
    found: set[Any] = set()
    for _, one in _named(dna) if dna is not None else ():
        found |= {id(one), id(one.log_survival), _range(one)}
    return found


def _range(genes: Genes) -> tuple[int, int]:
    return id(genes.levels), len(genes.log_survival)


def _require_genes(who: str, genes: Any, like: Tensor, known: set[Any]) -> None:
    if not isinstance(genes, Genes):
        raise ContractError(f"the genes of {who} are a {type(genes).__name__}; wanted Genes")
    require_like(f"levels of {who}", genes.levels, like, torch.int32, several=True)
    require_like(f"eligible of {who}", genes.eligible, like, torch.bool)
    if id(genes.log_survival) not in known:  # layers share tables
        _require_table(who, genes.log_survival)
        known.add(id(genes.log_survival))


def _require_table(who: str, table: Table) -> None:
    if not isinstance(table, np.ndarray):
        raise ContractError(f"the table of {who} is a {type(table).__name__}; wanted an array")
    if table.ndim != 1 or table.dtype != np.float64 or not len(table):
        raise ContractError(
            f"the table of {who} is {table.dtype} {table.shape}; wanted float64 (levels,)"
        )
    largest = float(table.max())  # NaN if there is one
    if np.isnan(largest):
        count = int(np.isnan(table).sum())
        raise ContractError(
            f"a log-probability is NaN, at {count} of {len(table)} levels of {who}; wanted at most "
            "0, or -inf for never"
        )
    if largest > ROUNDING:
        raise ContractError(
            f"a log-probability is above 0: {largest:g} in the table of {who}, a probability of "
            f"{np.exp(min(largest, 700.0)):g}; wanted at most 0"
        )


def _require_clusters(clusters: Any, eligible: Mapping[str, Tensor], known: set[Any]) -> None:
    if not isinstance(clusters, Clusters):
        raise ContractError(f"clusters are a {type(clusters).__name__}; wanted Clusters or None")
    genes = clusters.genes
    if not isinstance(genes, Genes) or not isinstance(genes.levels, Tensor):
        raise ContractError(f"the genes of clusters are a {type(genes).__name__}; wanted Genes")
    if genes.levels.ndim != 1:
        raise ContractError(
            f"levels of clusters are {tuple(genes.levels.shape)}; wanted one row (clusters,)"
        )
    if id(genes) not in known:
        _require_genes("clusters", genes, genes.levels, known)
    for name, mask in eligible.items():
        members = clusters.members.get(name)
        if not isinstance(members, Tensor) or members.dtype != torch.int64:
            raise ContractError(f"members of {name!r} are {_kind(members)}; wanted int64")
        if not _broadcasts(members.shape, mask.shape):
            raise ContractError(
                f"members of {name!r} are {tuple(members.shape)}; wanted {tuple(mask.shape)}"
            )
        _require_numbers(f"members of {name!r}", members, len(genes.levels))


def _require_in_range(dna: DNA, known: set[Any]) -> None:
    """Refuse levels that their tables do not have; read at once, for the host waits each time."""
    fresh = [
        (name, one) for name, one in _named(dna) if _range(one) not in known and one.levels.numel()
    ]
    if not fresh:
        return
    ends = torch.stack([torch.stack(one.levels.aminmax()) for _, one in fresh]).tolist()
    for (name, genes), (low, high) in zip(fresh, ends, strict=True):
        _require_ends(f"levels of {name}", low, high, len(genes.log_survival))


def _named(dna: DNA) -> Iterator[tuple[str, Genes]]:
    yield from ((repr(name), genes) for name, genes in dna.synapses.items())
    if dna.clusters is not None:
        yield "clusters", dna.clusters.genes


def _require_numbers(what: str, found: Tensor, count: int) -> None:
    if found.numel():
        low, high = torch.stack(found.aminmax()).tolist()
        _require_ends(what, low, high, count)


def _require_ends(what: str, low: int, high: int, count: int) -> None:
    if low < 0 or high >= count:
        raise ContractError(f"{what} go from {low} to {high}; wanted 0 to {count - 1}")


def _require_limits(dna: DNA) -> None:
    for cap in dna.caps:
        require_type(cap, Cap, "DNA whose caps are Cap")
        if strangers := [name for name in cap.names if name not in dna.synapses]:
            raise ContractError(f"a cap is over {strangers[0]!r}; wanted parameters that evolve")
        if not isinstance(cap.limit, Integral) or cap.limit < 0:
            raise ContractError(f"a cap is {cap.limit!r}; wanted a whole number from 0 on")
    for ceiling in dna.ceilings:
        require_type(ceiling, Ceiling, "DNA whose ceilings are Ceiling")
        if not ceiling.limit >= 0:
            raise ContractError(f"a ceiling is {ceiling.limit!r}; wanted a number from 0 on")


def _broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    """Tell whether a shape broadcasts to another."""
    ends = zip(reversed(shape), reversed(to), strict=False)
    return len(shape) <= len(to) and all(own in (1, due) for own, due in ends)


def _kind(found: Any) -> str:
    return str(found.dtype).removeprefix("torch.") if isinstance(found, Tensor) else repr(found)
