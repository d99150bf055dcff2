"""Scaffolds: a plugin with its test and its CI, made from the example of a role."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from evoframe.errors import ConfigError, RunError, close_match
from evoframe.registry.checking import NAME
from evoframe.registry.loading import load_registry
from evoframe.roles import ROLES
from evoframe.version import __version__

PROJECT = """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "evoframe-{name}"
version = "0.1.0"
description = "{summary}"
requires-python = ">=3.11"
dependencies = ["evoframe>={version}"]

[project.optional-dependencies]
testing = ["evoframe[testing]>={version}"]

[project.entry-points.evoframe]
{name} = "{module}"

[tool.hatch.build.targets.wheel]
include = ["{module}.py"]
"""

TEST = """\
\"\"\"Everything that a {role} promises, tried on generated networks.\"\"\"

from {module} import {kind}

from evoframe.testing import conformance

test_conformance = conformance({kind}())
"""


WORKFLOW = """\
# Tries the plugin with the oldest evoframe that pyproject.toml asks for, and with the newest.
name: conformance

on: [push, pull_request]

jobs:
  conformance:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        # What pip installs. Where evoframe {version} is on no package index that pip looks at, say
        # where it is in the variables EVOFRAME_OLDEST and EVOFRAME_NEWEST of this repository: the
        # address of a wheel, or git+https://ADDRESS@TAG.
        evoframe:
          - ${{{{ vars.EVOFRAME_OLDEST || 'evoframe=={version}' }}}}
          - ${{{{ vars.EVOFRAME_NEWEST || 'evoframe' }}}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: python -m pip install "${{{{ matrix.evoframe }}}}"
      # It is there already, and stays if it is new enough.
      - run: python -m pip install ".[testing]"
      - run: evoframe check evoframe-{name}
      - run: python -m pytest
"""

CONFORMANCE = ".github/workflows/conformance.yml"


def example_of(role: str) -> str:
    """A plugin that offers a working strategy of a role, as Python text."""
    return (resources.files("evoframe.testing") / "examples" / f"{role}.py").read_text("utf-8")


def files_of(role: str, name: str) -> dict[str, str]:
    """Return the files of a new plugin, by their paths in its folder.

    Args:
        role: what its strategy plays.
        name: what people will choose the strategy by.

    Raises:
        ConfigError: there is no such role, or nobody could be called that.
    """
    if role not in ROLES:
        raise ConfigError(
            f"there is no role {role!r}.{close_match(role, ROLES)} Roles: {', '.join(ROLES)}."
        )
    if not NAME.fullmatch(name) or name[0].isdigit():
        raise ConfigError(
            f"{name!r} is no name for a strategy; wanted lower-case words joined by hyphens."
        )
    if name in {offer.name for offer in load_registry(entry_points=False).of_role(role)}:
        raise ConfigError(
            f"there is a {role} {name!r} already, which comes with evoframe. Choose another name: "
            "two of one name would have to be distinguished in every recipe."
        )
    example = example_of(role)
    module, kind = f"evoframe_{name.replace('-', '_')}", _class_name(name, role, example)
    source = _renamed(example, name, kind)
    summary = re.search(r'"""(.*?)"""', source[source.index(f"class {kind}") :])
    facts = {"name": name, "module": module, "kind": kind, "role": role}
    said = summary[1].replace('"', "'") if summary else name
    return {
        "pyproject.toml": PROJECT.format(**facts, summary=said, version=__version__),
        f"{module}.py": source,
        CONFORMANCE: WORKFLOW.format(**facts, version=__version__),
        f"tests/test_{name.replace('-', '_')}.py": TEST.format(**facts),
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Write the files of a new plugin.

    Raises:
        RunError: the folder holds something, or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} exists and is not empty. Name another folder with --out.")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error}") from error


def _class_name(name: str, role: str, example: str) -> str:
    """Return a name in capitals that neither Python nor the example uses for something else."""
    kind = name.title().replace("-", "")
    taken = keyword.iskeyword(kind) or re.search(rf"\b{kind}\b", example)
    return kind + role.title() if taken else kind


def _renamed(source: str, name: str, kind: str) -> str:
    """An example under another name."""
    match = re.search(r'^class (\w+)\(.*?^    name = "([^"]+)"', source, re.DOTALL | re.MULTILINE)
    assert match is not None
    named = re.sub(rf"\b{match[1]}\b", kind, source)
    return named.replace(f'name = "{match[2]}"', f'name = "{name}"')
