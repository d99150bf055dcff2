"""What crosses to workers and what they read, as docs/explanation/workers.md says it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest

import evoframe
from evoframe.plugin import Observer, Outcome, RunError, hookimpl
from evoframe.run.living import lives as living

SUPPORT = Path(__file__).parents[1] / "support"
RECIPE = {
    "task": {"use": f"{SUPPORT / 'blobs.py'}:Blobs"},
    "run": {"generations": 3, "population": 2, "device": "cpu"},
    "training": {"use": "gradient", "epochs": 3},
}
AWAY = {**RECIPE, "executor": {"use": f"{SUPPORT / 'away.py'}:Away"}}


@attrs.frozen(eq=False)
class Ear(Observer):
    name = "ear"
    bytes: list[int] = attrs.field(factory=list, init=False)

    @hookimpl
    def evoframe_epoch_finished(self, event: Any) -> None:
        self.bytes.append(len(pickle.dumps(("evoframe_epoch_finished", event))))

    @hookimpl
    def evoframe_dna_pressed(self, event: Any) -> None:
        self.bytes.append(len(pickle.dumps(("evoframe_dna_pressed", event))))


def test_a_life_crosses_in_few_bytes_and_reads_no_journal_that_is_written(tmp_path: Path) -> None:
    ear = Ear()

    run = evoframe.evolve(recipe=AWAY, observer=[ear], out=tmp_path / "away")

    assert run.digest() == evoframe.evolve(recipe=RECIPE, out=tmp_path / "here").digest()
    sizes = json.loads((tmp_path / "away" / "sizes.json").read_text())
    assert len(sizes) == 4
    assert max(call for call, _ in sizes) < 600
    assert max(home for _, home in sizes) < 2000
    print(f"a call: {max(sizes)[0]}; an outcome: {max(home for _, home in sizes)}; {ear.bytes}")  # noqa: T201
    assert ear.bytes
    assert max(ear.bytes) < 1000
    assert not (tmp_path / "away" / "away.sqlite").exists()


def test_a_worker_with_other_versions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = living.open_recipe
    told = (["torch was 2.13.0, is 2.12.0"],)
    monkeypatch.setattr(living, "open_recipe", lambda folder: (found(folder)[0], *told))

    with pytest.raises(RunError, match=r"torch was 2\.13\.0, is 2\.12\.0.*same versions") as raised:
        evoframe.evolve(recipe=AWAY, out=tmp_path / "run")
    assert "\n" not in str(raised.value)


def raised(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RunError("on purpose")])
def test_whatever_a_call_raises_comes_home(error: BaseException) -> None:
    outcome = pickle.loads(pickle.dumps(Outcome.of(raised, error)))

    with pytest.raises(type(error)) as found:
        outcome.get()
    assert "in raised" in str(found.value.__cause__)


def test_a_result_that_cannot_travel_is_told() -> None:
    with pytest.raises(Exception, match="pickle"):
        pickle.loads(pickle.dumps(Outcome.of(lambda: lambda: None))).get()
