"""The arms of `reproductions.py`: recipes as they stand, and with one thing changed.

What tells most stands first, so a short time gives the best of it. Seconds are those of the CPU for
one seed, measured or by the epochs, without the ancestor, of which there is one for each seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Arm:
    """A recipe with one thing changed.

    Attributes:
        recipe: its name.
        change: what is changed, in words.
        seconds: about what one seed costs.
        options: assignments, as on the command line.
        choices: strategies by role table, and options of the run.
    """

    recipe: str
    change: str
    seconds: int
    options: tuple[str, ...] = ()
    choices: Mapping[str, Any] = attrs.field(factory=dict)


AS_IT_STANDS = "as it stands"

LIVES = {"polyploid-2017": 3, "mating-1709": 5, "genetag-1811": 3}
"""Epochs of a life, as in the comparison of all recipes at equal epochs of all descendants."""

ENOUGH = {"generations": 40, "until": "500x"}
"""Where a run ends: the best of its generation must be beyond 258 times, not the smallest."""


def _arm(
    recipe: str, change: str, seconds: int, *options: str, life: float = 1, **choices: Any
) -> Arm:
    """Return an arm whose lives are so many times as long as they are without a change."""
    epochs = f"training.epochs={round(life * LIVES[recipe])}"
    return Arm(recipe, change, seconds, (epochs, *options), {**ENOUGH, **choices})


OF_PAPERS = {
    "polyploid-base": _arm("polyploid-2017", AS_IT_STANDS, 120),
    "polyploid-gentle": _arm(
        "polyploid-2017", "0.9 may live, not 0.7", 270, "environment.retention=0.9"
    ),
    "polyploid-gentle-short": _arm(
        "polyploid-2017", "0.9 may live, and lives of 1 epoch", 150, "environment.retention=0.9",
        life=1 / 3,
    ),
    "polyploid-chosen": _arm(
        "polyploid-2017", "the best five of eight are parents", 170,
        "selection.share=0.625", population=8, selection="truncation",
    ),
    "polyploid-alone": _arm(
        "polyploid-2017", "one parent, of which 0.14 may live", 70,
        "environment.retention=0.14", heredity="asexual",
    ),
    "polyploid-sum": _arm(
        "polyploid-2017", "the sum of strengths, no geometric mean", 120, "heredity.strength=sum"
    ),
    "polyploid-repair": _arm(
        "polyploid-2017", "layers of newborns are repaired", 145, nurture=["repair"]
    ),
    "polyploid-long": _arm("polyploid-2017", "lives of 9 epochs", 300, life=3),
    "polyploid-slow": _arm(
        "polyploid-2017", "step size of training 0.01, not 0.05", 120,
        "training.learning_rate=0.01",
    ),
    "polyploid-magnitude": _arm(
        "polyploid-2017", "the strongest live, nothing is drawn", 120, encoding="magnitude"
    ),
    "polyploid-layer": _arm(
        "polyploid-2017", "the same share of every layer", 120, "environment.scope=layer"
    ),
    "polyploid-first": _arm(
        "polyploid-2017", "weights of the first parent, no mean", 120, "heredity.weights=first"
    ),
    "polyploid-product": _arm(
        "polyploid-2017", "the literal product of strengths", 120, "heredity.strength=product"
    ),
    "mating-base": _arm("mating-1709", AS_IT_STANDS, 140),
    "mating-gentle": _arm(
        "mating-1709", "0.9 may live, not 0.7", 300, "environment.retention=0.9"
    ),
    "mating-gentle-short": _arm(
        "mating-1709", "0.9 may live, and lives of 2 epochs", 170, "environment.retention=0.9",
        life=2 / 5,
    ),
    "mating-geometric": _arm(
        "mating-1709", "the geometric mean of strengths, no sum", 140,
        "heredity.strength=geometric",
    ),
    "mating-chosen": _arm(
        "mating-1709", "the best two of three are parents", 140,
        "selection.share=0.66", selection="truncation",
    ),
    "mating-repair": _arm(
        "mating-1709", "layers of newborns are repaired", 165, nurture=["repair"]
    ),
    "mating-long": _arm("mating-1709", "lives of 10 epochs", 280, life=2),
    "mating-slow": _arm(
        "mating-1709", "step size of training 0.01, not 0.05", 140, "training.learning_rate=0.01"
    ),
    "mating-magnitude": _arm(
        "mating-1709", "the strongest live, nothing is drawn", 140, encoding="magnitude"
    ),
    "genetag-base": _arm("genetag-1811", AS_IT_STANDS, 100),
    "genetag-any": _arm(
        "genetag-1811", "a synapse needs any holder of its cluster, not all", 290,
        "heredity.within=any",
    ),
    "genetag-gentle": _arm(
        "genetag-1811", "0.2 must go, not 0.5", 200, "environment.removal=0.2"
    ),
    "genetag-long": _arm("genetag-1811", "lives of 9 epochs", 260, life=3),
    "genetag-repair": _arm(
        "genetag-1811", "layers of newborns are repaired", 125, nurture=["repair"]
    ),
}  # fmt: skip
"""Recipes of the papers."""

BEST = {
    name: Arm("best-mnist", change, seconds, options, choices)
    for name, change, seconds, options, choices in (
        ("best-half", "lives of 2 epochs, not 5", 90, ("training.epochs=2",), {}),
        (
            "best-half-fittest", "lives of 2 epochs, the fittest of 20", 130,
            ("training.epochs=2", "litter.size=20", "litter.examples=400"), {"litter": "fittest"},
        ),
        (
            "best-half-halving", "lives of 2 epochs, the last of 6 by halving", 140,
            (
                "training.epochs=2", "litter.size=6", "litter.examples=400",
                "litter.siblings=[3]", "litter.epochs=[0.2]",
            ),
            {"litter": "halving"},
        ),
        ("best-three", "lives of 3 epochs", 120, ("training.epochs=3",), {}),
        ("best-full", AS_IT_STANDS, 200, (), {}),
    )
}  # fmt: skip
"""The recipe at about half of its epochs, by what they are spent on."""

ORDER = (
    "mating-gentle", "genetag-any", "polyploid-gentle", "polyploid-base", "mating-base",
    "genetag-base", "polyploid-gentle-short", "best-half", "best-half-halving",
    "best-half-fittest", "polyploid-chosen", "polyploid-alone", "polyploid-sum",
    "mating-gentle-short", "best-three", "mating-geometric", "genetag-gentle", "polyploid-long",
    "polyploid-repair", "mating-chosen", "best-full", "polyploid-magnitude", "polyploid-slow",
)  # fmt: skip
"""What tells most, first; of that, what takes longest."""

ARMS = {name: (OF_PAPERS | BEST)[name] for name in dict.fromkeys((*ORDER, *OF_PAPERS, *BEST))}
"""All arms by name, in the order of their worth."""
