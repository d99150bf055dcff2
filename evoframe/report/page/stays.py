"""What stays: the barriers of the survey, each with what it holds back and what helps."""

from __future__ import annotations

import attrs

from evoframe.report.page.facts import Facts
from evoframe.report.page.words import NONE, listed

MOST = 40
"""How many barriers have a row."""


@attrs.frozen
class Stays:
    """What cannot leave the network.

    Attributes:
        rows: where, why, the shares of parameters and FLOPs it holds back, and what to try.
        more: barriers that are left out.
        words: sentences.
    """

    rows: tuple[tuple[str, str, str, str, str], ...]
    more: int
    words: tuple[str, ...]


def stays(facts: Facts) -> Stays:
    """Return the reasons for which channels stay, those that hold back most first."""
    if not facts.survey:
        words = (
            "Barriers are not on record: an earlier version of evoframe made this run. "
            "evoframe inspect shows them, from the task."
        )
        return Stays((), 0, (words,))
    rows = tuple(
        (
            str(one["what"]),
            str(one["reason"]),
            f"{one['parameters']:.0%}",
            NONE if one["flops"] is None else f"{one['flops']:.0%}",
            str(one["remedy"]),
        )
        for one in facts.barriers[:MOST]
    )
    return Stays(rows, max(len(facts.barriers) - MOST, 0), tuple(_words(facts)))


def _words(facts: Facts) -> list[str]:
    found = [] if facts.barriers else ["Nothing stands in the way: no operation keeps channels."]
    outputs = [str(layer["name"]) for layer in facts.layers if layer["given_out"]]
    if outputs:
        found.append(
            f"Channels of {listed(outputs)} stay because the network gives them out. If you need "
            "only some of its outputs, let it give no others."
        )
    return found
