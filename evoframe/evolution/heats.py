"""Heats: the rungs of a generation, and who lives on from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import attrs

from evoframe.errors import ConfigError, ContractError
from evoframe.evolution.birth import Birth
from evoframe.evolution.blame import acting
from evoframe.evolution.contract import require_type
from evoframe.kernel.context import Context
from evoframe.kernel.individual import Individual
from evoframe.kernel.key import sealed
from evoframe.kernel.population import Population
from evoframe.kernel.rungs import Heat
from evoframe.kernel.splits import without_test
from evoframe.roles.litter import Litter
from evoframe.roles.nurture import Nurture
from evoframe.roles.pausing import require_pausable
from evoframe.roles.selection import Selection
from evoframe.roles.training import Training


def needs_rungs(selection: Selection) -> bool:
    """Tell whether a selection says in which rungs its generations live."""
    return type(selection).rungs is not Selection.rungs


def require_rungs(
    selection: Selection, training: Training, nurtures: Sequence[Nurture], litter: Litter | None
) -> None:
    """Refuse who cannot be put down, if a selection has rungs.

    Raises:
        ConfigError: who cannot.
    """
    if not needs_rungs(selection):
        return
    require_pausable(selection, training, nurtures)
    if litter is not None:
        raise ConfigError(
            f"selection {selection.name!r} trains in rungs, and litter {litter.name!r} "
            "also decides how far siblings are trained. Use only one of them."
        )


def heats(
    population: Population, selection: Selection, births: Sequence[Birth], context: Context
) -> tuple[Heat, ...]:
    """Return the heats of a generation; none if its lives are lived in one go.

    Args:
        population: whom the generation descends from.
        selection: says which heats there are.
        births: of the generation.
        context: the run, with the key of the generation.
    """
    selecting = context.at("selection")
    with sealed(selecting.key), acting(selection, context):
        found = selection.rungs(without_test(population))
        require_type(found, Sequence, "heats")
        for heat in found:
            require_type(heat, Heat)
        if found:
            _require_order(found, sum(not birth.family.elite for birth in births))
    return tuple(found)


def promoted(
    heat: Heat, living: Sequence[Individual], seen: Population, selection: Selection, run: Context
) -> frozenset[str]:
    """Return the ids of those that live on.

    Args:
        heat: the one that comes.
        living: who has lived so far.
        seen: whom the generation descends from.
        selection: decides.
        run: the run, with the key of the generation.
    """
    population = attrs.evolve(seen, individuals=tuple(living), stillborn=(), overtaken=())
    known = {one.id for one in living}
    with sealed(run.at("promotion", str(heat.until)).key), acting(selection, run):
        found = selection.promote(heat, without_test(population))
        require_type(found, Sequence, "individuals")
        for one in found:
            require_type(one, Individual)
        ids = [one.id for one in found]
        if strange := [one for one in ids if one not in known]:
            raise ContractError(f"it promotes {strange[0]}; wanted those that it is given")
        most = min(heat.lives, len(living))
        if len(set(ids)) != len(ids) or not 1 <= len(ids) <= most:
            raise ContractError(f"it promotes {len(ids)}; wanted 1 to {most} different ones")
    return frozenset(ids)


def _require_order(found: Sequence[Heat], births: int) -> None:
    """Refuse heats that do not begin with all who are born, or do not end at the end."""
    if found[0].lives != births:
        raise ContractError(
            f"its first heat has {found[0].lives} lives, and {births} are to be born; wanted as "
            "many: families_for() says how many families select() gives"
        )
    for before, after in pairwise(found):
        if after.lives > before.lives or after.until <= before.until:
            raise ContractError(
                f"{after} comes after {before}; wanted fewer lives, and longer ones"
            )
    if found[-1].until != float("inf"):
        raise ContractError(
            f"its last heat ends after {found[-1].until:g} epochs; wanted one without an end: who "
            "is left lives to the end of its training's schedule"
        )
