"""Which plugins are loaded is said by hand; names and contracts hurt only whom they concern."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from evoframe.cli.main import main
from evoframe.errors import ConfigError, NoSuchStrategyError
from evoframe.registry import load_registry
from evoframe.registry.blocking import VARIABLE
from evoframe.registry.file_names import FROM_FILE, module_name, path_of
from evoframe.registry.loading import import_plugin

Install = Callable[..., str]

SOURCE = '''
import attrs
from evoframe.plugin import Uniform, hookimpl

{more}

@attrs.frozen
class Sound(Uniform):
    """An encoding."""

    name = "{name}"

@hookimpl
def evoframe_encodings():
    return [Sound]
'''


def source(more: str = "", name: str = "sound") -> str:
    return SOURCE.format(more=more, name=name)


def loaded(*names: str) -> set[str]:
    return {one.name for one in load_registry(names).plugins if not one.is_built_in}


# --- blocking -------------------------------------------------------------------------------------


def test_a_plugin_is_blocked_by_its_name_or_that_of_its_distribution(install: Install) -> None:
    for name in ("evt-alpha", "evt-beta"):
        install(name, source())

    assert loaded() >= {"evt-alpha", "evt-beta"}
    assert "evt-alpha" not in loaded("no:evt_alpha")
    (blocked,) = load_registry(["no:evt-alpha"]).blocked
    assert str(blocked) == "plugin 'evt-alpha' (evt-alpha 1.0): blocked by no:evt-alpha"
    # What is ambiguous otherwise is then found.
    found = load_registry(["no:evt-alpha"]).find("encoding", "sound")
    assert found.plugin.name == "evt-beta"
    with pytest.raises(NoSuchStrategyError, match="blocked by no:evt-alpha"):
        load_registry(["no:evt-alpha", "no:evt-beta"]).find("encoding", "sound")
    with pytest.raises(ConfigError, match="stay loaded"):
        load_registry(["no:evoframe"])


def test_the_environment_says_which_are_loaded(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("evt-alpha", "evt-beta"):
        install(name, source())

    for said, there in {
        "none": set(),
        "evt-beta": {"evt-beta"},
        "evt-beta, evt_alpha": None,
    }.items():
        monkeypatch.setenv(VARIABLE, said)
        assert loaded() == ({"evt-alpha", "evt-beta"} if there is None else there)
    monkeypatch.setenv(VARIABLE, "evt-alpa")
    with pytest.raises(ConfigError, match=r"names 'evt-alpa', which is not installed\. Did you"):
        load_registry()
    assert "evoframe" in {one.distribution for one in load_registry(entry_points=False).plugins}


# --- names ----------------------------------------------------------------------------------------


def test_a_bare_name_is_the_built_in_strategys(install: Install) -> None:
    install("evt-alpha", source(name="uniform"))
    registry = load_registry()

    assert registry.find("encoding", "uniform").plugin.is_built_in
    assert registry.find("encoding", "evoframe:uniform").plugin.is_built_in
    assert registry.find("encoding", "evoframe.strategies.encoding:uniform").plugin.is_built_in
    theirs = registry.find("encoding", "evt-alpha:uniform")
    assert theirs.plugin.distribution == "evt-alpha"
    assert registry.shadowed() == (theirs,)
    told = CliRunner().invoke(main, ["plugins"]).output
    assert "encoding evt-alpha:uniform, of evt-alpha 1.0" in told


def test_every_offer_is_found_by_its_qualified_name(install: Install, tmp_path: Path) -> None:
    """Also where two distributions call their plugins alike, and from files."""
    for name in ("evt-alpha", "evt-beta"):
        install(name, source())
        facts = next((tmp_path / "site" / name).glob("*.dist-info")) / "entry_points.txt"
        facts.write_text(facts.read_text().replace(f"{name} =", "alike ="))
    file = tmp_path / "own.py"
    file.write_text(source())
    registry = load_registry([str(file)])

    assert registry.failures == ()
    for offer in registry.offers:
        assert registry.find(offer.role, registry.qualified(offer)) is offer


@pytest.mark.parametrize("name", ["evoframe", "evoframe.strategies.encoding", "x.py", "a:b"])
def test_names_that_mean_something_else_are_nobodys(
    name: str, install: Install, tmp_path: Path
) -> None:
    install("evt-alpha", source())
    facts = next((tmp_path / "site" / "evt-alpha").glob("*.dist-info")) / "entry_points.txt"
    facts.write_text(f"[evoframe]\n{name} = evt_alpha\n")

    failures = [str(one) for one in load_registry().failures]

    assert not failures or f"(evt-alpha 1.0): its entry point is called {name!r}" in failures[0]
    assert load_registry().find("encoding", "evoframe:uniform").plugin.is_built_in


# --- contracts ------------------------------------------------------------------------------------

LATER = """
@hookimpl(optionalhook=True)
def evoframe_dreams():
    return []
"""


def test_a_plugin_says_for_which_contracts_it_was_written(install: Install) -> None:
    """And one distribution may serve several, with hooks that only one of them has."""
    install("evt-both", source("CONTRACT = (2, 3)" + LATER, "both"))
    install("evt-early", source("CONTRACT = 1", "early"))
    install("evt-odd", source("CONTRACT = 'two'", "odd"))
    registry = load_registry()

    assert registry.find("encoding", "both")
    told = {one.plugin: one.reason for one in registry.failures}
    assert "it was written for contract 1, and evoframe" in told["evt-early"]
    assert told["evt-odd"].startswith("CONTRACT is 'two'; wanted a number, or several")
    assert "evt-both" not in told


# --- imports --------------------------------------------------------------------------------------

PANICS = ("raise BaseException('panic')", "import sys; sys.exit(3)", "raise GeneratorExit")


@pytest.mark.parametrize("more", PANICS)
def test_whatever_an_import_raises_is_the_plugins_own_failure(more: str, install: Install) -> None:
    install("evt-panic", source(more))

    assert "evt_panic raised" in " ".join(one.reason for one in load_registry().failures)
    with pytest.raises(ConfigError, match="cannot import 'evt_panic'"):
        load_registry(["evt_panic"])


def test_a_person_at_the_keyboard_ends_an_import(install: Install) -> None:
    install("evt-long", source("raise KeyboardInterrupt"))

    with pytest.raises(KeyboardInterrupt):
        load_registry()


CHANGES = {
    "torch.set_default_dtype(torch.float64)": "torch's default dtype from torch.float32 to",
    "torch.set_num_threads(torch.get_num_threads() + 3)": "torch's number of threads",
    "torch.use_deterministic_algorithms(True)": "torch's deterministic algorithms",
    "torch.set_grad_enabled(False)": "whether torch takes gradients",
    "torch.set_default_device('meta')": "torch's default device",
    "torch.backends.cudnn.benchmark = True": "whether cuDNN looks for the quickest kernel",
    "torch.manual_seed(7)": "the seed of torch",
    "random.seed(7)": "the seed of Python's random",
    "np.random.seed(7)": "the seed of numpy.random",
    "np.seterr(all='raise')": "what NumPy does with errors",
}


@pytest.mark.parametrize("line", CHANGES)
def test_what_an_import_changes_for_all_is_put_back_and_told(line: str, install: Install) -> None:
    random.random()
    np.random.rand()  # noqa: NPY002
    before = state()
    install("evt-loud", source(f"import random, torch, numpy as np\n{line}"))

    told = CliRunner().invoke(main, ["plugins"]).output

    assert state() == before
    assert f"importing plugin 'evt-loud' of evt-loud 1.0 changed {CHANGES[line]}" in told


def test_an_import_that_draws_is_not_accused(install: Install) -> None:
    """Somebody may make example data as a module is read."""
    install("evt-quiet", source("import torch, random\ntorch.rand(3), random.random()"))

    assert "put back" not in CliRunner().invoke(main, ["plugins"]).output


def state() -> tuple[str, ...]:
    random_states = (random.getstate(), np.random.get_state(), torch.get_rng_state().tolist())  # noqa: NPY002
    settings = (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.backends.cudnn.benchmark,
        np.geterr(),
    )
    return tuple(map(repr, (*random_states, *settings)))


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tmp/a.py", "/tmp/ä b/__1_.py", "/x_2f_y/é.é.py"])
def test_a_file_is_told_by_the_name_of_its_module(path: str) -> None:
    assert path_of(module_name(Path(path))) == Path(path)
    assert module_name(Path(path)).removeprefix(FROM_FILE).isidentifier()


def test_another_process_finds_what_comes_from_a_file(tmp_path: Path) -> None:
    """By nothing but the name that is pickled."""
    file = tmp_path / "own helpers.py"
    file.write_text("def helper():\n    return 7\n")
    helper = import_plugin(str(file)).helper
    code = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1]))())"

    import pickle

    words = [sys.executable, "-c", code, pickle.dumps(helper).hex()]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "7"
