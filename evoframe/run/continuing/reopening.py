"""Reopening: the network of a run that is over is surveyed again, whatever the caller has set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evoframe.anatomy import Anatomy
from evoframe.config.recipe import Recipe
from evoframe.errors import RunError
from evoframe.kernel import device as devices
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.modules.entries import state_of
from evoframe.run.disk.fingerprints import FINGERPRINTS, of_survey
from evoframe.run.disk.standing_in import StandIn, is_same_architecture
from evoframe.run.world import ancestor_of, survey_ancestor

CPU = torch.device("cpu")


@contextmanager
def ordinary_tensors() -> Iterator[None]:
    """Make tensors that can learn, whatever the caller has switched off."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield


def survey_again(recipe: Recipe, recorded: Mapping[str, Any], path: Path) -> Anatomy:
    """The anatomy of the ancestor of a run; neither the loss nor the data of its task are tried.

    Args:
        recipe: the task, and how it was surveyed.
        recorded: the table ``[record]`` of the run.
        path: of the run.

    Raises:
        RunError: a network was given in the place of the task's that is not the one that was
            evolved, as far as a survey can tell.
    """
    run = recipe.run
    with ordinary_tensors(), devices.arithmetic(CPU, threads=run.threads, strict=run.strict):
        anatomy = survey_ancestor(recipe, ancestor_of(recipe))
    if isinstance(recipe.task, StandIn):
        due = recorded.get(FINGERPRINTS, {}).get("survey")
        inputs = recipe.task.example_inputs()
        same = is_same_architecture(recorded, anatomy.network, inputs)
        if not same or due not in (None, of_survey(anatomy)):
            raise RunError(
                f"the network given for {path} is not the one that was evolved: it computes "
                "something else or its survey finds other layers or sizes, or another version of "
                "evoframe made the run. The factory must build it with the same arguments."
            )
    return anatomy


def require_same_network(network: nn.Module, genotype: Genotype, path: Path) -> None:
    """Refuse to grow a genotype into another network than the one it belongs to.

    Raises:
        RunError: which entries are not the same.
    """
    found = {name: value.shape for name, value in state_of(network).items()}
    other = [
        name
        for name, value in genotype.state.items()
        if name not in found or found[name] != value.shape
    ]
    if other:
        how = "has another shape" if other[0] in found else "is not there"
        more = f", and {len(other) - 1} more" if len(other) > 1 else ""
        raise RunError(
            f"the network given for {path} is not the one that was evolved: {other[0]!r} {how}"
            f"{more}. Its task must build it as it did then."
        )
