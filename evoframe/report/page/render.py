"""Rendering: values become a page by Jinja's templates, every text of a run escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoframe.errors import RunError
from evoframe.report.comparison import Curves
from evoframe.report.page import data as told
from evoframe.report.page.ancestry import ancestry
from evoframe.report.page.compared import compared, of_curves
from evoframe.report.page.facts import Facts
from evoframe.report.page.people import people
from evoframe.report.page.reproduce import reproduce
from evoframe.report.page.sizes import sizes
from evoframe.report.page.spent import spent
from evoframe.report.page.stays import stays
from evoframe.report.page.summary import summary
from evoframe.report.page.survival import survival
from evoframe.report.page.trade import trade
from evoframe.run.run import Run
from evoframe.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


def of_run(run: Run) -> str:
    """Return the page of a run, one HTML text that needs nothing else.

    Raises:
        RunError: nobody is on record yet.
    """
    facts = Facts.of(run)
    return rendered(
        "run.html",
        name=run.path.absolute().name,
        path=str(run.path),
        ending=facts.ending,
        summary=summary(facts),
        ancestry=ancestry(facts),
        trade=trade(facts),
        survival=survival(facts),
        sizes=sizes(facts),
        spent=spent(facts),
        stays=stays(facts),
        people=people(facts),
        reproduce=reproduce(facts),
        metric=facts.metric,
        data=told.data(told.of_run(facts)),
    )


def of_comparison(curves: Curves, targets: Sequence[float], path: Path, command: str) -> str:
    """Return the page of a comparison, one HTML text that needs nothing else.

    Args:
        curves: what was measured.
        targets: how many times fewer people want to look at.
        path: of the comparison.
        command: by which it is made.
    """
    return rendered(
        "compare.html",
        name=path.absolute().name,
        compared=compared(curves, targets),
        command=command,
        data=told.data(of_curves(curves)),
    )


def rendered(template: str, **values: Any) -> str:
    """Return the text of a template."""
    return _templates().get_template(template).render(version=__version__, **values)


def write(page: str, file: Path) -> None:
    """Write a page.

    Raises:
        RunError: it cannot be written there.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8")
    except OSError as error:
        raise RunError(f"the page {file} cannot be written: {error}") from error


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only where a page is made

    environment = Environment(
        loader=PackageLoader("evoframe.report.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["px"] = _pixels
    return environment


def _pixels(value: float) -> str:
    """Return a coordinate to a tenth of a pixel, without a zero that says nothing."""
    return f"{round(value, 1):g}"
