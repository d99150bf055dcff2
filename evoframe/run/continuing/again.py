"""Again: somebody whose weights were dropped is lived again, and nothing in the run is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.recipe import Recipe
from evoframe.kernel.genotype import Genotype
from evoframe.run import binding
from evoframe.run.continuing.reopening import CPU, ordinary_tensors
from evoframe.run.disk.folder import RunFolder
from evoframe.run.living.recall import Recall
from evoframe.run.world import build_world


def lived_again(
    folder: RunFolder, recipe: Recipe, ready: Mapping[str, Any], identity: str
) -> Genotype:
    """Return the genotype of an individual, on the CPU, made from its forebears and its key.

    Args:
        folder: of the run.
        recipe: the last that it had.
        ready: strategies that the record cannot hold, by role table.
        identity: under which the genotype was stored.

    Raises:
        DamagedError: it comes out as another than the one on record, so it is lost.
    """
    with ordinary_tensors(), tempfile.TemporaryDirectory() as scratch:
        world = binding.of_run(build_world(recipe, folder), ready)
        recall = attrs.evolve(Recall.of(world), aside=RunFolder(Path(scratch)))
        return recall.genotype(identity).to(CPU)
