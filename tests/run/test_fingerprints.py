"""A run is gone on with while its results would be the same, and refused in words if not."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

import evoframe
from evoframe import anatomy, hookimpl
from evoframe.config import files
from evoframe.errors import ResumeError
from evoframe.registry import load_registry
from evoframe.roles import Mutation, Observer, doc
from evoframe.run import resuming, starting
from evoframe.run.disk import fingerprints
from evoframe.run.disk.record import RECORD

SUPPORT = Path(__file__).parents[1] / "support" / "blobs.py"
MUTATION = '''
import attrs
from evoframe.roles import Mutation, doc


@attrs.frozen
class Same(Mutation):
    """Changes nothing."""

    name = "same"
    rate: float = attrs.field(default=0.5, metadata=doc("of no effect"))

    def mutate(self, dna, *_):
        return dna
'''


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run with a strategy from a file, interrupted after its second generation."""
    (tmp_path / "same.py").write_text(MUTATION)
    (tmp_path / "blobs.py").write_text(SUPPORT.read_text())
    with pytest.raises(KeyboardInterrupt):
        evoframe.evolve(
            f"{tmp_path}/blobs.py:Blobs",
            out=tmp_path / "run",
            mutation=[f"{tmp_path}/same.py:Same"],
            observer=[Stop()],
            generations=3,
            options=["training.epochs=1"],
        )
    tables = record_of(tmp_path / "run")
    tables["observer"] = []
    (tmp_path / "run" / "run.toml").write_text(files.write(tables))
    return tmp_path / "run"


@attrs.frozen(eq=False)
class Stop(Observer):
    """Ends a run when its second generation is full."""

    name: ClassVar[str] = "stop"

    @hookimpl
    def evoframe_individual_evaluated(self, event):
        if event.individual.id == "g2s0":
            raise KeyboardInterrupt


def record_of(run: Path) -> dict[str, Any]:
    return files.parse((run / "run.toml").read_text(), "run.toml")


def edited(run: Path, *place: str, value: Any = None) -> None:
    """Put another value into the fingerprints of a run; None takes it away."""
    tables = record_of(run)
    held = tables[RECORD]
    for name in place[:-1]:
        held = held[name]
    if value is None:
        del held[place[-1]]
    else:
        held[place[-1]] = value
    (run / "run.toml").write_text(files.write(tables))


def everything_in(run: Path) -> dict[Path, bytes]:
    files = (file for file in run.rglob("*") if file.is_file() and file.stat().st_size)
    return {file: file.read_bytes() for file in files if not file.name.endswith("-shm")}


def refused(run: Path) -> str:
    """Return why a run cannot be resumed, and see that it was not touched."""
    before = everything_in(run)
    with pytest.raises(ResumeError) as caught:
        evoframe.resume(run)
    assert before == everything_in(run)
    assert evoframe.open_run(run).individuals
    return str(caught.value)


def test_a_run_goes_on_where_nothing_differs(begun: Path) -> None:
    """Observers are no part of the fingerprints: they change nothing."""
    assert evoframe.resume(begun).ending is not None


def test_a_run_without_fingerprints_is_refused(begun: Path) -> None:
    """Of runs from before there were any, nobody can tell what they depended on."""
    edited(begun, "fingerprints")

    said = refused(begun)

    assert "no fingerprints of its survey and strategies" in said
    assert "Continue with evoframe 0.1.0 as it was then, or start a new run" in said


def test_another_survey_is_refused(begun: Path) -> None:
    """Bundles that are drawn one by one must be those that they were."""
    now = record_of(begun)[RECORD]["fingerprints"]["survey"]
    edited(begun, "fingerprints", "survey", value="0123456789ab")

    assert f"the survey of the network was 0123456789ab, is {now}" in refused(begun)


def test_another_network_is_another_survey(begun: Path) -> None:
    """The fingerprint is of what was found, so a task changed on purpose shows as well."""
    with pytest.raises(ResumeError, match="the survey of the network was"):
        starting.resume(begun, changes=["task.hidden=13"])


def test_another_contract_is_refused(begun: Path) -> None:
    """What strategies are given, and when, has changed."""
    edited(begun, "fingerprints", "contract", value=0)

    assert f"the contract of strategies was 0, is {evoframe.CONTRACT}" in refused(begun)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("rate", "int", "the option 'rate' of mutation[0] was int, is float"),
        ("rate", None, "the option 'rate' of mutation[0] was not there, is float"),
        ("heat", "float", "the option 'heat' of mutation[0] was float, is not there"),
    ],
)
def test_another_list_of_options_is_refused(begun: Path, option, value, message) -> None:
    """The record says nothing of an option that did not exist then."""
    place = ("fingerprints", "strategies", "mutation[0]", "options", option)
    edited(begun, *place, value=value)

    assert message in refused(begun)


def test_a_strategy_from_elsewhere_is_refused(begun: Path) -> None:
    """Two plugins may offer strategies of one name."""
    edited(
        begun, "fingerprints", "strategies", "training", "strategy", value="gradient of elsewhere"
    )

    assert "training was gradient of elsewhere, is gradient of evoframe" in refused(begun)


def test_many_differences_make_one_sentence(begun: Path) -> None:
    """A message is for reading."""
    edited(begun, "fingerprints", "strategies", "training", "options", value={"a": "int"})

    said = refused(begun)

    assert re.search(r" and \d+ more\. Continue with", said)
    assert "\n" not in said


# --- what goes into them ------------------------------------------------------------------------


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def surveyed(module: nn.Module, **options: Any) -> anatomy.Anatomy:
    weights = ["0.weight", "2.weight"]
    return anatomy.survey(module, (torch.zeros(1, 4),), weights, **options)


def test_the_survey_of_a_network_does_not_depend_on_its_weights() -> None:
    """They are of one architecture, whatever it has learned."""
    one, two = (fingerprints.of_survey(surveyed(network())) for _ in range(2))

    assert one == two
    assert re.fullmatch("[0-9a-f]{24}", one)


@pytest.mark.parametrize("options", [{"keep": ("2",)}, {"at_least": 2}, {"multiple": 2}])
def test_what_must_stay_is_part_of_the_survey(options: dict[str, Any]) -> None:
    """Options of the table [anatomy] decide what may leave."""
    plain, other = surveyed(network()), surveyed(network(), **options)

    assert fingerprints.of_survey(plain) != fingerprints.of_survey(other)


@attrs.frozen
class Painter(Mutation):
    """Has an option of every kind."""

    name: ClassVar[str] = "painter"
    rate: float = attrs.field(default=0.5, metadata=doc("a number"))
    most: int | None = attrs.field(default=None, metadata=doc("a number or none"))
    of: Literal["kernel", "filter"] = attrs.field(default="kernel", metadata=doc("a word"))
    where: tuple[Path, ...] = attrs.field(default=(), metadata=doc("paths"))

    def mutate(self, dna, *_):
        return dna


def test_options_are_told_by_name_and_type() -> None:
    """The words do not depend on the version of Python."""
    found = fingerprints.of_strategy(Painter, load_registry(entry_points=False))

    assert found["class"] == "Painter"
    assert found["strategy"].startswith("Painter of ")
    assert found["options"] == {
        "rate": "float",
        "most": "int | none",
        "of": "kernel | filter",
        "where": "list of Path",
    }


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("kernel | filter", "kernel | filter | stream", True),
        ("float", "float | none", True),
        (f"float{fingerprints.LATER}", f"float | none{fingerprints.LATER}", True),
        ("kernel | filter", "kernel", False),
        ("int", "float", False),
    ],
)
def test_an_option_that_takes_more_than_it_took_is_no_difference(before, now, same) -> None:
    """What was given means the same; only what was not possible then is new."""
    old, new = ({"strategies": {"encoding": {"options": {"of": one}}}} for one in (before, now))

    assert (resuming.differences(old, new) == []) is same
    assert resuming.differences({"strategies": {"encoding": {"class": before}}}, new)


NESTED = st.recursive(
    st.integers() | st.text(max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=4), inner, min_size=1, max_size=3),
    max_leaves=8,
)


def as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_texts(one) for name, one in value.items()}
    return str(value)


@given(NESTED, NESTED)
def test_differences_are_told_if_and_only_if_there_are_any(one: Any, other: Any) -> None:
    """What TOML keeps as numbers or texts is compared as text."""
    assert resuming.differences(one, copy.deepcopy(one)) == []
    assert bool(resuming.differences(one, other)) == (as_texts(one) != as_texts(other))


def test_an_option_that_came_later_is_no_reason_to_refuse_a_run() -> None:
    """If its author says that without it all is as before; any other new option is."""

    @attrs.frozen
    class Grown(Mutation):
        name: ClassVar[str] = "grown"
        old: float = attrs.field(default=0.5, metadata=doc("was there"))
        new: bool = attrs.field(default=False, metadata=doc("came", later=True))
        other: bool = attrs.field(default=False, metadata=doc("came, and changed something"))

    now = {"strategies": {"mutation": fingerprints.of_strategy(Grown, load_registry())}}
    before = copy.deepcopy(now)
    for name in ("new", "other"):
        del before["strategies"]["mutation"]["options"][name]
    (told,) = resuming.differences(before, now)
    assert "'other'" in told
    assert len(resuming.differences(now, before)) == 2
