"""What there is of the head-to-head, as a table and as a picture."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

Result = dict[str, Any]

ASKED = ("problem", "factor", "passes", "rate", "teacher", "arm")
"""What results are grouped by: all but the seed."""

COLUMNS = (
    *ASKED,
    "share of FLOPs",
    "epochs",
    "CPU s",
    "before training",
    "validation",
    "test, each seed",
)

COLOURS = ("#b4432f", "#2f6fb4", "#3c8c4a", "#8a5fb0", "#b08a2f", "#555555")
"""Of arms, in the order in which they were named."""

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 640, 400, 60, 30, 50, 20


def results(out: Path) -> list[Result]:
    """Return all results of a folder, in the order of their names."""
    return [json.loads(file.read_text()) for file in sorted(out.glob("*.json"))]


def grouped(found: list[Result]) -> dict[tuple[Any, ...], list[Result]]:
    """Return results by all that they were asked for but the seed."""
    by: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for one in found:
        by[tuple(one[name] for name in ASKED)].append(one)
    return by


def table(out: Path) -> str:
    """Return a table in Markdown: a row an arm, the best on validation first."""

    def order(item: tuple[tuple[Any, ...], list[Result]]) -> tuple[Any, ...]:
        return (*item[0][:5], -mean(item[1], "validation"))

    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for asked, ones in sorted(grouped(results(out)).items(), key=order):
        cells = [
            *(f"{one:g}" if isinstance(one, float) else str(one) for one in asked),
            f"{statistics.mean(one['share'] for one in ones):.3f}",
            f"{statistics.mean(one['epochs'] for one in ones):.1f}",
            f"{statistics.mean(sum(one['seconds']) for one in ones):.0f}",
            *(f"{100 * mean(ones, split):.1f}" for split in ("untrained", "validation")),
            ", ".join(f"{100 * primary(one, 'test'):.1f}" for one in ones),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def primary(result: Result, split: str) -> float:
    """Return the first of the metrics on a split."""
    return float(next(iter(result[split].values())))


def mean(found: list[Result], split: str) -> float:
    """Return the mean of the first metric."""
    return statistics.mean(primary(one, split) for one in found)


LABELS = {
    "torch-pruning-magnitude-local": "Torch-Pruning, one cut, by layer",
    "torch-pruning-magnitude-global": "Torch-Pruning, one cut, over all layers",
    "torch-pruning-magnitude-global-2-generations": "Torch-Pruning, two generations",
    "magnitude-layer-restated-repaired": "evoframe, one cut",
    "magnitude-layer-restated-depth-repaired": "evoframe, one cut, whole blocks leave too",
}
"""What arms are called in a picture."""

TITLES = {
    "resnet20": "ResNet-20, CIFAR-10 as JPEG of quality 75",
    "resnet56": "ResNet-56, CIFAR-10 as JPEG of quality 75",
    "unet": "U-Net, ECSSD at 96 pixels",
}


def picture(out: Path, problem: str, passes: int, rate: float, arms: list[str]) -> str:
    """Return a drawing (SVG) of the first metric on test against the share of FLOPs.

    A line an arm through the means of its seeds, a dot for each seed, and the ancestor dashed.
    """
    found = [
        one
        for one in results(out)
        if (one["problem"], one["passes"], one["rate"]) == (problem, passes, rate)
        and not one["teacher"]
        and one["arm"] in arms
    ]
    whole = 100 * primary(found[0]["ancestor"], "test")
    values = [100 * primary(one, "test") for one in found]
    low, high = 5 * int(min(values) // 5), 5 * int(whole // 5 + 1)

    def x(share: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * share / 0.55

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"
        font-family="sans-serif" font-size="12">""",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for value in range(low, high + 1, 5):
        parts.append(_line([(LEFT, y(value)), (WIDTH - RIGHT, y(value))], "#dddddd"))
        parts.append(_text(LEFT - 8, y(value) + 4, str(value), "end"))
    parts += [
        _text(x(1 / factor), HEIGHT - BOTTOM + 18, f"{factor:g}x fewer", "middle")
        for factor in sorted({one["factor"] for one in found})
    ]
    parts.append(_text(WIDTH / 2, HEIGHT - 10, "FLOPs that are left", "middle"))
    parts.append(_text(LEFT, 18, f"test, %: {TITLES[problem]}; dashed: before the cut", "start"))
    parts.append(_line([(LEFT, y(whole)), (WIDTH - RIGHT, y(whole))], "#555555", "6 4"))
    for arm, colour in zip(arms, COLOURS, strict=False):
        mine = [one for one in found if one["arm"] == arm]
        means = []
        for factor in sorted({one["factor"] for one in mine}, reverse=True):
            ones = [one for one in mine if one["factor"] == factor]
            share = statistics.mean(one["share"] for one in ones)
            means.append((x(share), y(100 * mean(ones, "test"))))
            parts += [
                f'<circle cx="{x(one["share"]):.1f}" cy="{y(100 * primary(one, "test")):.1f}" '
                f'r="3" fill="{colour}" fill-opacity="0.5"/>'
                for one in ones
            ]
        parts.append(_line(means, colour, width=2))
        place = HEIGHT - BOTTOM - 12 - 18 * arms.index(arm)
        parts.append(_line([(WIDTH - 330, place - 4), (WIDTH - 305, place - 4)], colour, width=2))
        parts.append(_text(WIDTH - 298, place, LABELS.get(arm, arm), "start"))
    return "\n".join([*parts, "</svg>", ""])


def _line(
    points: list[tuple[float, float]], colour: str, dashes: str = "none", width: float = 1
) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        f'stroke-dasharray="{dashes}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
