"""Notes and texts: what is read is what was written, in every bit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from evoframe.errors import ContractError
from evoframe.kernel.notes import LONGEST, MOST, Notes
from evoframe.kernel.texts import text_of, value_of
from evoframe.testing.fingerprints import fingerprint

NUMBERS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats()
KINDS = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?"),
)
ARRAYS = arrays.arrays(KINDS, arrays.array_shapes(min_dims=1, min_side=0, max_side=3))
TENSORS = st.builds(
    lambda kind, size: (torch.arange(size) * 1.7 - 2).to(getattr(torch, kind)),
    st.sampled_from(["float32", "float64", "float16", "bfloat16", "int8", "int64", "bool"]),
    st.integers(0, 5),
)
NAMES = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=8).filter(
    str.isprintable
)
VALUES = st.recursive(
    st.none() | NUMBERS | st.text(max_size=8) | ARRAYS | TENSORS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=3),
    max_leaves=8,
)


def native(value):
    """Arrays in the byte order of this machine, as they are read."""
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("="))
    if isinstance(value, list):
        return [native(one) for one in value]
    return {n: native(one) for n, one in value.items()} if isinstance(value, dict) else value


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value) -> None:
    """Numbers that are not finite, negative zeros, empty arrays and foreign bytes too."""
    assert fingerprint(value_of(text_of(value, "it"))) == fingerprint(native(value))


@given(st.dictionaries(NAMES, NUMBERS | st.text(max_size=8) | ARRAYS, max_size=4))
def test_notes_are_what_they_were_in_files_and_other_processes(given) -> None:
    """Equal to what was noted, unequal to anything else, and nobody changes them."""
    notes = Notes(given)

    assert Notes.read(notes.text) == notes == pickle.loads(pickle.dumps(notes))
    assert hash(Notes.read(notes.text)) == hash(notes)
    assert notes | {"another": 1} != notes | {"another": 1.0}
    assert {**notes}.keys() == given.keys()
    for one in (*notes.values(), *pickle.loads(pickle.dumps(notes)).values()):
        assert not isinstance(one, np.ndarray) or not one.flags.writeable


def test_arrays_are_copies_and_lists_of_numbers_become_arrays() -> None:
    """Whoever goes on with an array changes no note."""
    mine = np.zeros(3)
    notes = Notes({"array": mine, "list": [1, 2.5], "one": torch.tensor(2), "row": torch.ones(2)})
    mine += 1

    assert notes["array"].tolist() == [0, 0, 0]
    assert notes["list"].tolist() == [1, 2.5]
    assert notes["one"] == 2
    assert notes["row"].dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        notes["array"] += 1
    with pytest.raises(TypeError):
        notes["array"] = mine  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1], "a mapping by name"),
        ({1: 1}, "a note is called 1"),
        ({"": 1}, "1 to 64 characters"),
        ({"n" * (LONGEST + 1): 1}, "1 to 64 characters"),
        ({"a\n": 1}, "characters that print"),
        ({"x": None}, "'x' is a NoneType"),
        ({"x": {"y": 1}}, "'x' is a dict"),
        ({"x": ["y"]}, "'x' is a list"),
        ({"x": 1j}, "'x' is a complex"),
        ({"x": np.array(["y"])}, "array of <U1"),
        ({"x": torch.ones(2, dtype=torch.bfloat16)}, "made float32"),
        ({"x": np.zeros(MOST), "y": 1}, f"most of them 'x'; wanted at most {MOST:,}"),
    ],
)
def test_what_cannot_be_noted_is_told(given, words) -> None:
    """What was found, and what was wanted."""
    with pytest.raises(ContractError, match=words):
        Notes(given)
    assert Notes() != given


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1: 2}, r"its state has the name 1"),
        ({"a": [0, {1}]}, r"its state\['a'\]\[1\] is a set"),
        ({"__array__": 1}, "has the name '__array__'"),
        (torch.zeros(2, dtype=torch.complex64), "wanted a dense tensor"),
        (np.array([object()]), "array of object"),
    ],
)
def test_what_no_record_can_hold_is_told_with_its_place(value, words) -> None:
    """Where it is, and what may be."""
    with pytest.raises(ContractError, match=words):
        text_of(value, "its state")


def test_what_holds_itself_is_refused() -> None:
    """Before the interpreter gives up."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ContractError, match="deeper than"):
        text_of(endless, "its state")
