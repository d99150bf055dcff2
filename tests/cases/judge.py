"""The cases, judged and told in a table; exit code 1 while evoframe falls short of any.

python tests/cases/judge.py                             all of them
python tests/cases/judge.py runs wrapped_forward        a folder, and one by its name
python tests/cases/judge.py wrapped_forward --trace     where a crash comes from
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from cases.judging import networks, plugins, runs

LIMIT = 120
"""Seconds of a network."""


def chosen(words: list[str]) -> Iterator[tuple[str, str]]:
    """Folders and names of the cases that were asked for, by folder or by name."""
    every = [("networks", name) for name in networks.names()]
    every += [("plugins", name) for name in plugins.names()]
    every += [("runs", name) for name in runs.names()]
    known = {word for pair in every for word in pair}
    for word in words:
        if word not in known:
            raise SystemExit(f"there is no case {word!r}")
    yield from (pair for pair in every if not words or set(pair) & set(words))


def network_row(name: str, *, trace: bool) -> tuple[list[str], str]:
    """The cells of a network, and what is missing."""
    case = networks.loaded(name)
    signal.alarm(LIMIT)
    found = networks.judged(case, trace=trace)
    signal.alarm(0)
    short = networks.falls_short(case, found)
    least = f" {case.SHARE:.0%}" if hasattr(case, "SHARE") else ""
    error = "" if found.error is None else f"{found.error:.0e}"
    share = "" if found.share is None else f"{found.share:.0%}"
    return [f"{case.EXPECT}{least}", found.got, error, share], short and f"{short}: {found.why}"


def plugin_row(name: str) -> tuple[list[str], str]:
    """The cells of a plugin, and what is missing."""
    case = plugins.loaded(name)
    holds, got = plugins.judged(case)
    return [case.expected, got.partition(":")[0], "", ""], "" if holds else got


def run_row(name: str) -> tuple[list[str], str]:
    """The cells of a script, and what is missing."""
    short = runs.falls_short(name)
    return ["right", "short" if short else "right", "", ""], short


def row(folder: str, name: str, *, trace: bool) -> tuple[list[str], str]:
    """The cells of a case, and what is missing."""
    if folder == "networks":
        return network_row(name, trace=trace)
    return plugin_row(name) if folder == "plugins" else run_row(name)


def late(*_: Any) -> None:
    """End a case that takes too long."""
    raise TimeoutError(f"more than {LIMIT} s")


def main() -> int:
    """Print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", metavar="NAME", help="cases, or folders of cases")
    parser.add_argument("--trace", action="store_true", help="show where a crash came from")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    total = failures = 0
    print("| case | expected | got | error | share | falls short |\n|---|---|---|---|---|---|")
    for folder, name in chosen(given.words):
        cells, short = row(folder, name, trace=given.trace)
        total, failures = total + 1, failures + bool(short)
        told = " ".join(short.split())[:230].replace("|", "/")
        print(f"| {name} | {' | '.join(cells)} | {told} |", flush=True)
    print(f"\n{total} cases, {failures} fall short")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
