"""Plugins that are wrong in ways nobody thinks of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evoframe.errors import ConfigError
from evoframe.registry import load_registry

Install = Callable[..., str]

OFFER = '''
from __future__ import annotations
import attrs
from evoframe import hookimpl
from evoframe.roles import doc
from evoframe.strategies.encoding import Uniform

@attrs.frozen
class Edge(Uniform):
    """An encoding."""

    name = "edge"
    {option}

@hookimpl
def evoframe_encodings({arguments}):
    return [{offers}]
'''

EDGES = {
    "whose attributes cannot be read": (
        'def __dir__(): return ["lazy"]\ndef __getattr__(name): raise RuntimeError("no " + name)',
        "RuntimeError: no lazy",
    ),
    "with an annotation that raises": (
        OFFER.format(
            option='a: int[str] = attrs.field(default=1, metadata=doc("a"))',
            arguments="",
            offers="Edge",
        ),
        "encoding class Edge",
    ),
    "that offers one name twice": (
        OFFER.format(option="", arguments="", offers="Edge, Edge"),
        "it offers encoding 'edge' more than once",
    ),
}


@pytest.mark.parametrize("flaw", EDGES)
def test_an_odd_plugin_never_takes_the_tool_down(flaw: str, install: Install) -> None:
    """Whatever is installed, the built-in strategies can be listed and used."""
    source, reason = EDGES[flaw]
    install("evt-edge", source)

    registry = load_registry()

    (failure,) = registry.failures
    assert (failure.distribution, failure.version) == ("evt-edge", "1.0")
    assert reason in failure.reason
    assert registry.find("encoding", "synaptic").plugin.distribution == "evoframe"
    if flaw == "that offers one name twice":  # the first one can be used
        assert registry.find("encoding", "edge").plugin.offers == ("encoding/edge",)


def test_a_plugin_that_failed_as_installed_fails_when_named_by_hand(install: Install) -> None:
    """That it was tried before does not mean that it is there."""
    source = OFFER.format(option="", arguments="config", offers="Edge")
    module = install("evt-half", source)

    with pytest.raises(ConfigError, match="evt_half"):
        load_registry([module])
