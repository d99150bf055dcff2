"""Networks and tasks as people have them: evoframe shrinks them exactly, or refuses in words."""

from __future__ import annotations

import pytest

from cases.judging import networks

FALLS_SHORT = {}
"""Cases of which evoframe falls short so far, and how. A repair takes its line away."""


def marked(name: str):
    reason = FALLS_SHORT.get(name)
    marks = [pytest.mark.xfail(reason=reason, raises=AssertionError)] if reason else []
    return pytest.param(name, marks=marks)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [marked(name) for name in networks.names()])
def test_a_network_is_shrunk_exactly_or_refused_in_words(name: str) -> None:
    case = networks.loaded(name)

    found = networks.judged(case)

    assert not networks.falls_short(case, found), found.why


def test_what_falls_short_is_a_case() -> None:
    """A line without a file would excuse nothing."""
    assert set(FALLS_SHORT) <= set(networks.names())
