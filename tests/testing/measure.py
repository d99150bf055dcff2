"""Measure what each check of the kit takes, over all strategies that come with evoframe.

python tests/testing/measure.py            prints a table, and writes seconds.json
python tests/testing/measure.py encoding   strategies of some roles only, and writes nothing

The page docs/reference/checks.md shows the numbers. Exit code 1 if a check fails.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import torch
from test_built_ins import built_in

from evoframe.roles import Strategy
from evoframe.testing import checks_for
from evoframe.testing.case import Case
from evoframe.testing.catalogue import all_checks, failure
from evoframe.testing.trying import in_a_hurry
from evoframe.testing.verdicts import SECONDS

FILE = Path(__file__).with_name("seconds.json")


def main() -> int:
    """Try everything, print what it took, and return the exit code."""
    torch.set_num_threads(1)
    roles, failures = sys.argv[1:], 0
    by_check: dict[str, list[float]] = {}
    by_strategy: dict[str, float] = {}
    Case().dna()  # what is imported and surveyed first is no check's
    for strategy in sorted(built_in(), key=numbered()):
        if roles and strategy.role not in roles:
            continue
        began = clock()
        with in_a_hurry(SECONDS):
            for check in checks_for(strategy):
                start = clock()
                found = failure(check, strategy)
                by_check.setdefault(check.name, []).append(clock() - start)
                if found is not None:
                    failures += 1
                    print(found, flush=True)
        by_strategy[repr(strategy)] = round(clock() - began, 1)
        print(f"{by_strategy[repr(strategy)]:6.1f} s  {strategy!r}"[:110], flush=True)
        if not roles:  # as far as it is known, should there be no time for more
            known = [c.name for c in all_checks() if c.name in by_check]
            seconds = {name: round(mean(by_check[name]), 2) for name in known}
            found = {"strategies": len(by_strategy), "seconds": seconds}
            FILE.write_text(json.dumps(found, indent=1) + "\n")
    print(f"most: {max(by_strategy.values())} s, mean: {mean(by_strategy.values()):.1f} s")
    return 1 if failures else 0


def numbered() -> Callable[[Strategy], int]:
    """Return a key that sorts strategies: the first of every role, then the second ones."""
    seen: Counter[str] = Counter()

    def number(strategy: Strategy) -> int:
        seen[strategy.role] += 1
        return seen[strategy.role]

    return number


def clock() -> float:
    """Seconds of the CPU, those of finished children included."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


if __name__ == "__main__":
    sys.exit(main())
