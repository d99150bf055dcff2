"""What there is of the reproductions, as tables in Markdown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reproductions_arms import AS_IT_STANDS, Arm
from reproductions_births import DEAF

from evoframe.report.comparison import interpolated

Result = dict[str, Any]

STORAGE = (100e3, 50e3, 25e3, 12e3, 7e3)
"""Bytes of a network, all its numbers stored densely, at which accuracies are told too."""

MARKS = (10, 48, 125, 150, 258)
"""Times fewer synapses at which accuracies are told."""


def tables(out: Path, arms: Mapping[str, Arm]) -> list[str]:
    """Return the tables of each recipe, as far as there are results."""
    found: dict[str, list[Result]] = {}
    for file in sorted(out.glob("*.json")):
        result = json.loads(file.read_text())
        if result["arm"] in arms:
            found.setdefault(result["arm"], []).append(result)
    lines: list[str] = []
    for recipe in sorted({arm.recipe for arm in arms.values()}):
        mine = {name: found[name] for name in arms if name in found}
        mine = {name: ones for name, ones in mine.items() if arms[name].recipe == recipe}
        # What the others are changes of stands first.
        mine = dict(sorted(mine.items(), key=lambda item: arms[item[0]].change != AS_IT_STANDS))
        if mine:
            lines += ["", f"`{recipe}`", "", *by_arm(mine, arms)]
            lines += ["", f"`{recipe}`, at equal storage", "", *by_storage(mine, arms)]
        for name, ones in mine.items():
            if arms[name].change == AS_IT_STANDS and recipe != "best-mnist":
                lines += [
                    "",
                    f"`{recipe}`, {AS_IT_STANDS}, by generation",
                    "",
                    *by_generation(ones),
                ]
    return lines


def by_arm(found: Mapping[str, Sequence[Result]], arms: Mapping[str, Arm]) -> list[str]:
    """Return a row for each arm: accuracies at equal synapses, and what was lost by seed."""
    lost = [f"points lost at {mark}x, by seed" for mark in MARKS[-2:]]
    head = ["what is changed", "epochs of a life", "of all", *(f"{mark}x" for mark in MARKS), *lost]
    head += ["stillborn", "born deaf", "deaf after its life", "CPU s"]
    lines = [row(head), "|---" * len(head) + "|"]
    for name, ones in found.items():
        values = [[at(one, mark) for one in ones] for mark in MARKS]
        lines.append(
            row(
                [
                    arms[name].change,
                    str(ones[0]["life"]),
                    f"{statistics.fmean([one['epochs'] for one in ones]):.0f}",
                    *(in_words(column) for column in values),
                    *(losses(ones, column) for column in values[-2:]),
                    count(ones, lambda one: bool(one["stillborn"])),
                    count(ones, deaf_at("born")),
                    count(ones, deaf_at("grown")),
                    f"{statistics.fmean([one['cpu'] for one in ones]):.0f}",
                ]
            )
        )
    return lines


def at(result: Result, mark: float) -> float | None:
    """Return the test accuracy at so many times fewer synapses, in per cent."""
    whole = result["individuals"][0]["synapses"]
    points = [(whole / one["synapses"], 100 * one["test"]) for one in best(result)]
    return interpolated(points, mark)


def by_storage(found: Mapping[str, Sequence[Result]], arms: Mapping[str, Arm]) -> list[str]:
    """Return a row for each arm: accuracies at equal numbers of bytes."""
    head = ["what is changed", *(f"{size / 1e3:g} kB" for size in STORAGE)]
    lines = [row(head), "|---" * len(head) + "|"]
    for name, ones in found.items():
        curves = [[(one["bytes"], 100 * one["test"]) for one in best(each)] for each in ones]
        cells = [in_words([interpolated(curve, size) for curve in curves]) for size in STORAGE]
        lines.append(row([arms[name].change, *cells]))
    return lines


def best(result: Result) -> list[Result]:
    """Return the best of each generation by validation."""
    alive = [one for one in result["individuals"] if "test" in one and one["synapses"]]
    generations = sorted({one["generation"] for one in alive})
    return [
        max(
            (one for one in alive if one["generation"] == generation),
            key=lambda one: (one["validation"], -one["synapses"]),
        )
        for generation in generations
    ]


def losses(ones: Sequence[Result], values: Sequence[float | None]) -> str:
    """Return the points that each seed lost of its ancestor's accuracy."""
    wholes = [100 * one["individuals"][0]["test"] for one in ones]
    return ", ".join(
        "-" if value is None else f"{whole - value:.1f}"
        for whole, value in zip(wholes, values, strict=True)
    )


def deaf_at(when: str) -> Callable[[Result], bool]:
    """Return a function that tells whether the outputs of somebody did not differ then."""

    def is_deaf(one: Result) -> bool:
        birth = one.get("birth")
        return birth is not None and birth[when]["deviation"] < DEAF

    return is_deaf


def count(ones: Sequence[Result], which: Callable[[Result], bool]) -> str:
    """Return how many of all descendants are such."""
    everybody = [other for one in ones for other in one["individuals"][1:]]
    return f"{sum(map(which, everybody))} of {len(everybody)}"


def by_generation(ones: Sequence[Result]) -> list[str]:
    """Return a row for each generation: what parents have, share and leave, and what that can do.

    Sizes are geometric means over everybody of all seeds.
    """
    head = (
        "generation", "a parent has", "parents share", "may live", "is left", "fewer",
        "shared, whole", "left, with mean weights", "left, with one parent's",
        "narrowest layer, channels", "of them fire",
        "after its life", "best after its life", "born deaf", "deaf after its life", "stillborn",
    )  # fmt: skip
    lines = [row(head), "|---" * len(head) + "|"]
    everybody = [other for one in ones for other in one["individuals"][1:]]
    whole = ones[0]["individuals"][0]["synapses"]
    for generation in sorted({one["generation"] for one in everybody}):
        here = [one for one in everybody if one["generation"] == generation]
        born = [one["birth"] for one in here if one.get("birth")]
        if not born:
            continue
        left = size([sum(one["left"]) for one in born])
        finest = [one["test"] for r in ones for one in best(r) if one["generation"] == generation]
        lines.append(
            row(
                [
                    str(generation),
                    f"{size([sum(one['parents']) for one in born]):,.0f}",
                    f"{size([sum(one['shared']) for one in born]):,.0f}",
                    f"{size([one['allowed'] for one in born]):,.0f}",
                    f"{left:,.0f}",
                    f"{whole / left:.3g}x",
                    *(
                        in_words([100 * one[name]["accuracy"] for one in born if name in one])
                        for name in ("whole", "born", "first")
                    ),
                    *narrowest(born),
                    in_words([100 * one["test"] for one in here if "test" in one]),
                    in_words([100 * one for one in finest]),
                    *(
                        f"{sum(map(deaf_at(when), here))} of {len(here)}"
                        for when in ("born", "grown")
                    ),
                    str(sum(bool(one["stillborn"]) for one in here)),
                ]
            )
        )
    return lines


def narrowest(born: Sequence[Result]) -> list[str]:
    """Return how many channels the narrowest layer of newborns has, and how many of them fire."""
    layers = [min(one["born"]["firing"], key=lambda layer: (layer[1], layer[0])) for one in born]
    return [
        f"{statistics.fmean(column):.1f}"
        for column in ([w for _, w in layers], [f for f, _ in layers])
    ]


def size(numbers: Sequence[float]) -> float:
    """Return the geometric mean of sizes."""
    return statistics.geometric_mean([max(one, 1) for one in numbers])


def in_words(values: Sequence[float | None]) -> str:
    """Return mean and standard deviation in per cent, and how many have a value if not all."""
    known = [one for one in values if one is not None]
    if not known:
        return "-"
    words = f"{statistics.fmean(known):.2f}"
    if len(known) > 1:
        words += f" ± {statistics.stdev(known):.2f}"
    return f"{words} %" + ("" if len(known) == len(values) else f" ({len(known)} of {len(values)})")


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"
