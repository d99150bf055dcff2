"""Widths of single layers: what is said of them holds, in every draw and every cut."""

from __future__ import annotations

import attrs
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

import evoframe
from evoframe.anatomy import survey
from evoframe.config.convert import recipe_from, tables_from
from evoframe.config.files import assigned, parse, write
from evoframe.errors import ConfigError, StillbornError
from evoframe.evolution.synthesis import synthesise
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.key import Key
from evoframe.kernel.widths import Width, bounds_of
from evoframe.registry import load_registry
from evoframe.strategies.encoding import Cluster, Synaptic
from evoframe.strategies.environment import Budget, Retention
from evoframe.strategies.task import Mnist


class Two(nn.Module):
    """A stream that three layers write, with a layer of its own beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = (
            nn.Conv2d(2, 16, 3),
            nn.Conv2d(16, 12, 1),
            nn.Conv2d(12, 16, 1),
        )
        self.neck, self.last = nn.Conv2d(16, 10, 1), nn.Conv2d(10, 3, 1)

    def forward(self, x):
        x = self.stem(x).relu()
        x = (x + self.two(self.one(x).relu())).relu()
        return self.last(self.neck(x).relu()).mean((2, 3))


LAYERS = ("stem", "one", "two", "neck")
INPUTS = (torch.zeros(1, 2, 6, 6),)
torch.manual_seed(0)
NETWORK = Two().eval()
NAMES = tuple(f"{name}.weight" for name in LAYERS)
COUNT = {"stem": 16, "one": 12, "two": 16, "neck": 10}

numbers = st.one_of(st.none(), st.integers(1, 16), st.floats(0.05, 0.95))
said = st.builds(
    Width,
    share=st.one_of(st.none(), st.floats(0.1, 1)),
    at_least=numbers,
    at_most=numbers,
    multiple=st.sampled_from([1, 1, 2, 4]),
)
patterns = st.dictionaries(st.sampled_from([*LAYERS, "*", "[os]*"]), said, min_size=1, max_size=3)


def channels(smaller: nn.Module) -> dict[str, int]:
    return {name: len(smaller.get_parameter(f"{name}.weight")) for name in LAYERS}


def require_held(found: dict[str, int], layers: dict[str, Width]) -> None:
    """Say again in other words what holds for each layer."""
    for name, count in COUNT.items():
        for pattern, one in layers.items():
            if pattern in (name, "*") or (pattern == "[os]*" and name[0] in "os"):
                most, least = one.at_most or count, one.at_least or 1
                assert found[name] <= (most * count if most < 1 else most) + 1e-6 or (
                    found[name] == 1 and most < 1
                )
                assert found[name] >= min(count, least * count if least < 1 else least) - 1e-6
                assert found[name] % one.multiple == 0 or found[name] == count
                if one.share is not None:
                    assert found[name] >= one.share * count - 1e-6
                    assert found[name] < one.share * count + one.multiple + 1e-6


@settings(max_examples=12, deadline=None)
@given(patterns, st.sampled_from([None, 0.6]))
def test_a_cut_holds_all_that_is_said_or_is_refused(layers, parameters) -> None:
    """At most, at least, shares and multiples, of patterns together, beside a limit."""
    asked = {name: {k: v for k, v in attrs.asdict(one).items() if v is not None}
             for name, one in layers.items()}  # fmt: skip
    try:
        smaller = evoframe.shrink(
            NETWORK, INPUTS, layers=asked, parameters=parameters, evolvable=NAMES
        )
    except ConfigError as error:
        assert "layers:" in str(error) or "cannot be cut" in str(error)  # noqa: PT017
        return
    require_held(channels(smaller), layers)


ENCODINGS = {
    "bundles": Cluster(of="bundle"),
    "kernels": Cluster(of="kernel"),
    "synapses": Synaptic(),
}
ENVIRONMENTS = {"budget": Budget(share=0.9, trials=1), "retention": Retention(0.9)}


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(sorted(ENCODINGS)),
    st.sampled_from(sorted(ENVIRONMENTS)),
    st.integers(1, 16),
    st.floats(0.1, 1),
    st.integers(0, 99),
)
def test_at_most_holds_in_every_draw(encoding, environment, stream, share, key) -> None:
    """Whatever is drawn from, with a ceiling or without one."""
    layers = {"two": Width(at_most=stream), "neck": Width(share=share)}
    anatomy = survey(NETWORK, INPUTS, NAMES, numbers=False, layers=layers)
    whole = anatomy.genotype()
    context = Context(whole, None, anatomy, Mnist(), torch.device("cpu"), 2, Key(key))
    inheritance = Inheritance(whole.masks, whole.strengths(), whole.state)
    dna = ENCODINGS[encoding].encode(inheritance, Evidence(inheritance, context), context)
    dna = ENVIRONMENTS[environment].press(dna, inheritance, context)
    try:
        genotype = synthesise(dna, inheritance, context)
    except StillbornError:  # rare draws reach no output
        return

    found = channels(anatomy.develop(genotype).network)

    assert found["two"] == found["stem"] <= stream
    assert found["neck"] == -(-10 * share // 1) or abs(10 * share - found["neck"]) < 1


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"neckk": {"at_most": 2}}, "'neckk' matches no layer.*Did you mean 'neck'"),
        ({"neck": {"at_least": 0.8}, "n*": {"at_most": 4}},
         r"'neck.weight' .* at least 8 and have at most 4, by 'neck' and 'n\*'"),
        ({"neck": {"at_least": 5, "at_most": 7, "multiple": 4}}, "at least 8 and have at most 4"),
        ({"stem": {"at_least": 12}, "two": {"at_most": 4}}, "'two.weight' .* at most 4.*12 stay"),
        ({"neck": {"at_mots": 4}}, "at_mots.*Did you mean 'at_most'"),
        ({"neck": {"at_most": 2.5}}, "'at_most' is 2.5; wanted a number of channels"),
    ],
    ids=["nothing", "contradiction", "multiple", "shared", "misspelt", "half"],
)  # fmt: skip
def test_what_cannot_hold_is_refused_by_name(layers, words) -> None:
    """With the layer and the patterns that say it."""
    with pytest.raises(ConfigError, match=words):
        evoframe.shrink(NETWORK, INPUTS, layers=layers, evolvable=NAMES)


def test_a_recipe_holds_widths_as_tables() -> None:
    """From the command line to the record and back."""
    said = "anatomy.layers={ 'a.*' = { at_least = 0.5, multiple = 8 }, b = { at_most = 64 } }"
    tables = assigned({"task": {"use": "mnist"}, "encoding": {"use": "synaptic"}}, said)
    registry = load_registry(())
    recipe = recipe_from(tables, registry)
    again = recipe_from(parse(write(tables_from(recipe, registry)), "again"), registry)

    assert recipe.anatomy.layers == {
        "a.*": Width(at_least=0.5, multiple=8), "b": Width(at_most=64)
    }  # fmt: skip
    assert again == recipe
    assert (
        "layers"
        not in tables_from(attrs.evolve(recipe, anatomy=type(recipe.anatomy)()), registry)[
            "anatomy"
        ]
    )


def test_the_least_of_a_layer_are_its_most_important() -> None:
    """A bound is no reason to keep channels that happen to come first."""
    with torch.no_grad():
        network = Two().eval()
        network.neck.weight[7:] *= 10
    smaller = evoframe.shrink(
        network, INPUTS, layers={"neck": {"at_least": 3}}, parameters=0.15, importance="magnitude",
        normalise="none", evolvable=NAMES,
    )  # fmt: skip

    kept = smaller.neck.weight.flatten(1).norm(dim=1)
    assert len(kept) >= 3
    assert (kept > network.neck.weight[:7].flatten(1).norm(dim=1).max()).sum() == 3


def test_a_pattern_is_of_parameters_modules_and_what_they_hold() -> None:
    """As `keep` takes names."""
    layers = {name: torch.arange(8) for name in ("body.0.weight", "body.1.weight", "head.weight")}
    for pattern, count in (("body", 2), ("body.*", 2), ("*.weight", 3), ("head", 1), ("*", 3)):
        assert len(bounds_of({pattern: Width(at_most=4)}, layers)) == count
