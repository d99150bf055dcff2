"""The encoding as a gene: offspring are read as their parent was, unless the gene changes."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import torch
from hypothesis import given, strategies as st

import evoframe
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.key import Key
from evoframe.strategies.encoding import Inherited, Magnitude, Sensitivity, Synaptic, Uniform
from evoframe.testing.case import Case

BLOBS = f"{Path(__file__).parents[1] / 'support' / 'blobs.py'}:Blobs"
AMONG = (Uniform(), Magnitude(), Synaptic())


def read(what: Inherited, seed: int, **notes: object):
    case = Case()
    inheritance = case.inheritance()
    context = attrs.evolve(case.context(), key=Key(seed), notes=notes)
    return what.encode(inheritance, Evidence(inheritance, context), context), context


@given(st.integers(0, 2**32), st.sampled_from(range(3)))
def test_without_change_it_reads_as_the_parent_was_read(seed: int, parent: int) -> None:
    """The levels are those of the inner encoding alone, and the note stays."""
    dna, context = read(Inherited(AMONG, change=0), seed, encoding=parent)
    case = Case()
    inheritance = case.inheritance()
    alone = AMONG[parent].encode(
        inheritance, Evidence(inheritance, context), context.at("among", parent)
    )

    assert dna.notes["encoding"] == parent
    for name, genes in alone.synapses.items():
        assert torch.equal(genes.levels, dna.synapses[name].levels)


def test_a_changed_gene_is_any_of_them() -> None:
    """With change = 1 the parent's does not count; nor does one that is no longer there."""
    found = [
        read(Inherited(AMONG, change=change), seed, encoding=parent)[0].notes["encoding"]
        for seed in range(60)
        for change, parent in ((1, 0), (0, 7))
    ]

    assert all(found.count(which) > 20 for which in range(3))


def test_it_can_what_any_of_them_can() -> None:
    """A ranking encoding among them needs an environment that knows, and a task all of them."""
    assert "ranks" in Inherited((Synaptic(), Magnitude())).traits
    assert "ranks" not in Inherited((Synaptic(), Uniform())).traits
    assert Inherited((Sensitivity(),)).sees == "train"


@pytest.mark.slow
def test_in_a_run_most_are_read_as_their_first_parent(tmp_path: Path) -> None:
    """Selection sees the notes, and they are on record."""
    run = evoframe.evolve(
        BLOBS,
        encoding="inherited",
        options=[
            "encoding.among=['uniform', { use = 'synaptic', temperature = 0.5 }, 'magnitude']",
            "environment[0].mode=calibrated",
            "training.epochs=1",
        ],
        generations=6,
        population=6,
        out=tmp_path / "run",
    )
    born = [one for one in run.individuals if one.generation > 2 and one.is_alive]
    same = [run[one.parents[0]].notes["encoding"] == one.notes["encoding"] for one in born]

    assert len({one.notes["encoding"] for one in run.individuals if one.generation == 2}) > 1
    assert sum(same) > len(same) / 2
    assert run.tables["encoding"]["among"][1]["temperature"] == 0.5
