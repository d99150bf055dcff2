"""Keeping: what one call leaves behind, no later one finds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from evoframe.kernel.key import Key, sealed, untouched
from evoframe.roles import Split
from evoframe.testing.case import Case, Choice
from evoframe.testing.catalogue import CALLED, Stage, law
from evoframe.testing.held import held
from evoframe.testing.prepared import prepared
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import broken

ROUNDS = (2, 3, 5)
"""Calls until one looks: what is filled once is full after the first two, what grows goes on."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@law(*CALLED, "task", stage=Stage.ANSWER)
def check_keeps_nothing_between_calls(strategy: Any) -> None:
    """Called again and again with the same arguments, what it and its module hold stays the same.

    A strategy is used for many lives, in any order and in several processes, and a count that
    matters at the thousandth call is wrong from the first. A cache is no fault: it is full after
    the first call. What a life must remember is kept by a nurture's companion (``begin``).
    """
    use, looks = _use(strategy), []
    for count in ROUNDS:
        for _ in range(count):
            try:
                with untouched():
                    use()
            except Exception:  # noqa: BLE001  another check tells of it
                return
        looks.append(held(strategy))
    first, second, third = looks
    for name in first:
        if len({one.get(name) for one in (first, second, third)}) == len(looks):
            broken(
                f"{name} is another after {ROUNDS[0]}, {sum(ROUNDS[:2])} and {sum(ROUNDS)} calls"
            )


def _use(strategy: Any) -> Callable[[], Any]:
    """Return a function that calls a strategy, always with the same arguments."""
    if strategy.role == "task":
        return lambda: _pass_over(strategy)
    roomy = Case(Specimen("normed", 4))
    case: Any = Choice((0.5, 0.75, 0.25)) if strategy.role == "selection" else roomy
    if strategy.role in ("litter", "training", "nurture"):  # they change what they are given
        return lambda: prepared(strategy, case).call()
    return prepared(strategy, case).call


def _pass_over(task: Any) -> None:
    """Read some of each split, and learn and measure once."""
    with sealed(Key(0)):
        network = task.ancestor(Key(0))
        for split, shuffle in itertools.product(SPLITS, (None, Key(1))):
            for batch in itertools.islice(task.batches(split, shuffle=shuffle), 1):
                if split == "train":
                    task.step(network, batch)
                else:
                    with torch.no_grad():
                        task.measure(network.eval(), batch)
