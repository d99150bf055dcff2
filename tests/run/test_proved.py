"""A digest that is known is not taken again, and never believed of another file."""

from __future__ import annotations

import os
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from evoframe.errors import DamagedError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.tensors import passes
from evoframe.run.disk import proved
from evoframe.run.disk.weights import load_genotype, save_genotype


@pytest.fixture
def genotype() -> Genotype:
    masks = {"w": torch.rand(40, 30, generator=torch.Generator().manual_seed(0)) < 0.5}
    state = {"w": torch.ones(40, 30) * masks["w"], "b": torch.zeros(0), "n": torch.tensor(3)}
    return Genotype(masks, state)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64, torch.complex64])
def test_weights_come_back_to_their_places(tmp_path, monkeypatch, kind) -> None:
    """A part at a time, wherever parts end."""
    monkeypatch.setattr(passes, "PART", 64)
    chance = torch.Generator().manual_seed(0)
    masks = {str(n): torch.rand(n, 9, generator=chance) < n / 20 for n in (0, 1, 7, 15, 20)}
    state = {n: torch.randn(one.shape, generator=chance).to(kind) * one for n, one in masks.items()}
    genotype = Genotype(masks, {n: one + 0 for n, one in state.items()})  # without negative zeros

    save_genotype(genotype, tmp_path / "one.safetensors")
    found = load_genotype(tmp_path / "one.safetensors")

    assert found.digest() == genotype.digest()


@pytest.mark.parametrize("more", [-1, 1])
def test_as_many_weights_as_synapses_are_wanted(tmp_path, genotype, more) -> None:
    """A file with fewer weights, or more, is damaged even where no digest is known."""
    path = tmp_path / "individuals" / "one.safetensors"
    save_genotype(genotype, path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors["kept.w"] = torch.ones(len(tensors["kept.w"]) + more)
    save_file(tensors, path, metadata)

    with pytest.raises(DamagedError, match="weights for"):
        load_genotype(path)


def test_whoever_writes_a_file_need_not_take_its_digest(tmp_path, monkeypatch, genotype) -> None:
    """Nor whoever reads it twice, unless somebody may be writing it just now."""
    path, digest = tmp_path / "individuals" / "one.safetensors", genotype.digest()
    taken = []
    monkeypatch.setattr(Genotype, "digest", lambda one: taken.append(one) or digest)

    save_genotype(genotype, path, digest)
    load_genotype(path, digest)
    assert not taken
    save_genotype(genotype, path)
    load_genotype(path, digest)
    load_genotype(path, digest)
    assert len(taken) == 2
    monkeypatch.setattr(proved, "SETTLED", -1)
    load_genotype(path, digest)
    load_genotype(path, digest)
    assert len(taken) == 3


def test_a_file_that_was_touched_is_read_as_if_nobody_knew_it(tmp_path, genotype) -> None:
    """Written over in place, with its old times, or put in its place: the digest is taken."""
    path, digest = tmp_path / "individuals" / "one.safetensors", genotype.digest()
    save_genotype(genotype, path, digest)
    content, times = path.read_bytes(), path.stat()

    time.sleep(0.05)  # more than a tick of the clock by which files have their times
    path.write_bytes(content[:-1000] + bytes([content[-1000] ^ 1]) + content[-999:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    with pytest.raises(DamagedError, match="not what the journal recorded"):
        load_genotype(path, digest)
    save_genotype(genotype, path, digest)
    with pytest.raises(DamagedError, match="not what the journal recorded"):
        load_genotype(path, "another")
    path.unlink()
    with pytest.raises(DamagedError):
        load_genotype(path, digest)
