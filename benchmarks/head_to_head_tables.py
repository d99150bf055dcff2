"""What there is of the head-to-head, as a table and as a picture."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def results(out: Path) -> list[Result]:
    """Return all results of a folder, in the order of their names."""
    return [json.loads(file.read_text()) for file in sorted(out.glob("*.json"))]


def grouped(found: list[Result]) -> dict[tuple[Any, ...], list[Result]]:
    """Return results by all that they were asked for but the seed."""
    by: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for one in found:
        by[tuple(one[name] for name in ("problem", "factor", "passes", "rate", "teacher", "arm"))].append(one)
    return by


def table(out: Path) -> str:
    """Return a table in Markdown: a row an arm, the best on validation first."""
    found = grouped(results(out))
    head = "| problem | factor | passes | rate | teacher | arm | share | epochs | CPU s | untrained | validation | test | seeds |"
    rows = [head, "|---" * 13 + "|"]

    def order(item: tuple[tuple[Any, ...], list[Result]]) -> tuple[Any, ...]:
        return (*item[0][:5], -mean(item[1], "validation"))

    for key, ones in sorted(found.items(), key=order):
        share = statistics.mean(one["share"] for one in ones)
        epochs = statistics.mean(one["epochs"] for one in ones)
        seconds = statistics.mean(sum(one["seconds"]) for one in ones)
        values = " ".join(f"{100 * primary(one, 'test'):.1f}" for one in ones)
        rows.append(
            f"| {key[0]} | {key[1]:g} | {key[2]:,} | {key[3]:g} | {'yes' if key[4] else 'no'} | {key[5]} "
            f"| {share:.3f} | {epochs:.1f} | {seconds:.0f} | {100 * mean(ones, 'untrained'):.1f} | {100 * mean(ones, 'validation'):.1f} "
            f"| {values} | {len(ones)} |"
        )
    return "\n".join(rows)


def primary(result: Result, split: str) -> float:
    """Return the first of the metrics on a split."""
    return float(next(iter(result[split].values())))


def mean(found: list[Result], split: str) -> float:
    """Return the mean of the first metric."""
    return statistics.mean(primary(one, split) for one in found)


def picture(out: Path, problem: str) -> str:
    """Return a drawing."""
    raise NotImplementedError
