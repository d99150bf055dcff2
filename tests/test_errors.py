"""The nearest name is one that somebody may have meant."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, strategies as st

from evoframe.errors import close_match
from evoframe.strategies.encoding import Synaptic
from evoframe.strategies.nurture import Repair
from evoframe.strategies.training import Gradient

OPTIONS = {
    kind: [field.name for field in attrs.fields(kind)] for kind in (Synaptic, Gradient, Repair)
}


@pytest.mark.parametrize(
    ("word", "kind", "meant"),
    [
        ("temp", Synaptic, "temperature"),
        ("tau", Synaptic, "temperature"),
        ("batch", Gradient, "batch_size"),
        ("batch", Repair, "batches"),
        ("lr", Gradient, "learning_rate"),
        ("wd", Gradient, "weight_decay"),
        ("smoothing", Gradient, "label_smoothing"),
        ("Momentum", Gradient, "momentum"),
        ("optimizer", Gradient, "optimiser"),
        ("epoch", Gradient, "epochs"),
        ("temprature", Synaptic, "temperature"),
    ],
)
def test_the_name_that_is_meant_is_told(word: str, kind: type, meant: str) -> None:
    assert close_match(word, OPTIONS[kind]) == f" Did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("word", "choices"),
    [("temp", ["steps", "scope"]), ("lr", ["clip", "alone"]), ("wd", ["width"]), ("x", ["xyz"])],
)
def test_a_name_that_none_can_have_meant_is_not_told(word: str, choices: list[str]) -> None:
    assert close_match(word, choices) == ""


@given(st.sampled_from(OPTIONS[Gradient]), st.data())
def test_a_name_with_one_letter_wrong_is_found_again(name: str, data: st.DataObject) -> None:
    """However it is spelled; unless what is left begins another name."""
    place = data.draw(st.integers(1, len(name) - 1))
    wrong = name[:place] + name[place + 1 :]
    if len(wrong) > 4 and not any(one.startswith(wrong) for one in OPTIONS[Gradient]):
        assert close_match(wrong, OPTIONS[Gradient]) == f" Did you mean {name!r}?"
