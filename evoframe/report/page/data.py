"""Data: all that a page is made of, in it as JSON, compressed where it is long."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import attrs

from evoframe.errors import RunError
from evoframe.kernel.individual import Individual
from evoframe.report.page.facts import Facts
from evoframe.run.described import described

LONG = 30_000
"""Characters from which on data are compressed."""

_SCRIPT = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
_LINK = re.compile(r'id="data"[^>]*href="data:application/gzip;base64,([^"]*)"')


@attrs.frozen
class Data:
    """Data in a page: as they are, or as the address of a file to be saved.

    Attributes:
        value: to be written as JSON; None if they are in the link.
        link: the address of the compressed file; empty if they are not compressed.
        size: of the JSON, in bytes.
    """

    value: Any
    link: str
    size: int


def data(value: Any) -> Data:
    """Return values as they stand in a page."""
    plain = _plain(value)
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
    if len(text) <= LONG:
        return Data(plain, "", len(text))
    # Without a time in its header the same run makes the same page.
    squeezed = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    return Data(None, f"data:application/gzip;base64,{squeezed}", len(text))


def _plain(value: Any) -> Any:
    """Return a value with numbers that JSON does not have as words, such as infinities."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    known = value is None or isinstance(value, str | int | float)
    return value if known and (not isinstance(value, float) or math.isfinite(value)) else str(value)


def read(page: str) -> Any:
    """Return the data of a page.

    Raises:
        RunError: there are none.
    """
    if found := _SCRIPT.search(page):
        return json.loads(found[1])
    if found := _LINK.search(page):
        return json.loads(gzip.decompress(base64.b64decode(unescape(found[1]))))
    raise RunError("this page holds no data; wanted one that evoframe wrote.")


def of_run(facts: Facts) -> dict[str, Any]:
    """Return all that a page tells of a run, for other programs."""
    return {
        "kind": "run",
        "digest": facts.run.digest(),
        "finished": facts.ending,
        "best": facts.best.id,
        "metrics": [attrs.asdict(one) for one in facts.metrics],
        "seconds": facts.seconds,
        "recipe": facts.tables,
        "record": dict(facts.recorded),
        "survey": dict(facts.survey),
        "latency": dict(facts.latency),
        "remarks": facts.remarks(),
        "individuals": _columns([_individual(facts, one) for one in facts.everyone]),
        "channels": _channels(facts),
    }


def _individual(facts: Facts, one: Individual) -> dict[str, Any]:
    """Return all there is to say of an individual as a flat row."""
    told = described(one, facts.run.efficiency(one))
    row = {name: told[name] for name in ("id", "generation", "parents", "origin", "stillborn")}
    row["seconds"] = facts.entries[one.id].seconds
    for kind in ("costs", "metrics", "errors"):
        row |= {f"{kind}.{name}": value for name, value in told[kind].items()}
    phases = facts.account(one).phases
    row |= {f"phases.{name}": value for name, value in phases.items()}
    return {name: _short(value) for name, value in row.items()}


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns: equal things lie together, and take a third of the bytes."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _channels(facts: Facts) -> dict[str, list[int | None]]:
    """Return the channels of each layer, for all individuals in their order."""
    found = [facts.account(one).channels for one in facts.everyone]
    return {
        str(layer["name"]): [left[index] if left else None for left in found]
        for index, layer in enumerate(facts.layers)
    }


def _short(value: Any) -> Any:
    """Return a number with as many digits as anybody compares."""
    return float(f"{value:.7g}") if isinstance(value, float) else value
