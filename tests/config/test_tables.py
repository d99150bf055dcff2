"""Options that are tables: the same in Python, TOML and on the command line."""

from __future__ import annotations

import pickle
import tomllib
from collections.abc import Mapping
from typing import ClassVar, Literal

import attrs
import pytest
import tomli_w
from hypothesis import given, strategies as st

from evoframe.config.files import literal
from evoframe.config.values import structure, unstructure
from evoframe.errors import ConfigError
from evoframe.plugin import FrozenDict, Mutation, doc
from evoframe.registry.checking import check_options
from evoframe.registry.describe import option_rows, toml_snippet


@attrs.frozen
class ByLayer(Mutation):
    """Some levels of some layers."""

    name: ClassVar[str] = "by-layer"

    rates: Mapping[str, float] = attrs.field(
        factory=FrozenDict, converter=FrozenDict, metadata=doc("share of levels, by layer")
    )
    kinds: Mapping[str, Literal["weak", "strong"]] | None = attrs.field(
        default=None, metadata=doc("which levels, by layer")
    )

    def mutate(self, dna, inheritance, context):
        return dna


TABLES = st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), st.floats(0, 1))


@given(TABLES)
def test_a_table_is_an_option_like_any_other(rates: dict[str, float]) -> None:
    """Read from TOML, said in Python, sent elsewhere: one value, with one hash."""
    said = ByLayer(rates)

    read = structure(tomllib.loads(tomli_w.dumps(unstructure(said))), ByLayer, "mutation[0]")

    assert read == said == ByLayer(dict(reversed(rates.items())))
    assert hash(read) == hash(said) == hash(ByLayer(dict(reversed(rates.items()))))
    assert pickle.loads(pickle.dumps(read)) == read
    assert eval(repr(read)) == read


def test_a_table_is_shown_as_a_recipe_holds_it() -> None:
    """People copy what they are shown."""
    check_options(ByLayer)

    assert "rates = {}" in toml_snippet(ByLayer)
    assert [row[:2] for row in option_rows(ByLayer)] == [
        ("rates", "table of number"),
        ("kinds", "table of weak | strong"),
    ]
    given_there = literal('{ "conv1.weight" = 0.5 }')
    assert structure({"rates": given_there}, ByLayer, "m") == ByLayer({"conv1.weight": 0.5})


@attrs.frozen
class Rates:
    """A table of options that have names and types of their own."""

    weak: float = 0.5
    strong: int | None = None
    layers: Mapping[str, float] = attrs.field(factory=FrozenDict, converter=FrozenDict)


@attrs.frozen
class ByStrength(Mutation):
    """Some levels of some strengths."""

    name: ClassVar[str] = "by-strength"

    rates: Rates = attrs.field(factory=Rates, metadata=doc("share of levels"))

    def mutate(self, dna, inheritance, context):
        return dna


def test_a_table_with_defaults_is_shown_with_them() -> None:
    """What is shown is read as the same strategy."""
    check_options(ByStrength)

    text = toml_snippet(ByStrength)
    table = tomllib.loads(text)["mutation"][0]
    table.pop("use")

    assert 'rates = { "weak" = 0.5, "layers" = {} }' in text
    assert structure(table, ByStrength, "mutation[0]") == ByStrength()


def test_an_empty_table_is_no_default() -> None:
    """Where the default says something, an empty table says something else."""

    @attrs.frozen
    class Half(ByLayer):
        """Half of one layer."""

        rates: Mapping[str, float] = attrs.field(
            factory=lambda: FrozenDict({"a": 0.5}), converter=FrozenDict, metadata=doc("rates")
        )

    attrs.resolve_types(Half)
    assert structure(unstructure(Half({})), Half, "m") == Half({}) != Half()


REFUSED = [
    ({"rates": {"conv1.weight": "much"}}, "m.rates['conv1.weight']: wanted a number, found 'much'"),
    ({"rates": 0.5}, "m.rates: wanted a table, found 0.5"),
    ({"kinds": {"a": "week"}}, "m.kinds['a']: wanted one of 'weak', 'strong', found 'week'"),
]


@pytest.mark.parametrize(("table", "message"), REFUSED, ids=[one[1][:12] for one in REFUSED])
def test_what_a_table_may_not_hold_is_named(table: dict, message: str) -> None:
    """The entry too: tables are long."""
    with pytest.raises(ConfigError) as told:
        structure(table, ByLayer, "m")

    assert message in str(told.value)
