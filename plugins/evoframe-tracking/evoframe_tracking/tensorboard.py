"""TensorBoard: event files, one folder for each series, so that slots share their charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs

from evoframe.plugin import (
    EpochFinished,
    GenerationFinished,
    Observer,
    RunFinished,
    RunStarted,
    doc,
    hookimpl,
)
from evoframe_tracking.figures import alive, needed, series


@attrs.define
class Files:
    """The event files of a run, opened when the first number is written to them."""

    root: Path = Path()
    writers: dict[str, Any] = attrs.Factory(dict)

    def of(self, name: str) -> Any:
        """Return the writer of a series."""
        if name not in self.writers:
            module = needed("torch.utils.tensorboard", "tensorboard")
            self.writers[name] = module.SummaryWriter(str(self.root / name))
        return self.writers[name]


@attrs.frozen(eq=False)
class TensorBoard(Observer):
    """Writes event files for TensorBoard, a folder for each place in a generation."""

    name: ClassVar[str] = "tensorboard"

    folder: Path | None = attrs.field(
        default=None, metadata=doc("where to write; the folder tensorboard of the run if not given")
    )
    epochs: bool = attrs.field(
        default=False, metadata=doc("also the loss of every epoch, a folder for each individual")
    )

    _files: Files = attrs.field(factory=Files, init=False, repr=False)

    @hookimpl
    def evoframe_run_started(self, event: RunStarted) -> None:
        """Open the file of the best, and show the recipe in it."""
        self._files.root = self.folder or Path(event.path, "tensorboard")
        self._files.writers.clear()
        recipe = Path(event.path, "run.toml").read_text("utf-8")
        self._files.of("best").add_text("recipe", f"```\n{recipe}\n```", event.on_record)

    @hookimpl
    def evoframe_epoch_finished(self, event: EpochFinished) -> None:
        """Write the loss of an epoch."""
        if self.epochs:
            life = self._files.of(f"lives/{event.individual}")
            life.add_scalar("training/loss", event.loss, event.epoch)

    @hookimpl
    def evoframe_generation_finished(self, event: GenerationFinished) -> None:
        """Write the numbers of a generation, and put them on disk."""
        for name, figures in series(event):
            for figure, value in figures.items():
                self._files.of(name).add_scalar(figure, value, event.generation)
        self._files.of("best").add_scalar("generation/alive", alive(event), event.generation)
        for writer in self._files.writers.values():
            writer.flush()

    @hookimpl
    def evoframe_run_finished(self, event: RunFinished) -> None:
        """Say why the run ended and what it delivers, and close the files."""
        self._files.of("best").add_text("outcome", f"{event.reason}: {event.pick}")
        for writer in self._files.writers.values():
            writer.close()
        self._files.writers.clear()
