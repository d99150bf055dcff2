"""What happens to runs: damage, records, signals, growth; each case is a script."""

from __future__ import annotations

import pytest

from cases.judging import runs

FALLS_SHORT: dict[str, str] = {}
"""Cases of which evoframe falls short so far, and how. A repair takes its line away."""


def marked(name: str):
    reason = FALLS_SHORT.get(name)
    marks = [pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)]
    return pytest.param(name, marks=marks if reason else [])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [marked(name) for name in runs.names()])
def test_a_run_is_right_or_its_fault_is_told(name: str) -> None:
    short = runs.falls_short(name)

    assert not short, short


def test_what_falls_short_is_a_case() -> None:
    """A line without a file would excuse nothing."""
    assert set(FALLS_SHORT) <= set(runs.names())
