"""Records as nobody would wish them: each has a page, whole, and without a figure made up."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from evoframe.kernel.individual import Fitness, Individual, Measurement, Origin
from evoframe.report.page import data, render
from evoframe.run.disk.account import Account
from evoframe.run.disk.entry import Entry
from evoframe.run.disk.facts import ENDING, PICK, SURVEY
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.journal import Journal
from evoframe.run.run import Run
from support.pages import Elements
from support.records import RECIPE

COSTS = {"synapses": 400.0, "parameters": 900.0, "bytes": 3600.0, "flops": 8000.0}
HALF = {name: value / 2 for name, value in COSTS.items()}


def one(name: str, parents: tuple[str, ...], value: float | None, costs=HALF, **more: Any):
    """Return an individual with a metric; stillborn without one."""
    generation, _, place = name[1:].partition("s")
    measured = None if value is None else {"score": Measurement(value, more.get("error", 0.01))}
    return Individual(
        id=name,
        generation=int(generation),
        place=int(place),
        parents=parents,
        origin=Origin.OFFSPRING if parents else Origin.ANCESTOR,
        key="",
        genotype_id="" if measured is None else name,
        fitness=None if measured is None else Fitness(measured, more.get("test", measured), costs),
        stillborn="" if measured else "of a <b>cause</b>",
    )


def page_of(path: Path, everyone: list[Individual], *, maximise: bool, account: bool) -> str:
    folder = RunFolder(path)
    folder.create()
    folder.recipe.write_text(RECIPE.format(generations=3, population=2, format=1))
    journal = Journal(folder.journal, writable=True)
    layers = [{"name": "a.weight", "shape": [4, 2], "channels": 4, "free": 4, "given_out": False}]
    survey = {"metrics": [{"name": "score", "maximise": maximise}], "layers": layers,
              "barriers": [], "seconds": 0.1}  # fmt: skip
    journal._base.execute("PRAGMA synchronous=OFF")
    journal.note(**{SURVEY: json.dumps(survey)})
    for individual in everyone:
        told = Account({"training": 1.0}, (2,), (3,)) if individual.is_alive else Account()
        journal.add(Entry(individual, "", 1.0, account=told if account else None))
    alive = [individual.id for individual in everyone if individual.is_alive]
    journal.note(**{ENDING: "it was enough", PICK: alive[-1]})
    journal.close()
    return render.of_run(Run(path))


FIRST = one("g1s0", (), 0.9, COSTS)
ODD = {
    "nobody but the ancestor": [FIRST],
    "all offspring stillborn": [FIRST, one("g2s0", ("g1s0",), None), one("g2s1", ("g1s0",), None)],
    "a metric that is not a number": [FIRST, one("g2s0", ("g1s0",), math.nan)],
    "an ancestor without a number": [one("g1s0", (), math.nan, COSTS), one("g2s0", ("g1s0",), 0.8)],
    "an infinite metric": [FIRST, one("g2s0", ("g1s0",), math.inf), one("g2s1", ("g1s0",), 0.5)],
    "an infinite error": [FIRST, one("g2s0", ("g1s0",), 0.7, error=math.inf)],
    "no error": [FIRST, one("g2s0", ("g1s0",), 0.7, error=None)],
    "all the same": [FIRST, one("g2s0", ("g1s0",), 0.9, COSTS)],
    "no FLOPs": [
        one("g1s0", (), 0.9, {"synapses": 4.0, "parameters": 9.0, "bytes": 9.0}),
        one("g2s0", ("g1s0",), 0.9, {"synapses": 2.0, "parameters": 4.0, "bytes": 4.0}),
    ],
    "nothing left": [FIRST, one("g2s0", ("g1s0",), 0.1, dict.fromkeys(COSTS, 0.0))],
    "no test": [FIRST, one("g2s0", ("g1s0",), 0.7, test={})],
    "huge and tiny": [one("g1s0", (), 1e300, COSTS), one("g2s0", ("g1s0",), 1e-300)],
    "below zero": [one("g1s0", (), -5.0, COSTS), one("g2s0", ("g1s0",), -7.5)],
}


@pytest.mark.parametrize("account", [True, False], ids=["accounts", "none"])
@pytest.mark.parametrize("maximise", [True, False], ids=["more", "less"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_has_a_page(
    name: str, tmp_path: Path, *, maximise: bool, account: bool
) -> None:
    page = page_of(tmp_path / "run", ODD[name], maximise=maximise, account=account)

    elements = Elements(page)
    ids = data.read(page)["individuals"]["id"]
    assert ids == [individual.id for individual in ODD[name]]
    for tag, attrs in elements.found:
        for value in ("x", "y", "cx", "cy", "d", "width", "viewBox"):
            assert "nan" not in (attrs.get(value) or ""), (tag, attrs)
            assert "inf" not in (attrs.get(value) or ""), (tag, attrs)
    assert "<b>cause" not in page


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(),
            st.floats(0, 1e12),
            st.none() | st.floats(min_value=0),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_any_figures_have_a_page(tmp_path_factory, figures, maximise) -> None:
    """Whatever was measured, the page is whole, and its data are JSON."""
    everyone = [FIRST] + [
        one(f"g2s{n}", ("g1s0",), value, dict.fromkeys(COSTS, size), error=error)
        for n, (value, size, error) in enumerate(figures)
    ]

    path = tmp_path_factory.mktemp("any") / "run"
    page = page_of(path, everyone, maximise=maximise, account=True)

    Elements(page)
    assert len(data.read(page)["individuals"]["id"]) == len(everyone)
