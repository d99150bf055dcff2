"""Copying back: a run whose mirror stands at an address is brought to a disk, to go on there."""

from __future__ import annotations

from pathlib import Path

from evoframe.errors import RunError
from evoframe.remote import fetched
from evoframe.run.disk.folder import RunFolder


def copied_back(address: str, path: Path) -> None:
    """Copy the run at an address to a folder that holds none.

    One that was interrupted is begun again: without its record, which comes last, it is no run.

    Raises:
        ConfigError: it is no address.
        RunError: there is a run in the folder already, or none at the address.
    """
    folder = RunFolder(path.absolute())
    if folder.exists():
        raise RunError(
            f"{path} already contains a run. Continue it with `evoframe resume {path}`, or "
            "choose another folder."
        )
    fetched(address, path)
