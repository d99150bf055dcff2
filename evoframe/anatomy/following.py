"""Following: numbers in modules' attributes that say how many channels there are.

A module's own code may hold sizes in attributes, as attention holds its number of heads. No
tensor says so, so they are found by trial: where removing channels breaks a forward pass, numbers
nearby that equal a size which shrinks are changed with it, and if the pass then gives the shapes
that are due, the fewest of them that do so follow from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
from torch import Tensor, nn

from evoframe.anatomy.channels import Follower, sizes_left
from evoframe.anatomy.trials import Pattern, Trial, left_by, pattern

if TYPE_CHECKING:
    from evoframe.anatomy.anatomy import Anatomy

Blame = tuple[Trial, str]

MOST = 24
"""How many candidates are tried at most for one trial."""


def find_followers(plan: Anatomy, broken: Sequence[Blame]) -> tuple[list[Follower], list[Blame]]:
    """Return the followers that explain broken trials, and the trials that none explains.

    What explains a trial in one module is taken to explain the same one in all modules of its
    class; the proof goes on with all of them together.
    """
    found: dict[tuple[str, str, int | None], Follower] = {}
    hopeless: list[Blame] = []
    answers: dict[Pattern, list[Follower]] = {}
    for trial, reason in broken:
        same = pattern(plan, trial)
        if same not in answers:
            answers[same] = chosen = _explained(plan, trial)
        else:
            chosen = _alike(plan, trial, answers[same])
        if not chosen:
            hopeless.append((trial, reason))
        for one in chosen:
            found.setdefault(one.key, one)
    return list(found.values()), hopeless


def _explained(plan: Anatomy, trial: Trial) -> list[Follower]:
    """Return followers with which a trial breaks nothing; none if there are none.

    Each in turn is the one with which the forward pass gets farthest.
    """
    chosen: list[Follower] = []
    candidates = _candidates(plan, trial)[:MOST]
    reached = _reached(plan, trial, chosen)
    while reached is not None:
        best: tuple[int, Follower] | None = None
        for one in candidates:
            if one.key in {other.key for other in chosen}:
                continue
            farther = _reached(plan, trial, [*chosen, one])
            if farther is None:
                return [*chosen, one]
            if farther > (best[0] if best else reached):
                best = farther, one
        if best is None:
            return []
        reached, follower = best
        chosen.append(follower)
    return chosen


def _reached(plan: Anatomy, trial: Trial, followers: Sequence[Follower]) -> int | None:
    """Return the call at which the forward pass goes wrong; None if it does not."""
    wider = attrs.evolve(plan, followers=(*plan.followers, *followers))
    found = wider.examine(left_by(wider.bundles, [trial]))
    return None if found is None else found.call


def _alike(plan: Anatomy, trial: Trial, answer: Sequence[Follower]) -> list[Follower]:
    """Return the followers of a trial that have the attributes which explained another."""
    wanted = {(one.attribute, one.place, one.axis) for one in answer}
    chosen = {
        (one.attribute, one.place, one.axis): one
        for one in reversed(_candidates(plan, trial))
        if (one.attribute, one.place, one.axis) in wanted
    }
    return list(chosen.values()) if chosen.keys() == wanted else []


def _candidates(plan: Anatomy, trial: Trial) -> list[Follower]:
    """Return followers for every number near a layer that equals a size which shrinks."""
    shrinking = _shrinking(plan, left_by(plan.bundles, [trial]))
    taken = {one.key for one in plan.followers}
    return [
        Follower(name, attribute, place, signal, axis)
        for name, module in _nearby(plan.body, trial.layer)
        for attribute, place, number in _numbers(module)
        if (name, attribute, place) not in taken
        for signal, axis in shrinking.get(number, [])
    ]


def _shrinking(plan: Anatomy, staying: Tensor) -> dict[int, list[tuple[Tensor, int]]]:
    """Return the axes that get shorter, by their size; one for each different length left."""
    found: dict[int, dict[int, tuple[Tensor, int]]] = {}
    seen: set[int] = set()
    for outputs in plan.seen.shapes:
        for _, signal in outputs:
            if signal is None or id(signal) in seen:
                continue
            seen.add(id(signal))
            if bool(staying[signal].all()):
                continue
            sizes = zip(signal.shape, sizes_left(signal, staying), strict=True)
            for axis, (size, left) in enumerate(sizes):
                if left is not None and left != size:
                    found.setdefault(size, {}).setdefault(left, (signal, axis))
    return {size: list(axes.values()) for size, axes in found.items()}


def _nearby(network: nn.Module, layer: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules around a layer, and its neighbours with what they contain."""
    parent = layer.rpartition(".")[0].rpartition(".")[0]
    around = {parent}
    while parent:
        parent = parent.rpartition(".")[0]
        around.add(parent)
    inside = layer.rpartition(".")[0].rpartition(".")[0]
    for name, module in network.named_modules():
        beside = name.startswith(inside + ".") if inside else name.count(".") == 0
        if (name in around or beside) and not _is_followed(module):
            yield name, module


def _is_followed(module: nn.Module) -> bool:
    """Tell whether the attributes of a module are set by what its weights say."""
    plain = type(module).__module__.startswith("torch.nn")
    return plain and isinstance(getattr(module, "weight", None), Tensor)


def _numbers(module: nn.Module) -> Iterator[tuple[str, int | None, int]]:
    """Yield the whole numbers above 1 in a module's attributes, with their places."""
    for attribute, value in vars(module).items():
        if attribute.startswith("_"):
            continue
        several = value if isinstance(value, list | tuple) else [value]
        for place, number in enumerate(several):
            if type(number) is int and number > 1:
                yield attribute, None if several is not value else place, number
