"""Files import the modules beside them, as scripts do, and never those beside other files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import evoframe
from evoframe.config.request import Request, registry_of
from evoframe.errors import ConfigError
from evoframe.registry.loading import import_plugin
from evoframe.run.disk.origins import origin
from support import blobs


@pytest.fixture(autouse=True)
def _modules_as_they_were(tmp_path):
    path = list(sys.path)
    yield
    assert sys.path == path
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in f"{vars(module).get('__file__')}{vars(module).get('__path__')}":
            del sys.modules[name]


def folder(place: Path, who: str, task: str) -> Path:
    place.mkdir()
    (place / "architecture.py").write_text(f"WHO = {who!r}\n")
    (place / "parts").mkdir()
    (place / "parts" / "__init__.py").write_text("from parts.inner import WHO\n")
    (place / "parts" / "inner.py").write_text(f"import architecture\nWHO = {who!r}\n")
    (place / "spaces").mkdir()
    (place / "spaces" / "inner.py").write_text(f"WHO = {who!r}\n")
    (place / "task.py").write_text(task)
    return place / "task.py"


TASKS = {
    "a module": "from architecture import WHO\n",
    "a package": "from parts import WHO\n",
    "a part of a package": "import parts.inner\nWHO = parts.inner.WHO\n",
    "a folder without __init__": "from spaces.inner import WHO\n",
    "when it is called": "import architecture\ndef f():\n    return architecture.WHO\nWHO = f()\n",
}


@pytest.mark.parametrize("kind", TASKS)
def test_each_file_gets_the_neighbours_of_its_own_folder(kind, tmp_path) -> None:
    """Two tasks with a file of one name beside them are two tasks."""
    files = [folder(tmp_path / who, who, TASKS[kind]) for who in ("a", "b", "c")]

    found = [import_plugin(str(file)).WHO for file in files]

    assert found == ["a", "b", "c"]
    assert not {"architecture", "parts", "parts.inner", "spaces"} & set(sys.modules)


def test_a_neighbour_that_two_files_share_is_one_module(tmp_path) -> None:
    """So that what it holds is the same for both."""
    one = folder(tmp_path / "a", "a", "import architecture as there\n")
    (other := one.with_name("other.py")).write_text(one.read_text())

    assert import_plugin(str(one)).there is import_plugin(str(other)).there


def test_a_late_import_gets_its_own_neighbour_or_none(tmp_path) -> None:
    """Never that of another folder, in whichever order files are read."""
    late = "def f():\n    import architecture\n    return architecture.WHO\n"
    one = folder(tmp_path / "a", "a", late)
    other = folder(tmp_path / "b", "b", "import architecture\n" + late)
    alone = folder(tmp_path / "c", "c", "import alone\ndef f():\n    import alone\n    return 1\n")
    alone.with_name("alone.py").write_text("")

    found = [import_plugin(str(file)) for file in (one, other, alone)]

    for module in found[:2]:
        with pytest.raises(ModuleNotFoundError):
            module.f()
    assert found[2].f() == 1


def test_what_python_has_already_is_not_taken_from_a_folder(tmp_path) -> None:
    """A file called as an installed module that is loaded stays out of the way, as in a script."""
    file = folder(tmp_path / "a", "a", "import torch, json\nWHO = torch.__name__ + json.__name__\n")
    for name in ("torch", "json"):
        file.with_name(f"{name}.py").write_text("raise RuntimeError('not me')\n")

    assert import_plugin(str(file)).WHO == "torchjson"


def test_a_missing_neighbour_is_refused_and_leaves_nothing(tmp_path) -> None:
    """The message is Python's own."""
    file = folder(tmp_path / "a", "a", "import architecture, nowhere_to_be_found\n")

    with pytest.raises(ConfigError, match="No module named 'nowhere_to_be_found'"):
        import_plugin(str(file))


def test_annotations_of_neighbours_are_found_whatever_they_are_called(tmp_path) -> None:
    """Options of a class that is derived from a neighbour's are read from its annotations."""
    for who in ("a", "b"):
        (tmp_path / who).mkdir()
        (tmp_path / who / "clouds.py").write_text(Path(blobs.__file__).read_text())
        (tmp_path / who / "task.py").write_text(OWN)

    requests = [Request(choices={"task": f"{tmp_path}/{who}/task.py:Own"}) for who in ("a", "b")]
    registry_of(requests)
    found = [one.resolve() for one in requests for _ in range(2)]

    assert {one.recipe.task.hidden for one in found} == {16}
    origins = {str(origin(type(one.recipe.task), one.registry)) for one in found}
    assert origins == {"Own of task.py"}


OWN = """
import attrs
from clouds import Blobs


@attrs.frozen
class Own(Blobs):
    'A task.'
    name = 'own'
"""


@pytest.mark.parametrize("executor", ["serial", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_run_is_told_apart_by_its_neighbours(executor, tmp_path) -> None:
    """The record has a digest of all that was read; other processes find the neighbours too."""
    file = tmp_path / "task.py"
    (tmp_path / "clouds.py").write_text(Path(blobs.__file__).read_text())
    file.write_text(OWN)

    run = evoframe.evolve(
        f"{file}:Own", out=tmp_path / "run", generations=2, executor=executor, training="none"
    )

    registry = evoframe.registry.load_registry()
    before = origin(type(run.recipe.task), registry).version
    with (tmp_path / "clouds.py").open("a") as clouds:
        clouds.write("# changed\n")
    assert before != origin(type(run.recipe.task), registry).version
