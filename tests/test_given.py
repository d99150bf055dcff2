"""What is given in a call and is of another kind than wanted is refused in one line, by name."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

import evoframe
from evoframe.errors import EvoframeError, RunError
from evoframe.kernel import wanted

INPUTS = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
DATA = (INPUTS, (INPUTS[:, 0] > 0).long())
LOSS = nn.functional.cross_entropy
WEIRD = (
    True,
    None,
    math.nan,
    math.inf,
    -1,
    1.5,
    "a",
    b"a",
    [1],
    (),
    {"a": 1},
    np.float32(1),
    nn.ReLU,
)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def a_task(**changes):
    given = {"network": network(), "train": DATA, "validation": DATA, "loss": LOSS}
    return evoframe.task(**{**given, **changes})


def shrunk(**changes):
    return evoframe.shrink(network(), **{"data": DATA, "loss": LOSS, "parameters": "2x"} | changes)


def timed(**changes):
    how = {"points": 2, "rounds": 1, "seconds": 0.0001, "out": "table.json"} | changes
    return evoframe.latency_table(network(), (INPUTS[:1],), how.pop("out"), **how)


def evolved(**changes):
    choices = {"generations": 1, "training": "none", "device": "cpu", "out": "run"}
    return evoframe.evolve(a_task(), **choices | changes)


CALLS = {
    a_task: (
        "network", "train", "validation", "loss", "metrics", "test", "forward", "targets",
        "example_inputs", "evolvable", "trained", "examples", "batch_size", "collate_fn",
    ),
    shrunk: (
        "flops", "parameters", "bytes", "activations", "latency", "latency_table", "importance",
        "scope", "normalise", "steps", "batches", "examples", "repair", "statistics", "depth",
        "keep", "at_least", "multiple", "layers", "evolvable", "seed",
    ),
    timed: ("batch", "points", "threads", "device", "rounds", "processor", "out"),
    evolved: (
        "seed", "generations", "population", "until", "max_drop", "time", "device", "threads",
        "strict", "checkpoint", "keep", "plugins", "requires", "encoding", "environment",
        "executor", "heredity", "mutation", "observer", "recipe", "options", "out",
    ),
}  # fmt: skip
"""The calls of people, and what each may be given by name."""


@pytest.mark.parametrize(
    "call", [a_task, shrunk, timed, pytest.param(evolved, marks=pytest.mark.slow)]
)
@settings(max_examples=15)
@given(data=st.data())
def test_whatever_is_given_is_taken_or_refused_by_name(call, tmp_path_factory, data) -> None:
    """Never an error of Python's from deep inside; and no file is left of what is refused."""
    name = data.draw(st.sampled_from(CALLS[call]))
    value = data.draw(st.sampled_from(WEIRD))
    place = tmp_path_factory.mktemp("given")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        said = ""
        try:
            call(**{name: value})
        except EvoframeError as error:
            said = str(error)
    assert "\n" not in said
    assert not said or not [*place.iterdir()]


@pytest.mark.parametrize("value", ["a", 1.5, math.nan, True, None, [1], np.float64(1)])
def test_a_seed_is_a_whole_number_everywhere(value) -> None:
    for call in (lambda: evoframe.Key(value), lambda: shrunk(seed=value)):
        with pytest.raises(EvoframeError, match=r"^seed is .*; wanted a whole number\.$"):
            call()
    if not isinstance(value, str | bool):  # texts are steps, and True is a number of Python's
        with pytest.raises(EvoframeError, match=r"^a step of a key is .*; wanted a whole number"):
            evoframe.Key(1).at(value)


def test_numbers_of_numpy_are_the_same_numbers() -> None:
    assert evoframe.Key(np.int64(3)) == evoframe.Key(3)
    assert evoframe.Key(np.int64(3)).integer() == evoframe.Key(3).integer()
    assert evoframe.Key(1).at(np.uint8(3)).integer() == evoframe.Key(1).at(3).integer()
    one, other = (shrunk(seed=seed, importance="taylor") for seed in (3, np.int32(3)))
    assert all(map(torch.equal, one.parameters(), other.parameters()))


@given(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.none()),
    st.integers(-3, 3),
)
def test_whole_numbers_are_those_from_the_least_on(value, least) -> None:
    fits = type(value) is int and value >= least
    if fits:
        assert wanted.whole("steps", value, least) == value
        return
    with pytest.raises(EvoframeError, match=rf"^steps is .*; wanted a whole number from {least}"):
        wanted.whole("steps", value, least)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, True, "a", None, [1]])
def test_nothing_is_measured_for_no_time_or_for_ever(seconds) -> None:
    with pytest.raises(EvoframeError, match=r"^seconds is .*; wanted a number above 0\.$"):
        timed(seconds=seconds)


@pytest.mark.parametrize("told", ["network", {"loss": math.nan}])
def test_an_ancestor_by_which_nobody_can_be_measured_is_told_of_again(told, tmp_path: Path) -> None:
    """So is what is no network at all."""
    with evoframe.ask_tell(a_task(), out=tmp_path / "run", generations=2) as session:
        asked = session.ask()
        wrong = (asked.network, told) if isinstance(told, dict) else (told,)
        with pytest.raises(RunError, match=r"^what was told of g1s0 is a str|its loss is not fin"):
            session.tell(asked.id, *wrong)
        assert session.waiting == ("g1s0",)
        assert session.tell(asked.id, asked.network)


@pytest.mark.parametrize(
    "call", [evoframe.open_run, evoframe.resume, lambda one: evoframe.load(one, network)]
)
@pytest.mark.parametrize("path", [1, None, True, b"run"])
def test_a_path_is_a_text_or_a_path(call, path) -> None:
    with pytest.raises(EvoframeError, match=r"^path is .*; wanted a path\."):
        call(path)
