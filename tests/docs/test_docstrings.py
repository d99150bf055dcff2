"""The examples in docstrings: what a Python user calls, as it is called, and what it gives."""

from __future__ import annotations

import doctest
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import evoframe

ORDER = (
    "evoframe", "evolve", "resume", "open_run", "Run", "load", "plain", "ask_tell", "shrink",
    "shrunk", "latency_table", "over_data_set", "Arguments", "Key",
)  # fmt: skip
"""Each goes on from those before it."""

LATER = {
    "Asked",
    "Recipe",
    "Session",
    "Shrunk",
    "hookimpl",
    "task",
    "EvoframeError",
    "__version__",
    "CONTRACT",
}
"""What has no example of its own: ``task`` has that of the package."""


def examples_of(name: str) -> list[doctest.DocTest]:
    if name == "evoframe":
        text = str(evoframe.__doc__)
        return [doctest.DocTestParser().get_doctest(text, {}, name, evoframe.__file__, 0)]
    one, finder = getattr(evoframe, name), doctest.DocTestFinder()
    return [case for case in finder.find(one, name, import_module(one.__module__)) if case.examples]


@pytest.mark.slow
def test_the_examples_in_docstrings_give_what_they_say(tmp_path: Path, monkeypatch) -> None:
    """In the order of a first session, in one namespace."""
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    names: dict[str, Any] = {"pickle": pickle}
    report: list[str] = []
    for name in ORDER:
        cases = examples_of(name)
        assert cases, name
        for case in cases:
            case.globs = names
            runner.run(case, out=report.append, clear_globs=False)

    assert not runner.summarize(verbose=False).failed, "".join(report)


def test_whatever_is_called_has_an_example() -> None:
    """A name without one is a name that somebody must guess at."""
    assert set(evoframe.__all__) == {*ORDER, *LATER} - {"evoframe"}
