"""Installs distributions that exist for one test only, with real entry points."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a distribution and returns its module's name."""
    before = set(sys.modules)

    def installed(name: str, source: str, *, target: str = "", version: str = "1.0") -> str:
        module, site = name.replace("-", "_"), tmp_path / "site" / name
        metadata = site / f"{module}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (site / f"{module}.py").write_text(source, "utf-8")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
        )
        entry = f"[evoframe]\n{name} = {target or module}\n"
        (metadata / "entry_points.txt").write_text(entry, "utf-8")
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        return module

    yield installed
    for name in set(sys.modules) - before:
        if name.startswith("evt_"):
            del sys.modules[name]
