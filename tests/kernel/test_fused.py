"""Kernels: the bits of the CPU, in Triton's interpreter and on a device."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from evoframe.kernel import device as devices, fused
from evoframe.kernel.bits import Absent
from evoframe.kernel.dna import Genes
from evoframe.kernel.drawing.synthesis import bernoulli
from evoframe.kernel.key import Key
from evoframe.kernel.levels import even_levels, largest_magnitudes, relative_levels
from support.kernels import SHAPES, WIDTHS, a_draw, some_strengths

HERE = Path(__file__).parent
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs Triton, which is for Linux alone"
)


def told_by(script: str, **environment: str) -> str:
    """Return what a script of this folder prints; Triton is set up anew for each."""
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, HERE / script],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_triton
def test_interpreted_kernels_give_the_bits_of_the_cpu() -> None:
    """Draws, levels, histograms and masks in place, over shapes, ragged tails and widths."""
    assert told_by("interpreted.py", TRITON_INTERPRET="1") == "same bits\n"


@needs_triton
def test_kernels_compile_for_cuda_where_there_is_none(tmp_path) -> None:
    """To machine code, with the division that IEEE 754 wants and no atomics in a draw."""
    told = told_by("compiled.py", TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path))

    assert told.split() == ["drawn", "cleared", "largest", "levelled", "counted"]


def test_without_kernels_there_is_another_way(monkeypatch) -> None:
    """A device whose first draw fails, or is another one, is not asked again."""
    monkeypatch.setattr(devices, "runs_kernels", lambda _: True)

    class Wrong:
        """Kernels that write nothing."""

        drawn: ClassVar = {(2,): lambda *_, **__: None}

    for found in (None, Wrong):
        monkeypatch.setattr(fused, "_module", lambda found=found: found)
        fused._proved.cache_clear()
        assert fused.kernels(torch.zeros(3)) is None
    fused._proved.cache_clear()


@pytest.mark.gpu
@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.sampled_from(list(WIDTHS)))
def test_a_draw_on_cuda_is_the_draw_of_the_cpu(seed, shape, dtype) -> None:
    """Bit for bit, packed or not, whatever the width of the levels."""
    levels, eligible, living = a_draw(shape, dtype, WIDTHS[dtype], seed)
    key = Key(seed).at("synapses", "w")
    words = key.words(levels.numel()).astype(np.int64)
    due = words < living.numpy()[levels.numpy().astype(np.int64).reshape(-1)]
    due &= eligible.numpy().reshape(-1)

    there = levels.cuda(), eligible.cuda(), fused.Limits.of(living.cuda())
    packed = fused.drawn(*there, key, packed=True)
    plain = fused.drawn(*there, key, packed=False)

    assert packed.cpu().tolist() == np.packbits(due, bitorder="little").tolist()
    assert torch.equal(plain.cpu(), torch.from_numpy(due).reshape(shape))


@pytest.mark.gpu
@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.floats(1e-30, 1e30))
def test_levels_and_histograms_on_cuda_are_those_of_the_cpu(seed, shape, scale) -> None:
    """Divisions and roundings are the CPU's, on both grids."""
    strengths, eligible = some_strengths(shape, seed)
    there = strengths.cuda()

    assert fused.kernels(there) is not None
    largest = largest_magnitudes({"w": strengths}, {"w": eligible})["w"]
    assert largest_magnitudes({"w": there}, {"w": eligible.cuda()})["w"] == largest
    for divisor in (largest, scale):
        for grid in (
            lambda s, z=divisor: even_levels(s, z, magnitudes=True),
            lambda s, z=divisor: even_levels(s, z),
            lambda s, z=divisor: relative_levels(s.abs(), z),
        ):
            levels = grid(strengths)
            assert torch.equal(levels, grid(there).cpu())
            table = np.zeros(65_536)
            here = Genes(levels, table, eligible).histogram()
            assert (here == Genes(levels.cuda(), table, eligible.cuda()).histogram()).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int64])
def test_masks_on_cuda_leave_what_they_leave_on_the_cpu(dtype) -> None:
    """Above the size from which there is a kernel, and with tensors that lie another way."""
    shapes = {
        "a": torch.Size((300, 333)),
        "b": torch.Size((7, 9, 3, 3)),
        "c": torch.Size((250_001,)),
    }
    generator = torch.Generator().manual_seed(0)
    masks = {n: torch.rand(s, generator=generator) < 0.3 for n, s in shapes.items()}
    whole = {n: (torch.randn(s, generator=generator) * 9).to(dtype) for n, s in shapes.items()}
    there = {n: value.cuda() for n, value in whole.items()}
    turned = {**there, "b": there["b"].clone().to(memory_format=torch.channels_last)}

    Absent.of(masks, shapes).clear(whole)
    absent = Absent.of({n: mask.cuda() for n, mask in masks.items()}, shapes)
    absent.clear(there)
    absent.clear(turned)

    for name, value in whole.items():
        assert torch.equal(there[name].cpu(), value)
        assert torch.equal(turned[name].cpu(), value)


@pytest.mark.gpu
def test_a_million_genes_draw_alike_with_kernels_and_without(monkeypatch) -> None:
    """What is drawn where Triton is missing is what is drawn where it is not."""
    generator = torch.Generator().manual_seed(3)
    levels = torch.randint(65_536, (1_000_003,), generator=generator, dtype=torch.int32)
    genes = Genes(levels, (np.arange(65_536) / 65_535 - 1) * 9, levels > 100)
    there = Genes(levels.cuda(), genes.log_survival, genes.eligible.cuda())

    here, fast = bernoulli(genes, Key(5)), bernoulli(there, Key(5))
    monkeypatch.setattr(fused, "kernels", lambda _: None)
    slow = bernoulli(there, Key(5))

    assert fast.is_cuda
    assert torch.equal(here, fast.cpu())
    assert torch.equal(here, slow.cpu())
