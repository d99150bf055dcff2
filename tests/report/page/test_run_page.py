"""The page of a run: made from the record alone, escaped, small, and right in what it says."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, strategies as st

import evoframe
from evoframe.cli import main
from evoframe.errors import RunError
from evoframe.kernel.individual import Metric
from evoframe.report.page import data, render
from evoframe.report.page.facts import Facts
from evoframe.report.page.points import Point, pareto
from evoframe.report.page.scales import linear, logarithmic
from evoframe.run.disk.journal import Journal
from evoframe.run.run import Run
from support.pages import NASTY, Elements
from support.records import record

BLOBS = f"{Path(__file__).parents[2] / 'support' / 'blobs.py'}:Blobs"
STORED = sorted((Path(__file__).parents[2] / "run" / "stored").glob("format-*.tar.xz"))


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def page_of(path: Path) -> str:
    return render.of_run(Run(path))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that was lived."""
    out = tmp_path_factory.mktemp("lived") / "run"
    return evolved(out)


def evolved(out: Path, *more: str) -> Path:
    options = ["training.epochs=2", "environment.retention=0.5", "encoding.of=bundle", *more]
    evoframe.evolve(
        BLOBS, out=out, generations=3, population=2, encoding="cluster", device="cpu",
        options=options,
    )  # fmt: skip
    return out


# --- what it says -------------------------------------------------------------------------------


def test_the_first_line_says_what_came_out(lived: Path) -> None:
    """Factors of the delivered network, its metric with error, and the ancestor's."""
    run = Run(lived)
    said = Elements(page_of(lived)).text
    best, whole = run.best, run.ancestor

    (lead,) = [line for line in said.split("\n") if line.startswith(f"{best.id} has ")]
    for name in ("parameters", "flops", "synapses"):
        factor = whole.fitness.costs[name] / best.fitness.costs[name]
        assert f"{factor:.1f}x fewer" in lead
    for one in (best, whole):
        assert run.metric.in_words(one.fitness.test["accuracy"]) in lead


def test_every_section_has_its_figures(lived: Path) -> None:
    """Widths, milliseconds with their device, phases, barriers, recipe, seed, digest, versions."""
    run, said = Run(lived), Elements(page_of(lived)).text
    facts = Facts.of(run)
    account = facts.accounts[run.best.id]

    network = run.network()
    assert account.channels == (network[0].out_features, network[2].out_features)
    assert account.synapses == tuple(
        int(mask.sum()) for mask in run.genotype(run.best.id).masks.values()
    )
    for layer, left in zip(("0.weight", "2.weight"), account.channels, strict=True):
        assert re.search(rf"{layer}\s*16x\d+16{left}{100 * left / 16:.3g}", said)
    assert "Milliseconds are not on record" in said
    assert f"evoframe show {lived} --latency" in said
    for phase in ("training", "evaluation", "encoding", "heredity", "synthesis"):
        assert phase in said
    assert "Nothing stands in the way" in said
    assert run.digest() in said
    assert "seed = 0" in said
    assert "evoframe evolve --recipe recipe.toml" in said


def test_accounts_of_elites_and_of_an_adopted_ancestor_are_their_carriers(tmp_path: Path) -> None:
    """Nobody's widths are unknown where somebody's with the same genotype are known."""
    run = evoframe.evolve(
        BLOBS, out=tmp_path / "run", generations=3, population=2,
        selection="truncation", options=["training.epochs=1", "selection.elites=1"],
    )  # fmt: skip
    facts = Facts.of(run)

    (elite, *_) = [one for one in run.individuals if one.origin == "elite"]
    assert facts.account(elite).channels == facts.accounts[elite.genotype_id].channels != ()
    assert "elite" in page_of(run.path)


def test_a_recipe_that_is_saved_from_the_page_makes_the_same_run(lived: Path, tmp_path) -> None:
    """What is said under "the same again" is so."""
    found = data.read(page_of(lived))
    href = re.search(r'href="data:application/toml;base64,([^"]*)"', page_of(lived))[1]
    import base64
    from html import unescape

    (tmp_path / "recipe.toml").write_bytes(base64.b64decode(unescape(href)))
    done = invoke("evolve", "--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "again")

    assert done.exit_code == 0, done.output
    assert Run(tmp_path / "again").digest() == found["digest"] == Run(lived).digest()


def test_data_hold_what_the_journal_does(lived: Path) -> None:
    """Programs need not read tables that are made for people."""
    run, found = Run(lived), data.read(page_of(lived))

    assert found["individuals"]["id"] == [one.id for one in run.individuals]
    assert found["individuals"]["costs.parameters"] == [
        one.fitness.costs["parameters"] for one in run.individuals
    ]
    assert found["metrics"][0] == {"name": "accuracy", "maximise": True, "share": True}
    assert found["channels"]["0.weight"][0] == 16


def test_a_speed_is_claimed_only_where_spreads_do_not_meet(tmp_path: Path) -> None:
    """A factor within the noise of a measurement is no factor."""
    path = record(tmp_path / "run", 30, latency=True)
    said = Elements(page_of(path)).text
    assert "is no faster at batch 1 as far as can be measured" in said
    assert "within the spread" in said
    assert "cpu (Model 7)" in said
    assert re.search(r"milliseconds, batch 64\s*200 ± 3 ms\s*50.0 ± 1.0 ms\s*4.00x", said)
    with closing(Journal(path / "journal.sqlite", writable=True)) as journal:
        journal.note(latency=journal.fact("latency").replace("0.0039", "0.0012"))

    assert "is 3.33x faster at batch 1" in Elements(page_of(path)).text


@pytest.mark.slow
def test_a_run_measures_its_networks_if_asked(tmp_path: Path) -> None:
    """The ancestor, the delivered one, and the front; and nothing of the run is another."""
    run = Run(evolved(tmp_path / "run", "run.latency=true"))
    facts = Facts.of(run)

    assert {run.ancestor.id, run.best.id} <= facts.latency["seconds"].keys()
    for taken in facts.latency["seconds"].values():
        assert all(median > 0 and spread >= 0 for median, spread in taken.values())
    assert facts.latency["device"].startswith("cpu (")
    assert "accuracy against latency" in page_of(run.path)
    assert run.digest() == Run(evolved(tmp_path / "without")).digest()


def test_barriers_and_what_did_not_shrink_are_told_with_remedies(tmp_path: Path) -> None:
    said = Elements(page_of(record(tmp_path / "run", 30, layers=4))).text

    assert "As wide as ever: 2 of 4 layers" in said
    assert "the network gives their channels out" in said
    assert "held by aten.view in stage0.block0 at network.py:10" in said
    assert "take sizes from tensors" in said


def test_stillborn_are_told_with_their_reasons(tmp_path: Path) -> None:
    path = record(tmp_path / "run", 100)
    said = Elements(page_of(path)).text
    dead = [one for one in Run(path).individuals if one.stillborn]

    assert len(dead) > 1
    reasons = {one.stillborn for one in dead}
    assert all(reason in said for reason in reasons)


def test_a_run_that_goes_on_has_a_page_and_one_without_anybody_a_message(tmp_path: Path) -> None:
    said = Elements(page_of(record(tmp_path / "on", 12, finished=False))).text
    assert "The run is not finished: 12 lives are on record" in said

    path = record(tmp_path / "none", 0, finished=False)
    done = invoke("report", path)
    assert done.exit_code == 2
    assert "no individual is on record" in done.output
    assert not (path / "report.html").exists()


# --- the record alone ---------------------------------------------------------------------------


def test_nothing_that_a_run_names_is_imported(lived: Path, tmp_path: Path) -> None:
    """A run of somebody else is looked at, and none of its code runs."""
    import shutil

    path = Path(shutil.copytree(lived, tmp_path / "run"))
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'SPRUNG')!r}, 'w').close()\nraise SystemExit(9)\n")
    text = (path / "run.toml").read_text()
    changed = re.sub(r'use = "[^"]*blobs.py:Blobs"', f'use = "{trap}:Trap"', text)
    assert changed != text
    (path / "run.toml").write_text(changed)
    before = set(sys.modules)

    for words in (["report", path], ["watch", path], ["show", path], ["show", "--json", path]):
        assert invoke(*words).exit_code == 0

    assert not (tmp_path / "SPRUNG").exists()
    assert not [name for name in set(sys.modules) - before if "trap" in name]


@pytest.mark.parametrize("archive", STORED, ids=lambda file: file.stem)
@pytest.mark.parametrize("end", ["finished", "unfinished"])
def test_runs_of_earlier_versions_have_pages_that_say_what_is_missing(
    archive: Path, end: str, tmp_path: Path
) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")

    said = Elements(page_of(tmp_path / end)).text

    for words in ("Widths of layers are not on record", "Barriers are not on record",
                  "Phases are not on record", "Milliseconds are not on record",
                  "no Pareto front"):  # fmt: skip
        assert words in said
    assert Run(tmp_path / end).digest() in said


def test_an_old_record_has_no_front_and_no_verdict(tmp_path: Path) -> None:
    """Which way is better is not guessed."""
    page = page_of(record(tmp_path / "run", 40, old=True))

    assert 'class="front"' not in page
    assert "does not say which metric decides" in Elements(page).text


# --- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "population", "layers", "most"),
    [
        (1, 1, 4, 60),
        (10, 3, 12, 100),
        (300, 10, 50, 300),
        (300, 60, 30, 300),
        pytest.param(2000, 20, 60, 1000, marks=pytest.mark.slow),
    ],
)
def test_pages_stay_small(count, population, layers, most, tmp_path: Path) -> None:
    """Under 300 kB up to 300 individuals, under 1 MB at 2,000; and the data are all there."""
    path = record(tmp_path / "run", count, population=population, layers=layers)

    page = page_of(path)

    assert len(page.encode()) < most * 1000
    Elements(page)
    assert len(data.read(page)["individuals"]["id"]) == count


def test_every_text_of_a_run_is_escaped(tmp_path: Path) -> None:
    """A metric, a layer or a reason may be named like a script; it is shown and never run."""
    path = record(tmp_path / "run", 40, metric=NASTY, reason=NASTY + "{layer}")
    for text in (page_of(path), Run(path)._repr_html_()):
        elements = Elements(f"<div>{text}</div>" if "<html" not in text else text)
        scripts = [attrs for tag, attrs in elements.found if tag == "script"]
        assert [one.get("type") for one in scripts] in ([], ["application/json"])
        assert NASTY in elements.text
    assert data.read(page_of(path))["metrics"][0]["name"] == NASTY


@pytest.mark.parametrize("count", [1, 40, 300])
def test_a_page_asks_for_nothing_and_is_told_to_everybody(count: int, tmp_path: Path) -> None:
    """No address but its own parts; names for pictures, captions for tables, headings in order."""
    elements = Elements(page_of(record(tmp_path / "run", count)))

    ids = {attrs["id"] for _, attrs in elements.found if "id" in attrs}
    for tag, attrs in elements.found:
        assert "src" not in attrs
        href = attrs.get("href", "#content")
        assert href.startswith("data:") or href[1:] in ids
        assert not any(name.startswith("on") for name in attrs)
        if tag == "svg":
            known = set((attrs.get("aria-labelledby") or "").split())
            assert attrs.get("aria-hidden") == "true" or (known and known <= ids)
        if tag == "section":
            assert attrs["aria-labelledby"] in ids
    tags = [tag for tag, _ in elements.found]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("h1") == tags.count("main") == 1


def test_the_same_run_makes_the_same_page(lived: Path) -> None:
    assert page_of(lived) == page_of(lived)


def test_the_command_writes_where_it_is_told_and_refuses_in_a_line(lived: Path, tmp_path) -> None:
    done = invoke("report", lived, "--out", tmp_path / "deep" / "page.html")
    assert done.exit_code == 0, done.output
    assert "kB" in done.output
    assert (tmp_path / "deep" / "page.html").read_text().startswith("<!doctype html>")

    (tmp_path / "file").write_text("")
    for words in (["report", tmp_path / "nowhere"], ["report", lived, "--out", tmp_path],
                  ["report", lived, "--out", tmp_path / "file" / "page.html"]):  # fmt: skip
        done = invoke(*words)
        assert done.exit_code == 2
        assert "Traceback" not in done.output


def test_data_of_another_page_are_refused() -> None:
    with pytest.raises(RunError, match="holds no data"):
        data.read("<html></html>")


# --- parts --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=20),
       st.booleans())  # fmt: skip
def test_nobody_beats_the_front_and_all_others_are_beaten(pairs, maximise) -> None:
    points = [Point(None, fewer, value) for fewer, value in pairs]

    front = pareto(points, maximise=maximise)

    def beats(one: Point, other: Point) -> bool:
        sign = 1 if maximise else -1
        ours, theirs = (one.fewer, sign * one.value), (other.fewer, sign * other.value)
        return ours != theirs and ours[0] >= theirs[0] and ours[1] >= theirs[1]

    for point in points:
        beaten = any(beats(other, point) for other in points)
        assert beaten != any((p.fewer, p.value) == (point.fewer, point.value) for p in front)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=9), st.booleans())
def test_ticks_lie_on_the_axis_and_values_between_its_ends(values, log) -> None:
    scale = (logarithmic if log else linear)(values, 50, 350)

    ticks = scale.ticks(6)

    assert 1 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    assert all(50 <= scale(one) <= 350 for one in [*ticks, *values])


def test_json_of_a_page_ends_no_element(tmp_path: Path) -> None:
    """What is written between tags of a script could close it."""
    page = page_of(record(tmp_path / "run", 3, metric="</script><b>"))

    (inside,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(inside)["metrics"][0]["name"] == "</script><b>"


# --- notebooks and tables -----------------------------------------------------------------------


def test_a_notebook_shows_a_run(lived: Path, tmp_path: Path) -> None:
    run = Run(lived)
    shown = run._repr_html_()

    assert run.best.id in Elements(shown).text
    assert "evoframe report" in shown
    assert Run(record(tmp_path / "long", 300))._repr_html_().count("<tr>") <= 22
    assert "Nobody is on record" in Run(record(tmp_path / "none", 0))._repr_html_()


def test_a_frame_has_a_row_for_everybody(lived: Path, monkeypatch) -> None:
    pandas = pytest.importorskip("pandas")
    run = Run(lived)

    frame = run.frame()

    assert list(frame["id"]) == [one.id for one in run.individuals]
    assert frame["parameters_factor"].iloc[0] == 1
    assert frame["accuracy"].iloc[-1] == run.individuals[-1].fitness.value("accuracy")
    assert isinstance(frame, pandas.DataFrame)

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(RunError, match="pip install pandas"):
        run.frame()


def test_a_metric_of_which_less_is_better_has_its_front_below() -> None:
    points = [Point(None, 1, 0.5), Point(None, 2, 0.4), Point(None, 3, 0.6)]

    front = pareto(points, maximise=Metric("loss", maximise=False).maximise)
    assert [point.fewer for point in front] == [2, 3]


def test_an_arm_stands_beside_the_baselines_of_its_comparison(tmp_path: Path) -> None:
    """With the same seed, whose ancestor is theirs; other recipes and other seeds are left out."""
    out = tmp_path / "out"
    for arm in ("mine", "other", "uniform", "dense-0"):
        record(out / arm / "seed-0", 12, population=3)
    record(out / "uniform" / "seed-1", 5)
    alone = page_of(out / "mine" / "seed-0")
    assert 'class="base"' not in alone

    (out / "compare.json").write_text("{}")
    page = page_of(out / "mine" / "seed-0")

    found = set(re.findall(r"<title>baseline (.*?), g(\d+)", page))
    assert found == {(arm, str(n)) for arm in ("uniform", "dense-0") for n in (2, 3, 4, 5)}
    assert "with the same seed: dense-0, uniform." in page


def test_a_task_of_a_session_has_a_page_that_says_what_to_hand_over(tmp_path: Path) -> None:
    """No file holds it, so no recipe alone brings it back."""
    import torch

    points = torch.randn(64, 4)
    labels = (points.sum(1) > 0).long()
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    data = (points, labels)
    task = evoframe.task(
        network=network, train=data, validation=data, loss=torch.nn.functional.cross_entropy
    )
    run = evoframe.evolve(task, out=tmp_path / "run", generations=2,
                          options=["training.epochs=1"])  # fmt: skip

    said = Elements(page_of(run.path)).text

    assert "evoframe.evolve(task=..." in said
    assert "task: made in a Python session and in no file" in said
    assert run.digest() in said
