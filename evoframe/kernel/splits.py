"""Splits: who may read which examples, so that test data can decide nothing.

While a strategy acts, its task gives it only the splits that it may see, and what individuals
have reached on the test split is withheld. Whoever asks for more is refused by an error, and
told of as well if it keeps that error to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import attrs

from evoframe.errors import ContractError
from evoframe.kernel.context import Parent
from evoframe.kernel.individual import Individual, Measurement
from evoframe.kernel.population import Population

TRAINING = ("train",)
"""What an encoding, a litter, a training or a nurture may read."""

DECIDING = ("train", "validation")
"""What whoever decides may read, and whoever says ``sees = "validation"``."""

EVERY = ("train", "validation", "test")

WHY = "test data decide nothing"


@attrs.frozen(eq=False)
class _Sight:
    """The splits that may be read now, and what else was asked for."""

    splits: tuple[str, ...]
    refused: list[str] = attrs.field(factory=list)


_NOW: ContextVar[_Sight | None] = ContextVar("evoframe_sight", default=None)


@contextmanager
def sight_of(splits: tuple[str, ...] | None) -> Iterator[None]:
    """Run a block in which tasks give these splits alone; with None, all of them.

    Raises:
        ContractError: another one was asked for, whether or not the block has kept that to itself.
    """
    sight = None if splits is None else _Sight(splits)
    before = _NOW.set(sight)
    try:
        yield
    finally:
        _NOW.reset(before)
    if sight is not None and sight.refused:
        raise ContractError(sight.refused[0])


def splits_of(strategy: Any) -> tuple[str, ...]:
    """Return the splits that a strategy may read while it acts."""
    if strategy.role not in ("encoding", "litter", "training", "nurture"):
        return DECIDING
    return DECIDING if strategy.sees == "validation" else TRAINING


def gated(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a task's method that refuses the splits which may not be read now."""
    if _NOW.get() is None:
        return method

    @wraps(method)
    def reading(*given: Any, **named: Any) -> Any:
        for asked in (*given, *named.values()):  # by whatever name a method calls its argument
            if isinstance(asked, str) and asked in EVERY:
                _require(asked)
        return method(*given, **named)

    return reading


def _require(split: str) -> None:
    sight = _NOW.get()
    if sight is None or split in sight.splits:
        return
    wanted = " and ".join(sight.splits)
    reason = WHY if split == "test" else 'say sees = "validation" if it must'
    raise _refused(f"it reads the split {split!r}; wanted {wanted} alone: {reason}")


class Withheld(Mapping[str, Measurement]):
    """Stands for results that decide nothing: whoever reads them is refused."""

    def __getitem__(self, name: str) -> Measurement:
        raise _reads_results()

    def __iter__(self) -> Iterator[str]:
        raise _reads_results()

    def __len__(self) -> int:
        raise _reads_results()

    def __contains__(self, name: object) -> bool:
        raise _reads_results()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Withheld)

    def __hash__(self) -> int:
        return hash(Withheld)

    def __repr__(self) -> str:
        return "withheld"


class Shown(tuple[Individual, ...]):
    """Individuals whose results on the test split are withheld, and need not be looked at again."""

    __slots__ = ()


def without_test(population: Population) -> Population:
    """Return a population whose results on the test split are withheld."""
    archive = population.archive
    return attrs.evolve(
        population,
        individuals=tuple(map(blind, population.individuals)),
        archive=archive if isinstance(archive, Shown) else tuple(map(blind, archive)),
        overtaken=tuple(map(blind, population.overtaken)),
    )


def parent_without_test(parent: Parent) -> Parent:
    """Return a parent whose results on the test split are withheld."""
    return attrs.evolve(parent, individual=blind(parent.individual))


def blind(one: Individual) -> Individual:
    """Return an individual whose results on the test split are withheld."""
    if one.fitness is None or isinstance(one.fitness.test, Withheld):
        return one
    return attrs.evolve(one, fitness=attrs.evolve(one.fitness, test=Withheld()))


def _reads_results() -> ContractError:
    return _refused(f"it reads results on the test split; wanted validation alone: {WHY}")


def _refused(found: str) -> ContractError:
    """Return the error for whoever asked, and remember that somebody did."""
    sight = _NOW.get()
    if sight is not None:
        sight.refused.append(found)
    return ContractError(found)
