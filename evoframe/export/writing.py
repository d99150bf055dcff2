"""Writing an export: a folder that is there as a whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from evoframe.errors import ExportError
from evoframe.export import programs, state
from evoframe.run.run import Run

FORMATS = ("state", "torch-export", "onnx")


def export(run: Run, identity: str, form: str, folder: Path, *, force: bool = False) -> list[str]:
    """Write an individual of a run into a new folder; return lines that are worth telling.

    Args:
        run: where it was brought forth.
        identity: whose network.
        form: one of :data:`FORMATS`.
        folder: where to; made as a whole, at the end.
        force: replace the folder if it is there.

    Raises:
        ExportError: the folder is there, or the network cannot be written in this form.
    """
    if folder.exists() and not force:
        raise ExportError(f"{folder} is there already. Name another with --out, or use --force.")
    network, inputs = run.network(identity), run.recipe.task.example_inputs()
    # Beside it, on the same file system, so that the folder appears by one rename.
    aside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        if form == "state":
            told = state.write(run, identity, network, aside)
        elif form == "torch-export":
            told = programs.write_torch_export(network, inputs, aside)
        else:
            told = programs.write_onnx(network, inputs, aside)
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [line.replace(str(aside), str(folder)) for line in told]
