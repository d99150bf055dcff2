"""Few examples: they are the same every time, and enough for every saboteur."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "6")
