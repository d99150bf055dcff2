"""Fingerprints: what a run's results depend on besides its recipe, so that it can be gone on with.

A run that another evoframe goes on with must end as it would have ended. Two things in the code
decide that without being in the recipe: what the survey finds in the ancestor's network, and what
strategies make of their options. The first is on record as a digest of its results, the second as
the contract's number, and for every strategy its class, where it comes from, and its options.

The versions of strategies and libraries are on record too, beside the fingerprints: where those
differ, results may or may not, so a person is warned and the run goes on.
"""

from __future__ import annotations

import enum
import hashlib
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

import attrs
import torch
from torch import Tensor

from evoframe.anatomy import Anatomy
from evoframe.config.recipe import Recipe
from evoframe.registry import Registry
from evoframe.registry.checking import is_table, options
from evoframe.roles import Strategy
from evoframe.run.disk.origins import origin
from evoframe.version import CONTRACT

FINGERPRINTS = "fingerprints"
"""Their table within the record."""

LATER = ", and without it as before"
"""What is said of an option that came later, and changes nothing where it is not given."""

WITHOUT_EFFECT = ("executor", "observer")
"""Roles that can change nothing in a run, so that others may take their place when it goes on."""


def of_run(recipe: Recipe, registry: Registry, anatomy: Anatomy) -> dict[str, Any]:
    """Return all fingerprints of a run, for its record."""
    return {**of_network(anatomy), **of_code(recipe, registry)}


def of_network(anatomy: Anatomy) -> dict[str, str]:
    """Return the fingerprints of the survey, and of the table of latencies if there is one.

    The table decides what is drawn and when a run stops, so it must stay as it was.
    """
    table = {} if anatomy.table is None else {"latencies": anatomy.table.digest}
    return {"survey": of_survey(anatomy), **table}


def of_code(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """Return the contract's number and what is fixed of every strategy that decides something."""
    strategies = {
        entry: of_strategy(type(strategy), registry)
        for entry, strategy in recipe.strategies()
        if strategy.role not in WITHOUT_EFFECT
    }
    return {"contract": CONTRACT, "strategies": strategies}


def of_strategy(strategy: type[Strategy], registry: Registry) -> dict[str, Any]:
    """Return a strategy's name and where it comes from, its class, and its options with types."""
    try:
        fields = options(strategy)
    except Exception:  # noqa: BLE001  a class of a session may name types that are nowhere
        fields = tuple(field for field in attrs.fields(strategy) if field.init)
    return {
        "strategy": str(origin(strategy, registry)),
        "class": strategy.__qualname__,
        "options": {field.name: _of_option(field) for field in fields},
    }


def _of_option(field: attrs.Attribute[Any]) -> str:
    return _kind(field.type) + (LATER if field.metadata.get("later") else "")


def of_survey(anatomy: Anatomy) -> str:
    """Return 24 hex digits for all that a survey found which decides what becomes of a genotype.

    They are of its results, so that code may be written anew as long as it finds the same: the
    shapes of evolvable parameters, how synapses are wired, which channels leave together, and
    which numbers follow. The words of barriers are no part of them.
    """
    state = hashlib.blake2b(digest_size=12, person=b"evoframe.survey")
    for part in _parts(anatomy):
        if isinstance(part, Tensor):
            # Bools and integers as 8 little-endian bytes: the same on every machine and device.
            values = part.cpu().to(torch.int64).contiguous()
            state.update(f"|{tuple(values.shape)}".encode())
            state.update(values.numpy().astype("<i8").tobytes())
        else:
            state.update(f"|{part!r}".encode())
    return state.hexdigest()


def _parts(anatomy: Anatomy) -> Iterator[Any]:
    """Yield tensors of whole numbers, texts and numbers, always in the same order."""
    wiring, bundles = anatomy.wiring, anatomy.bundles
    for name, shape in anatomy.evolvable.items():
        yield from (name, tuple(shape), wiring.sources[name], wiring.targets[name])
    yield from (wiring.fed, wiring.read)
    for step in wiring.steps:
        yield from (step,) if isinstance(step, str) else (step.channels, *step.parts, step.every)
    for holding in wiring.holdings:
        yield from (holding.entry, holding.axis, holding.channels)
    yield from (bundles.classes, bundles.kept, bundles.at_least, bundles.multiple)
    yield from ("layers", *bundles.layers, "others", *bundles.others)
    for wide, narrow in bundles.wider:
        yield from ("wider", wide, narrow)
    for bound in anatomy.bounds:
        yield from ("bound", bound.name, bound.least, bound.most, bound.multiple)
    for grid in bundles.grids:
        yield from (grid.channels, tuple(grid.fixed), tuple(grid.parts), grid.bound)
    for one in anatomy.proved.plan.size_attributes:
        yield from (one.key, one.axis, one.signal)
    for block in anatomy.proved.plan.blocks:
        yield from (block.channel, block.outputs, block.entries, str(sorted(block.idle.items())))


def _kind(kind: Any) -> str:
    """Return the type of an option in words that do not depend on the version of Python."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return " | ".join(map(str, arguments))
    if typing.get_origin(kind) in (Union, types.UnionType):
        return " | ".join("none" if one is type(None) else _kind(one) for one in arguments)
    if typing.get_origin(kind) is tuple:
        return f"list of {_kind(arguments[0])}" if arguments else "list"
    if is_table(kind):
        return f"table of {_kind(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " | ".join(str(member.value) for member in kind)
    return str(getattr(kind, "__name__", kind))
