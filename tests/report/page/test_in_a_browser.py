"""Pages in a real browser: nothing is asked for, nothing goes wrong, and nothing sticks out.

Needs Chromium (Debian's package ``chromium``). `make test` skips these tests where there is none;
with EVOFRAME_BROWSER=required, as in continuous integration, they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import evoframe
from evoframe.report.page import render
from evoframe.run.run import Run
from support.arms import two_arms
from support.browser import Page, browser, path_of_browser
from support.pages import NASTY
from support.records import record

BLOBS = f"{Path(__file__).parents[2] / 'support' / 'blobs.py'}:Blobs"
WIDTHS = (380, 1280)
REQUIRED = os.environ.get("EVOFRAME_BROWSER") == "required"

pytestmark = pytest.mark.skipif(
    path_of_browser() is None and not REQUIRED, reason="there is no Chromium"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three runs: one that was lived, a long one with bad names, an old record; a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    options = ["training.epochs=1", "environment.retention=0.4"]
    evoframe.evolve(
        BLOBS, out=folder / "lived", generations=3, population=2, options=options, device="cpu"
    )
    record(folder / "long", 300, layers=40, metric=NASTY, latency=True)
    record(folder / "old", 12, old=True)
    found = {}
    for name in ("lived", "long", "old"):
        found[name] = folder / f"{name}.html"
        found[name].write_text(render.of_run(Run(folder / name)), "utf-8")
    found["compared"] = folder / "compared.html"
    found["compared"].write_text(
        render.of_comparison(two_arms(7), (4.0,), folder, "evoframe compare mine"), "utf-8"
    )
    return found


STICKS_OUT = """
[...document.querySelectorAll("body *")].filter(one => {
  const box = one.getBoundingClientRect();
  const inside = one.closest(".scroll, pre, svg, details:not([open])");
  const hidden = one.matches(".skip") || getComputedStyle(one).display === "none";
  return !inside && !hidden && (box.right > innerWidth + 1 || box.left < -1);
}).map(one => one.tagName + "." + one.className)
"""
"""Elements that reach over the edge, but for what scrolls by itself."""

FAINT = """
(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const part = one => (one /= 255) <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const light = colour => {
    const [red, green, blue] = numbers(colour).map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = one => (Math.max(one, paper) + 0.05) / (Math.min(one, paper) + 0.05);
  const texts = [...document.querySelectorAll("p, h1, h2, td, th, dt, dd strong, svg text, a")];
  const ink = one => light(getComputedStyle(one)[one.closest("svg") ? "fill" : "color"]);
  const faint = texts.filter(one => ratio(ink(one)) < 4.5);
  return faint.map(one => one.tagName + ": " + one.textContent);
})()
"""
"""Texts with less contrast than people with weak eyes need."""


SMALLEST = """
Math.min(...[...document.querySelectorAll("figure svg text")].map(
  one => one.getBoundingClientRect().height))
"""
"""How high the smallest letters of charts are, in pixels."""

BAD = """<!doctype html><html lang="en"><body style="background: #fff; color: #000">
<p style="width: 2000px">too wide</p><p style="color: #bbb">too faint</p>
<img src="nowhere.png" alt=""><script>console.error("a word")</script><script>none()</script>
</body></html>"""


def test_what_is_wrong_with_a_page_is_seen(page: Page, tmp_path: Path) -> None:
    """These looks can fail: each fault of a bad page is found."""
    (tmp_path / "bad.html").write_text(BAD)
    page.open(tmp_path / "bad.html", width=380)

    said = " ".join(page.complaints())
    assert "a word" in said
    assert "none is not defined" in said
    assert any("nowhere.png" in url for url in page.requests())
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0
    assert page.evaluate(STICKS_OUT) == ["P."]
    assert page.evaluate(FAINT) == ["P: too faint"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["lived", "long", "old", "compared"])
def test_a_page_is_whole_and_readable(
    name: str, width: int, page: Page, files: dict[str, Path], *, dark: bool
) -> None:
    """No word on the console, no request, no overflow, enough contrast, and all its parts."""
    page.open(files[name], width=width, dark=dark)

    assert page.complaints() == []
    assert page.requests() == [files[name].absolute().as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate(FAINT) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (not dark)
    assert page.evaluate(SMALLEST) > 9


def test_marks_and_words_are_there(page: Page, files: dict[str, Path]) -> None:
    """Everybody has a mark with a tool tip; the first line says what came out."""
    page.open(files["lived"], width=1280)
    run = Run(files["lived"].with_suffix(""))

    assert page.evaluate("document.querySelector('h1').textContent").startswith(run.best.id)
    tips = page.evaluate(
        "[...document.querySelectorAll('#ancestry-t ~ .marks title')].map(one => one.textContent)"
    )
    assert {one.id for one in run.individuals} <= {tip.split()[0].strip(",:") for tip in tips}
    for chart in ("metric-by-parameters", "metric-by-flops", "survival", "phases"):
        box = f"document.getElementById('{chart}-t').closest('svg').getBoundingClientRect()"
        assert page.evaluate(f"{box}.width") > 300
        assert page.evaluate(f"{box}.height") > 60
    ticks = "[...document.querySelectorAll('#metric-by-flops-t ~ .tick text')].length"
    assert page.evaluate(ticks) >= 6


def test_marks_lie_within_their_axes(page: Page, files: dict[str, Path]) -> None:
    page.open(files["long"], width=1280)

    outside = page.evaluate("""
      [...document.querySelectorAll("figure svg")].flatMap(chart => {
        const whole = chart.getBoundingClientRect();
        return [...chart.querySelectorAll(".marks *, .cells *, text")].filter(one => {
          const box = one.getBoundingClientRect();
          return box.width && (box.left < whole.left - 1 || box.right > whole.right + 1
            || box.top < whole.top - 1 || box.bottom > whole.bottom + 1);
        }).map(one => chart.getAttribute("aria-labelledby") + " " + one.outerHTML);
      })""")

    assert outside == []


def test_names_of_scripts_do_not_run(page: Page, files: dict[str, Path]) -> None:
    page.open(files["long"], width=1280)

    kinds = page.evaluate("[...document.scripts].map(one => one.type)")
    assert set(kinds) <= {"application/json"}
    assert NASTY in page.evaluate("document.querySelector('h1').textContent")


def test_a_screen_reader_is_told_of_every_part(page: Page, files: dict[str, Path]) -> None:
    """Headings, regions and tables have names, and pictures say what is to be seen in them."""
    page.open(files["lived"], width=1280)

    told = page.spoken()

    roles = [role for role, _ in told]
    assert roles.count("main") == 1
    headings = [name for role, name in told if role == "heading"]
    assert "Ancestry" in headings
    assert "Before and after" in headings
    for kind in ("image", "table", "region", "link"):
        named = [name for role, name in told if role in (kind, f"{kind}s")]
        assert named, kind
        assert all(named), kind


def test_a_printed_page_is_light_and_shows_what_is_folded(
    page: Page, files: dict[str, Path], tmp_path: Path
) -> None:
    page.open(files["lived"], width=800, dark=True, media="print")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.querySelector('details pre').checkVisibility()")
    page.printed(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert page.complaints() == []
