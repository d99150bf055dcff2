"""Installed plugins: the good ones work, whatever the others do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evoframe.errors import AmbiguousStrategyError, ConfigError, NoSuchStrategyError
from evoframe.registry import LoadFailure, load_registry

Install = Callable[..., str]

HEADER = '''
import sys
import attrs
from evoframe import hookimpl
from evoframe.roles import Encoding, Observer, Selection, Training, doc

@attrs.frozen
class Sound(Encoding):
    """A well-formed encoding."""

    name = "sound"
    loudness: float = attrs.field(default=1.0, metadata=doc("how loud"))

    def encode(self, inheritance, evidence, context):
        raise NotImplementedError
'''

OFFER = """
@hookimpl
def evoframe_encodings():
    return [Sound]
"""

GOOD = HEADER + OFFER


def only_failure_of(*, wanted: str) -> LoadFailure:
    """Load what is installed; return the one failure, which must belong to this distribution."""
    failures = load_registry().failures
    assert [failure.distribution for failure in failures] == [wanted]
    return failures[0]


# --- whole plugins ------------------------------------------------------------------------------


def test_an_installed_plugin_is_found_with_its_distribution_and_version(install: Install) -> None:
    """The record of a run says which version of which package every strategy came from."""
    install("evt-good", GOOD, version="3.1.4")
    registry = load_registry()
    offer = registry.find("encoding", "sound")
    assert registry.failures == ()
    assert (offer.plugin.name, offer.plugin.distribution) == ("evt-good", "evt-good")
    assert (offer.plugin.version, offer.plugin.offers) == ("3.1.4", ("encoding/sound",))
    assert offer in registry.of_role("encoding")
    with pytest.raises(NoSuchStrategyError):
        load_registry(entry_points=False).find("encoding", "sound")


BROKEN_PLUGINS = {
    "raises on import": ("raise OSError('no\\nlibrary')", "raised OSError: no library"),
    "exits on import": ("import sys; sys.exit('bye')", "raised SystemExit: bye"),
    "does not parse": ("def (", "raised SyntaxError"),
    "misspells a hook": (
        GOOD.replace("evoframe_encodings", "evoframe_encodngs"),
        "there is no hook 'evoframe_encodngs'. Did you mean 'evoframe_encodings'?",
    ),
    "forgets the marker": (
        GOOD.replace("@hookimpl", ""),
        "evoframe_encodings is not marked: put @evoframe.hookimpl above it",
    ),
    "misspells a hook and forgets the marker": (
        GOOD.replace("@hookimpl\ndef evoframe_encodings", "def evoframe_encodigs"),
        "there is no hook 'evoframe_encodigs'. Did you mean 'evoframe_encodings'?",
    ),
    "asks for an argument": (
        GOOD.replace("evoframe_encodings()", "evoframe_encodings(config)"),
        "config",
    ),
}


@pytest.mark.parametrize("flaw", BROKEN_PLUGINS)
def test_a_broken_plugin_is_left_out_and_named_while_a_good_one_works(
    flaw: str, install: Install
) -> None:
    """One bad package in an environment must not take the tool away from its user."""
    source, reason = BROKEN_PLUGINS[flaw]
    install("evt-broken", source, version="2.0")
    install("evt-good", GOOD)
    registry = load_registry()
    (failure,) = registry.failures
    assert (failure.plugin, failure.distribution, failure.version) == ("evt-broken",) * 2 + ("2.0",)
    assert reason in failure.reason
    assert "\n" not in str(failure)
    assert [plugin.name for plugin in registry.plugins if plugin.name.startswith("evt")] == [
        "evt-good"
    ]
    assert registry.find("encoding", "sound").plugin.name == "evt-good"
    with pytest.raises(NoSuchStrategyError) as caught:
        registry.find("encoding", "sonud")
    assert "there is no encoding 'sonud'. Did you mean 'sound'?" in str(caught.value)
    assert f"plugin 'evt-broken' (evt-broken 2.0): {failure.reason}" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise KeyError('lost')", "evoframe_encodings() raised KeyError: 'lost'"),
        ("sys.exit(3)", "evoframe_encodings() raised SystemExit: 3"),
        ("return None", "evoframe_encodings() raised TypeError"),
        ("return Sound", "evoframe_encodings() raised TypeError"),
        ("return 'sound'", "it offers 's' as encoding; wanted a class derived from"),
    ],
)
def test_a_hook_that_fails_loses_its_own_offers_only(
    body: str, reason: str, install: Install
) -> None:
    """A plugin's other hooks, and everybody else's, are not to blame."""
    trainings = '''
@attrs.frozen
class Rest(Training):
    """Rests."""

    name = "rest"

    def train(self, phenotype, context):
        raise NotImplementedError

@hookimpl
def evoframe_trainings():
    return [Rest]
'''
    install("evt-half", GOOD.replace("return [Sound]", body) + trainings)
    registry = load_registry()
    assert registry.failures
    assert reason in registry.failures[0].reason
    assert registry.failures[0].distribution == "evt-half"
    assert registry.find("training", "rest").plugin.offers == ("training/rest",)


@pytest.mark.parametrize(
    ("target", "reason"),
    [("evt_odd:nothing", "AttributeError"), ("evt_odd:plugin", "there is no hook 'evoframe_tasx'")],
)
def test_an_entry_point_may_name_an_object_and_is_checked_like_a_module(
    target: str, reason: str, install: Install
) -> None:
    """Pluggy takes any object, so a mistake in one must end as a recorded failure too."""
    source = """
from evoframe import hookimpl

class Plugin:
    __slots__ = ()

    @hookimpl
    def evoframe_tasx(self):
        return []

plugin = Plugin()
"""
    install("evt-odd", source, target=target)
    assert reason in only_failure_of(wanted="evt-odd").reason


def test_two_plugins_may_offer_one_name_until_somebody_asks_for_it(install: Install) -> None:
    """Installing a package must never break recipes that do not use what it offers."""
    for distribution in ("evt-alpha", "evt-beta"):
        install(distribution, GOOD.replace("how loud", distribution))
    registry = load_registry()
    assert registry.failures == ()
    with pytest.raises(AmbiguousStrategyError) as caught:
        registry.find("encoding", "sound")
    told = "evt-alpha:sound (evt-alpha 1.0), evt-beta:sound (evt-beta 1.0)"
    assert f"offered by 2 plugins. Say which: {told}" in str(caught.value)
    for distribution in ("evt-alpha", "evt-beta"):
        offer = registry.find("encoding", f"{distribution}:sound")
        assert offer.plugin.distribution == distribution
        assert offer.strategy.__module__ == distribution.replace("-", "_")
        assert registry.offer_of(offer.strategy) is offer
    with pytest.raises(NoSuchStrategyError):
        registry.find("encoding", "evt-gamma:sound")
    with pytest.raises(NoSuchStrategyError):
        registry.find("training", "sound")
    with pytest.raises(ConfigError, match=r"no role 'encodng'\. Did you mean 'encoding'"):
        registry.find("encodng", "sound")


def test_the_same_distribution_twice_on_the_path_is_one_plugin(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editable installs and PYTHONPATH often name a distribution twice; that is no ambiguity."""
    install("evt-good", GOOD)
    copy = tmp_path / "copy"
    (tmp_path / "site" / "evt-good").rename(copy)
    (tmp_path / "site" / "evt-good").symlink_to(copy)
    monkeypatch.syspath_prepend(str(copy))
    registry = load_registry()
    assert registry.failures == ()
    assert registry.find("encoding", "sound").plugin.name == "evt-good"


# --- single offers ------------------------------------------------------------------------------

ENCODE = """
    def encode(self, inheritance, evidence, context):
        raise NotImplementedError
"""

ILL_FORMED = {
    "of another role": (
        (
            '@attrs.frozen\nclass Bad(Selection):\n    """Bad."""\n    name = "bad"\n'
            "    def select(self, population, context): ...\n"
        ),
        ("Bad", "as encoding", "evoframe.plugin.Encoding"),
    ),
    "an instance": ("Bad = Sound()", ("Sound(loudness=1.0)", "wanted a class derived from")),
    "without a name": (
        f'@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n{ENCODE}',
        ("encoding class Bad", "has the name ''"),
    ),
    "with a name that cannot be written": (
        f'@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "Bad:One"\n{ENCODE}',
        ("encoding class Bad", "'Bad:One'", "lower-case words joined by hyphens"),
    ),
    "without a docstring": (
        f'@attrs.frozen\nclass Bad(Encoding):\n    name = "bad"\n{ENCODE}',
        ("encoding class Bad", "no docstring"),
    ),
    "not frozen": (
        f'class Bad(Encoding):\n    """Bad."""\n    name = "bad"\n{ENCODE}',
        ("encoding class Bad", "@attrs.frozen"),
    ),
    "with an option without help": (
        (
            '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n'
            f"    depth: int = 3\n{ENCODE}"
        ),
        ("option 'depth' of encoding class Bad", "no help"),
    ),
    "with an option that recipes cannot hold": (
        (
            '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n'
            f'    table: dict = attrs.field(factory=dict, metadata=doc("a table"))\n{ENCODE}'
        ),
        ("option 'table' of encoding class Bad", "dict", "wanted bool, int, float"),
    ),
    "with an option of one type or another": (
        (
            '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n'
            f'    width: int | str = attrs.field(default=1, metadata=doc("width"))\n{ENCODE}'
        ),
        ("option 'width' of encoding class Bad", "int | str"),
    ),
    "with an option of no type": (
        (
            '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n'
            f'    depth = attrs.field(default=1, metadata=doc("depth"))\n    x: int = 3\n{ENCODE}'
        ),
        ("class Bad",),
    ),
    "with an annotation of nothing": (
        (
            '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n'
            f'    depth: "Deep" = attrs.field(default=1, metadata=doc("depth"))\n{ENCODE}'
        ),
        ("encoding class Bad", "'Deep' is not defined"),
    ),
    "that is abstract": (
        '@attrs.frozen\nclass Bad(Encoding):\n    """Bad."""\n    name = "bad"\n',
        ("encoding class Bad", "does not define encode"),
    ),
}


@pytest.mark.parametrize("flaw", ILL_FORMED)
def test_an_ill_formed_offer_is_left_out_and_its_neighbours_survive(
    flaw: str, install: Install
) -> None:
    """An author reads class, field and remedy; a user keeps what the plugin does well."""
    source, words = ILL_FORMED[flaw]
    offer = OFFER.replace("[Sound]", "[Bad, Sound]")
    install("evt-mixed", HEADER + source + offer, version="0.9")
    failure = only_failure_of(wanted="evt-mixed")
    assert (failure.plugin, failure.version) == ("evt-mixed", "0.9")
    assert all(word in failure.reason for word in words), failure.reason
    registry = load_registry()
    assert registry.find("encoding", "sound").plugin.offers == ("encoding/sound",)
    with pytest.raises(NoSuchStrategyError) as caught:
        registry.find("encoding", "bad")
    assert str(failure) in str(caught.value)


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("@hookimpl\n    def evoframe_epoch_finshed(self, event):", "Did you mean 'evoframe_epoch"),
        ("@hookimpl\n    def evoframe_epoch_finished(self, evnt):", "evnt"),
        ("def evoframe_epoch_finished(self, event):", "is not marked"),
    ],
)
def test_a_mistake_in_an_observer_is_reported_before_it_watches_in_vain(
    method: str, reason: str, install: Install
) -> None:
    """A misspelt lifecycle hook would never be called, and nobody would know."""
    source = f'''
@attrs.frozen(eq=False)
class Deaf(Observer):
    """Hears nothing."""

    name = "deaf"

    {method}
        raise NotImplementedError

@hookimpl
def evoframe_observers():
    return [Deaf]
'''
    install("evt-deaf", HEADER + source)
    failure = only_failure_of(wanted="evt-deaf")
    assert "observer class Deaf" in failure.reason
    assert reason in failure.reason


# --- plugins named by hand ----------------------------------------------------------------------


def test_a_file_named_by_hand_is_loaded_once_however_often_it_is_named(tmp_path: Path) -> None:
    """A recipe and a command line may both name the plugin that they need."""
    file = tmp_path / "mine.py"
    file.write_text(GOOD, "utf-8")
    registry = load_registry([str(file), str(file), str(tmp_path / "." / "x" / ".." / "mine.py")])
    offer = registry.find("encoding", "sound")
    assert (offer.plugin.distribution, offer.plugin.version) == ("", "")
    assert offer.strategy is load_registry([str(file)]).find("encoding", "sound").strategy


def test_an_installed_plugin_may_be_named_by_hand_as_well(install: Install) -> None:
    """A recipe that names the module goes on working once the module is installed properly."""
    module = install("evt-good", GOOD)
    assert load_registry([module]).find("encoding", "sound").plugin.distribution == "evt-good"


HAND_NAMED = {
    **BROKEN_PLUGINS,
    **{name: (HEADER + source + OFFER.replace("Sound", "Bad"), words[0])
       for name, (source, words) in ILL_FORMED.items()},
}  # fmt: skip


@pytest.mark.parametrize("flaw", HAND_NAMED)
def test_a_plugin_that_was_asked_for_must_load(flaw: str, tmp_path: Path) -> None:
    """What somebody names they want, so going on without it would run something else."""
    source, reason = HAND_NAMED[flaw]
    file = tmp_path / "mine.py"
    file.write_text(source, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_registry([str(file)])
    assert str(file) in str(caught.value)
    assert reason.removeprefix("raised ") in str(caught.value).replace("\n", " ")


@pytest.mark.parametrize("name", ["nowhere.py", "evt_not_installed_anywhere", "", "a..b"])
def test_a_plugin_that_is_not_there_says_what_may_be_named(name: str) -> None:
    """A typing mistake in ``-p`` is told from a mistake in the plugin."""
    with pytest.raises(ConfigError, match="Wanted: the path of a Python file, or the dotted name"):
        load_registry([name])
