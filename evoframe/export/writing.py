"""Writing an export: a folder that is there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

from evoframe.aside import written_aside
from evoframe.errors import ExportError, close_match
from evoframe.export import programs, state
from evoframe.export.delivered import Delivered

FORMATS = ("state", "torch-export", "onnx")


def export(one: Delivered, form: str, folder: Path, *, force: bool = False) -> list[str]:
    """Write a network into a new folder; return what is worth telling.

    Args:
        one: what is to be written.
        form: one of :data:`FORMATS`.
        folder: where to; made as a whole, at the end.
        force: replace the folder if it is there.

    Raises:
        ExportError: there is no such form, the folder is there or cannot be made, or the network
            cannot be written in this form.
    """
    if form not in FORMATS:
        raise ExportError(
            f"there is no format {form!r}.{close_match(str(form), FORMATS)} Formats: "
            f"{', '.join(FORMATS)}."
        )
    require_free(folder, force=force)
    try:
        with written_aside(folder) as aside:
            aside.mkdir()
            told = _written(one, form, aside)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error}") from error
    return [line.replace(str(aside), str(folder)) for line in told]


def require_free(folder: Path, *, force: bool) -> None:
    """Refuse a folder that is there already, unless it may be replaced.

    Raises:
        ExportError: it is there, or it is a run, which nothing replaces.
    """
    if folder.exists() and not force:
        raise ExportError(f"{folder} is there already. Name another with --out, or use --force.")
    if (folder / "run.toml").exists():
        raise ExportError(f"{folder} is a run, and is not replaced. Name another with --out.")


def _written(one: Delivered, form: str, folder: Path) -> list[str]:
    if form == "state":
        return state.write(one, folder)
    if form == "torch-export":
        return programs.write_torch_export(one.network, one.inputs, folder)
    return programs.write_onnx(one.network, one.inputs, folder, one.bits)
