"""Whether a run can be gone on with here: its fingerprints on record are compared with today's."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evoframe.config.recipe import Recipe
from evoframe.errors import ResumeError, shortened
from evoframe.registry import load_registry
from evoframe.run.disk import constants, fingerprints
from evoframe.run.disk.fingerprints import FINGERPRINTS
from evoframe.run.disk.folder import RunFolder
from evoframe.run.world import World, build_world

MOST = 4
"""How many differences a message names."""

MISSING = "not there"


def require_on_record(recorded: Mapping[str, Any], path: Path) -> None:
    """Refuse to go on with a run of which nobody can tell what it depended on.

    Args:
        recorded: the table ``[record]``.
        path: the run.

    Raises:
        ResumeError: there are no fingerprints.
    """
    if not recorded.get(FINGERPRINTS):
        raise ResumeError(
            f"{path} cannot be resumed: it is of format {recorded.get('format', 0)}, and has "
            "no fingerprints of its survey and strategies to compare with this "
            f"version's.{_instead(recorded)}"
        )


def require_equal(recorded: Mapping[str, Any], found: Mapping[str, Any], path: Path) -> None:
    """Refuse to go on with a run whose results would be other ones here.

    Args:
        recorded: the table ``[record]``.
        found: fingerprints, or some of them, as they are now.
        path: the run.

    Raises:
        ResumeError: what was recorded, and what is found.
    """
    before = recorded.get(FINGERPRINTS, {})
    if isinstance(before, Mapping):
        before = {name: value for name, value in before.items() if name in found}
    told = differences(before, found)
    if told:
        raise ResumeError(
            f"{path} cannot be resumed, because its results could differ here: "
            f"{shortened(told, MOST, '; ')}.{_instead(recorded)}"
        )


def require_alike(driver: Sequence[str], here: Sequence[str]) -> None:
    """Refuse to live lives on a machine that is not like the one that carries the run.

    Args:
        driver: what is different there from the record.
        here: what is different here.

    Raises:
        ResumeError: versions or devices are other ones.
    """
    other = [*(set(here) - set(driver)), *(f"not: {one}" for one in set(driver) - set(here))]
    if other:
        raise ResumeError(
            f"lives could end differently on {socket.gethostname()}, where the "
            "record of the run and "
            f"what is installed differ from those of the driver: "
            f"{'; '.join(sorted(other)[:MOST])}. Install the same versions, and ask for machines "
            "with devices of one kind."
        )


def differences(before: Any, now: Any) -> list[str]:
    """Return a sentence for every fingerprint that was another one, is gone, or is new."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return [
        f"{_in_words(place)} was {old.get(place, MISSING)}, is {new.get(place, MISSING)}"
        for place in (*old, *(place for place in new if place not in old))
        if old.get(place, MISSING) != new.get(place, MISSING)
        and not _takes_more(place, old.get(place, MISSING), new.get(place, MISSING))
    ]


def _takes_more(place: tuple[str, ...], before: str, now: str) -> bool:
    """Tell whether an option takes all that it took, so that what was given means the same."""
    if before == MISSING and "options" in place and now.endswith(fingerprints.LATER):
        return True
    told = (words.removesuffix(fingerprints.LATER) for words in (before, now))
    kinds, more = (set(words.split(" | ")) for words in told)
    return "options" in place and kinds < more


def _leaves(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if not isinstance(value, Mapping):
        yield place, str(value)
        return
    for name, one in value.items():
        yield from _leaves(one, (*place, str(name)))


NAMES = {
    "survey": "the survey of the network",
    "latencies": "the table of latencies",
    "contract": "the contract of strategies",
}
"""What a fingerprint is of, in words."""


def _in_words(place: tuple[str, ...]) -> str:
    match place:
        case (name,) if name in NAMES:
            return NAMES[name]
        case ("strategies", entry, "options", option):
            return f"the option {option!r} of {entry}"
        case ("strategies", entry, "class"):
            return f"the class of {entry}"
        case ("strategies", entry, "strategy"):
            return f"{entry}"
        case other:
            return f"the record of {' '.join(other) or 'fingerprints'}"


def _instead(recorded: Mapping[str, Any]) -> str:
    version = recorded.get("evoframe", "")
    began = f"evoframe {version} as it was then" if version else "the evoframe that began it"
    return (
        f" Continue with {began}, or start a new run with the same recipe; "
        "`evoframe show` and `evoframe export` still work."
    )


def same_world(recipe: Recipe, recorded: Mapping[str, Any], folder: RunFolder) -> World:
    """Return the world of a run that was begun earlier, if this code still makes the same one.

    Raises:
        ResumeError: fingerprints differ from those on record.
        RunError: the network holds other constants than those on record.
    """
    registry = load_registry(recipe.run.plugins)
    require_equal(recorded, fingerprints.of_code(recipe, registry), folder.path)
    return same_ancestor(recipe, recorded, folder)


def same_ancestor(recipe: Recipe, recorded: Mapping[str, Any], folder: RunFolder) -> World:
    """Return the world of a run, if its ancestor is the same network to this code.

    Raises:
        ResumeError: the survey differs from the one on record.
        RunError: the network holds other constants than those on record.
    """
    world = build_world(recipe, folder)
    require_equal(recorded, fingerprints.of_network(world.anatomy), folder.path)
    constants.require_equal(recorded, world.anatomy.network, folder.path)
    return world
