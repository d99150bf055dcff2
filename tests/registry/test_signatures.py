"""A strategy of contract 1 is told so in words, wherever it is met."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import torch

import evoframe
from evoframe.errors import EvoframeError, OfferError
from evoframe.registry import load_registry
from evoframe.registry.loading import import_plugin
from evoframe.registry.signatures import check_signatures
from evoframe.roles import ROLES, Mutation, Nurture, Selection
from evoframe.strategies.selection import Truncation

SPECIMEN = "evoframe.testing.specimens:Specimen"

OLD = {
    "selection": ("select", "population, key", "population, context"),
    "heredity": ("inherit", "parents, key, around", "parents, context"),
    "encoding": ("encode", "inheritance, evidence", "inheritance, evidence, context"),
    "mutation": ("mutate", "dna, key", "dna, inheritance, context"),
    "environment": ("press", "dna, inheritance, around", "dna, inheritance, context"),
    "training": ("train", "phenotype, task, life", "phenotype, context"),
    "nurture": ("after_step", "phenotype, optimiser, life, step",
                "phenotype, optimiser, context, step"),
}  # fmt: skip
"""For each role a method with its arguments of contract 1, and those since contract 2."""


def plugin(role: str, file: Path) -> Path:
    """Write a plugin as an author of contract 1 would have."""
    method, arguments, _ = OLD[role]
    file.write_text(
        "import attrs\n"
        "from evoframe import hookimpl\n"
        f"from evoframe.roles import {ROLES[role].class_name}\n"
        "@attrs.frozen\n"
        f"class Elder({ROLES[role].class_name}):\n"
        '    """Is of another time."""\n'
        '    name = "elder"\n'
        f"    def {method}(self, {arguments}): ...\n"
        "@hookimpl\n"
        f"def {ROLES[role].hook}():\n"
        "    return [Elder]\n"
    )
    return file


@pytest.mark.parametrize("role", OLD)
def test_a_plugin_of_contract_1_is_told_what_is_wanted(role: str, tmp_path: Path) -> None:
    """Where as many arguments are given as before, it would fail in the middle of a run."""
    method, taken, wanted = OLD[role]
    file = plugin(role, tmp_path / "elder.py")
    message = (
        f"{role} class Elder: {method} takes ({taken}); wanted {method}({wanted}), since contract 2"
    )

    with pytest.raises(EvoframeError) as loaded:
        load_registry([str(file)])
    with pytest.raises(OfferError) as checked:
        check_signatures(import_plugin(str(file)).Elder)

    assert message in str(loaded.value)
    assert message == str(checked.value)


@pytest.mark.parametrize("role", OLD)
def test_a_reference_or_a_value_of_contract_1_starts_no_run(role: str, tmp_path: Path) -> None:
    """Nobody offered it, so the run itself asks, before anything is written."""
    file = plugin(role, tmp_path / "elder.py")
    elder = import_plugin(str(file)).Elder()

    for choice in (f"{file}:Elder", elder):
        with pytest.raises(EvoframeError, match="since contract 2"):
            evoframe.evolve(
                SPECIMEN,
                out=tmp_path / "run",
                **{role: [choice] if ROLES[role].several else choice},
            )

    assert not (tmp_path / "run").exists()


def test_what_can_be_called_is_not_refused() -> None:
    """Other names for what is not used, more arguments with defaults, decorators, inheritance."""

    @attrs.frozen
    class Mine(Mutation):
        def mutate(self, dna, _inheritance, _context, times=1):
            return dna

    @attrs.frozen
    class Ours(Nurture):
        @torch.no_grad()
        def before_epoch(self, phenotype, context, epoch):
            """Act."""

        def after_backward(self, *given):
            """Act."""

    @attrs.frozen
    class Theirs(Truncation):
        share: float = 0.1

    for strategy in (Mine, Ours, Theirs):
        check_signatures(strategy)


def test_a_context_in_another_place_is_refused() -> None:
    """It would be given something else there."""

    @attrs.frozen
    class Swapped(Mutation):
        def mutate(self, dna, context, inheritance):
            return dna

    @attrs.frozen
    class Greedy(Selection):
        def select(self, population, context, more):
            return ()

    with pytest.raises(OfferError, match=r"takes \(dna, context, inheritance\)"):
        check_signatures(Swapped)
    with pytest.raises(OfferError, match=r"takes \(population, context, more\)"):
        check_signatures(Greedy)
