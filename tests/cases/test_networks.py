"""Networks and tasks as people have them: evoframe shrinks them exactly, or refuses in words."""

from __future__ import annotations

import pytest

from cases.judging import networks

FALLS_SHORT = {
    "addcmul": "63% of the parameters can leave, a careful hand takes 90%",
    "channel_shuffle": "79% of the parameters can leave, a careful hand takes 85%",
    "circular_pad": "79% of the parameters can leave, a careful hand takes 90%",
    "frozen_batch_norm": "nothing can leave: scales and shifts that are computed",
    "gather_rows": "63% of the parameters can leave, a careful hand takes 90%",
    "grid_sample": "79% of the parameters can leave, a careful hand takes 90%",
    "group_norm": "nothing can leave: group norm mixes the channels of a group",
    "index_add_rows": "63% of the parameters can leave, a careful hand takes 90%",
    "instance_norm_affine": "nothing can leave: the norm's parameters are computed",
    "lerp": "63% of the parameters can leave, a careful hand takes 90%",
    "logsumexp_over_time": "63% of the parameters can leave, a careful hand takes 90%",
    "matrix_of_its_own": "refused: no parameter is found that may evolve",
    "max_unpool": "79% of the parameters can leave, a careful hand takes 90%",
    "maximum_of_two": "63% of the parameters can leave, a careful hand takes 90%",
    "scatter_add_rows": "63% of the parameters can leave, a careful hand takes 90%",
    "softsign": "63% of the parameters can leave, a careful hand takes 90%",
}
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
