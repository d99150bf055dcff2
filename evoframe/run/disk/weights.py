"""Genotypes and checkpoints as files: safetensors, and nothing that runs code when it is read."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save, save_file
from torch import Tensor

from evoframe.errors import DamagedError, RunError
from evoframe.kernel.genotype import Genotype, State
from evoframe.kernel.tensors.passes import copied, kept, unpacked
from evoframe.run.disk import checksums, proved
from evoframe.run.disk.folder import put_atomically, write_atomically
from evoframe.run.disk.headers import head_of, metadata_of, written_here
from evoframe.run.disk.streaming import Rows

DIGEST, WHOSE = "digest", "life"
"""Entries of a checkpoint's metadata."""


_UNREADABLE = (
    OSError, SafetensorError, KeyError, ValueError, IndexError, TypeError, AttributeError,
    RuntimeError, RecursionError, OverflowError, MemoryError,
)  # fmt: skip
"""What a file of any content may raise on its way to a genotype."""


def save_genotype(genotype: Genotype, path: Path, digest: str | None = None) -> None:
    """Write a genotype: masks as packed bits, and only the weights that are present.

    Args:
        genotype: what to write.
        path: where to.
        digest: of the genotype, if it was taken; whoever reads the file next need not take it.

    Raises:
        RunError: it cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in genotype.state.items():
        if name in genotype.masks:
            mask = genotype.masks[name].cpu()
            tensors[f"bits.{name}"] = torch.from_numpy(np.packbits(mask.numpy()))
            tensors[f"kept.{name}"] = kept(value.detach().cpu(), mask)
        else:
            # Cloned, because safetensors refuses tensors that share memory.
            tensors[f"state.{name}"] = value.detach().cpu().clone().contiguous()
    shapes = {name: list(mask.shape) for name, mask in genotype.masks.items()}
    # A safetensors file keeps no order of names, and a state dict has one.
    order = list(genotype.state)
    metadata = {"shapes": json.dumps(shapes), "order": json.dumps(order)}
    put_atomically(path, partial(_put, tensors, written_here(metadata)))
    if digest is not None:
        proved.written(path, digest)


def _put(tensors: dict[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(tensors, path, metadata)  # from where the tensors lie
        path.chmod(mode)  # as of any other file; safetensors lets nobody else read its own
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_genotype(path: Path, digest: str | None = None) -> Genotype:
    """Return the genotype of a file, on the CPU.

    Args:
        path: where it is.
        digest: what the journal says it should be; None to take it as it is.

    Raises:
        DamagedError: it is missing, cannot be read, or is not what the journal says.
        LaterFormatError: a later version of evoframe wrote it.
    """
    try:
        before = proved.Print.of(path)
        metadata = metadata_of(head_of(path), path)
        shapes, order = json.loads(metadata["shapes"]), json.loads(metadata["order"])
        with safe_open(path, framework="pt") as file, Rows(path) as rows:
            genotype = _unpacked(file, rows, shapes, order)
    except _UNREADABLE as error:
        raise DamagedError(_damaged(path, f"{type(error).__name__}: {error}")) from error
    if digest is not None and not proved.is_proved(path, digest):
        if genotype.digest() != digest:
            raise DamagedError(_damaged(path, "its content is not what the journal recorded"))
        proved.read(path, digest, before)
    return genotype


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path} is damaged ({' '.join(reason.split())}). The journal is whole: `evoframe resume "
        f"{path.parents[1]} --repair` repeats this life, and compares the result."
    )


def _unpacked(file: Any, rows: Rows, shapes: dict[str, list[int]], order: list[str]) -> Genotype:
    """Return a genotype in memory of its own; tensors lie where the file is read.

    Args:
        file: an open file of safetensors, which has found its header right.
        rows: reads the weights that are present, a part at a time.
        shapes: of masks, by name.
        order: of the state.
    """
    masks: dict[str, Tensor] = {}
    state: dict[str, Tensor] = {}
    for name in order:
        if name not in shapes:
            state[name] = copied(file.get_tensor(f"state.{name}"))
            continue
        masks[name] = unpacked(file.get_tensor(f"bits.{name}"), shapes[name])
        kept_here = f"kept.{name}"
        kind = file.get_slice(kept_here)[:0].dtype
        state[name] = rows.spread(kept_here, kind, masks[name])
    return Genotype({name: masks[name] for name in shapes}, state)


@attrs.frozen(eq=False)
class FileCheckpoint:
    """Puts a life down in a file, not more often than every so many seconds.

    When it is written depends on the clock; what comes out of the life does not.

    Attributes:
        path: of the file.
        seconds: between two writings.
        whose: the life that it is for, in words; a file that is for another one is not taken.
        told: sentences on files that were not taken, and why.
    """

    path: Path
    seconds: float
    whose: str = ""
    told: list[str] = attrs.field(factory=list, init=False)
    # A list, because the value is frozen and the time of the last file is not.
    _last: list[float] = attrs.field(factory=lambda: [time.monotonic()], init=False)

    def load(self) -> tuple[int, State] | None:
        """Return the epochs and tensors of the file; None if there is none that can be taken.

        Raises:
            LaterFormatError: a later version of evoframe wrote it.
        """
        if not self.path.exists():
            return None
        try:
            return self._read()
        except (*_UNREADABLE, DamagedError) as error:
            # A life can always be lived again from its start.
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            self.told.append(
                f"the checkpoint {self.path} is damaged ({reason}): the life starts again from "
                "its beginning"
            )
            return None

    def _read(self) -> tuple[int, dict[str, Tensor]]:
        content = self.path.read_bytes()
        metadata = metadata_of(content, self.path)
        tensors = load(content)
        if DIGEST not in metadata:
            raise ValueError("it has no digest, so its integrity cannot be verified")
        if metadata[WHOSE] != self.whose:
            raise ValueError("it is of another life")
        if metadata[DIGEST] != checksums.of_tensors(tensors, self.whose):
            raise ValueError("it is not as it was written: its digest is another one")
        return int(tensors.pop("epochs")), tensors

    def save(self, epochs: int, tensors: State) -> None:
        """Write the tensors of a life, if it is time again."""
        now = time.monotonic()
        if now - self._last[0] < self.seconds:
            return
        self._last[0] = now
        packed = {
            name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()
        }
        packed["epochs"] = torch.tensor(epochs)
        said = {WHOSE: self.whose, DIGEST: checksums.of_tensors(packed, self.whose)}
        write_atomically(self.path, save(packed, written_here(said)))

    def clear(self) -> None:
        """Remove the file: the life is over."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path} cannot be removed: {error}") from error
