"""Faulty plugins are caught or stopped by name; correct ones conform, and run."""

from __future__ import annotations

import pytest

from cases.judging import plugins

FALLS_SHORT: dict[str, str] = {}
"""Cases of which evoframe falls short so far, and how. A repair takes its line away."""


def marked(name: str):
    reason = FALLS_SHORT.get(name)
    marks = [pytest.mark.xfail(reason=reason, raises=AssertionError)] if reason else []
    return pytest.param(name, marks=marks)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [marked(name) for name in plugins.names()])
def test_a_plugin_is_judged_rightly(name: str) -> None:
    holds, got = plugins.judged(plugins.loaded(name))

    assert holds, got


def test_what_falls_short_is_a_case() -> None:
    """A line without a file would excuse nothing."""
    assert set(FALLS_SHORT) <= set(plugins.names())
