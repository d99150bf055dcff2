"""Waiting: lives of a run that were put down on a rung, as files until they are taken up again.

Nothing depends on them but time: whose file is gone or damaged is lived again from birth.
"""

from __future__ import annotations

from contextlib import suppress

import attrs
import torch
from torch import Tensor

from evoframe.errors import DamagedError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.life import TrainingResult
from evoframe.kernel.notes import Notes
from evoframe.kernel.rungs import Paused, Rung
from evoframe.kernel.texts import text_of, value_of
from evoframe.run.disk.folder import RunFolder
from evoframe.run.disk.weights import FileCheckpoint, load_genotype, save_genotype

BORN, EPOCHS, NOTES, DIGEST = "born", "waiting.epochs", "waiting.notes", "waiting.born"
"""The file of a newborn, and entries of the files of those that wait."""


@attrs.frozen(eq=False)
class Waiting:
    """Where a life of a run waits between two rungs of its generation.

    Attributes:
        folder: of the run.
        identity: whose life it is.
        whose: the same in words, for its files.
        number: of the rung that it lives now; the first is 0.
        until: where that rung ends, in epochs.
    """

    folder: RunFolder
    identity: str
    whose: str
    number: int
    until: float
    _before: list[tuple[Genotype, Notes, Paused] | None] = attrs.field(factory=list, init=False)

    def rung(self) -> Rung:
        """Return the rung that the life goes to, and the place where it was put down before."""
        before = self._read()
        return Rung(self.until, taken_up=None if before is None else before[2])

    def load(self) -> tuple[Genotype, Notes] | None:
        """Return whom the life was born as, with the notes by now; None for one that begins."""
        before = self._read()
        return None if before is None else before[:2]

    def begins(self, genotype: Genotype) -> None:
        """Keep a newborn."""
        if self._read() is None:
            save_genotype(genotype, self.folder.waiting(self.identity, BORN))
            self._file(self.number).clear()

    def ends(self, result: TrainingResult, notes: Notes) -> None:
        """Keep a life that waits."""
        if result.paused is None:
            return
        digest = load_genotype(self.folder.waiting(self.identity, BORN)).digest()
        kept = {
            **result.paused.tensors,
            EPOCHS: torch.tensor(result.paused.epochs, dtype=torch.float64),
            NOTES: _tensor(text_of(dict(notes), "notes")),
            DIGEST: _tensor(digest),
        }
        self._file(self.number).save(0, kept)

    def _read(self) -> tuple[Genotype, Notes, Paused] | None:
        if not self._before:
            self._before.append(self._found() if self.number else None)
        return self._before[0]

    def _found(self) -> tuple[Genotype, Notes, Paused] | None:
        if (saved := self._file(self.number - 1).load()) is None:
            return None
        tensors = dict(saved[1])
        epochs, notes = float(tensors.pop(EPOCHS)), value_of(_text(tensors.pop(NOTES)))
        with suppress(DamagedError):
            born = self.folder.waiting(self.identity, BORN)
            genotype = load_genotype(born, _text(tensors.pop(DIGEST)))
            return genotype, Notes(notes), Paused(epochs, tensors)
        return None

    def _file(self, number: int) -> FileCheckpoint:
        return FileCheckpoint(self.folder.waiting(self.identity, str(number)), 0.0, self.whose)


def _tensor(text: str) -> Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def _text(tensor: Tensor) -> str:
    return bytes(tensor.tolist()).decode()
