"""Failing: a strategy that failed in a run is named with its origin, and put on record."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from evoframe.config.recipe import Recipe
from evoframe.errors import ContractError, StrategyError
from evoframe.kernel.individual import ANCESTOR
from evoframe.registry import load_registry
from evoframe.roles import Strategy
from evoframe.run import mishaps
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.logs import Log
from evoframe.run.disk.origins import origin

FAILED = "strategy_failed"
"""The name of the event in the journal."""


@contextmanager
def on_record(recipe: Recipe, folder: RunFolder, journal: Journal, log: Log) -> Iterator[None]:
    """Run a block; a strategy that fails in it is named in full, in the journal and the log too.

    Raises:
        StrategyError: who it was, of which version, what happened, and how to go on.
    """
    try:
        yield
    except StrategyError as error:
        words = in_words(error, recipe, folder)
        data = {"entry": error.entry, "individual": error.individual, "reason": error.reason}
        journal.tell(FAILED, data)
        cause = error.__cause__ or error
        log.info("strategy failed", **data, traceback="".join(traceback.format_exception(cause)))
        raise type(error)(words) from error.__cause__


def in_words(error: StrategyError, recipe: Recipe, folder: RunFolder) -> str:
    """Return one sentence of who failed and how, and another of how to go on."""
    entry = error.entry
    if (entry, error.individual) == ("training", ANCESTOR) and recipe.ancestor is not None:
        entry = "ancestor"
    strategy = dict(recipe.strategies()).get(entry)
    if strategy is None:
        return str(error)
    how = "broke the contract of its role" if isinstance(error, ContractError) else "failed"
    whom = f" at {error.individual}" if error.individual else ""
    advice = f"{mishaps.LESS_MEMORY} " if mishaps.is_of_memory(error.__cause__) else ""
    return (
        f"{strategy.role} {strategy.name!r} of {_whence(strategy, recipe)} {how}{whom}: "
        f"{error.reason.rstrip('.')}. {advice}Finished work is kept. Once it is repaired, continue "
        f"with `evoframe resume {folder.path}`, or start a new run with another {strategy.role}."
    )


def _whence(strategy: Strategy, recipe: Recipe) -> str:
    """Return the distribution or file of a strategy with its version, and its plugin."""
    registry = load_registry(recipe.run.plugins)
    found, offer = origin(type(strategy), registry), registry.offer_of(type(strategy))
    place = f"{found.place} {found.version}".rstrip()
    if offer is None or offer.plugin.name in (found.place, offer.plugin.distribution):
        return place
    return f"{place} (plugin {offer.plugin.name!r})"
