"""Repairing: a journal is taken from its copy, and individuals are made again, when asked to."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from evoframe.config import files
from evoframe.errors import ConfigError, DamagedError, LaterFormatError, RunError
from evoframe.kernel.individual import ANCESTOR
from evoframe.run.binding import recipes_of
from evoframe.run.disk.copying import settle
from evoframe.run.disk.database import is_blank
from evoframe.run.disk.folder import RunFolder, write_atomically
from evoframe.run.disk.journal import Journal
from evoframe.run.disk.weights import load_genotype, save_genotype
from evoframe.run.living import dropping
from evoframe.run.living.recall import Recall

DAMAGED = ".damaged"
"""What is added to the names of files that a copy takes the place of."""


def require_journal(folder: RunFolder) -> Journal | None:
    """Refuse a run with a damaged journal, or one that does not know individuals that are there.

    A run is never begun again over them without a word. Returns the journal, closed, for whoever
    opens it next to go on from; None if nobody was on record.

    Raises:
        RunError: the journal is gone, empty or damaged.
    """
    kept = {path.stem for path in folder.kept()}
    if is_blank(folder.journal):
        if kept:
            raise RunError(_unknown(folder, len(kept)))
        return None
    with closing(Journal(folder.journal, writable=False)) as journal:
        # The ancestor's file may be there before its row is; everybody else's comes later.
        if not journal.known() and kept - {ANCESTOR}:
            raise RunError(_unknown(folder, len(kept)))
    return journal


def journal(folder: RunFolder) -> list[str]:
    """Put the copy of a journal in the place of a damaged one, and ``run.toml`` from the journal.

    Returns sentences on what was done; none if nothing had to be.

    Raises:
        RunError: there is no copy, or it is damaged too.
    """
    told = []
    try:
        require_journal(folder)
        _read_all(folder.journal)
    except LaterFormatError:
        raise
    except RunError as error:
        told.append(_from_copy(folder, error))
    try:
        files.parse(folder.recipe.read_text("utf-8"), str(folder.recipe))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        bound = recipes_of(folder)
        if not bound:
            raise RunError(
                f"{folder.recipe} cannot be read, and is not on record: {error}"
            ) from error
        write_atomically(folder.recipe, files.write(bound[-1][1]).encode())
        told.append(f"{folder.recipe} was damaged, and is written anew from the journal")
    return told


def individuals(recall: Recall) -> list[str]:
    """Make every genotype again whose file is damaged; return a sentence for each.

    Those that are lost are told too, and keep nothing from the others.
    """
    folder = recall.world.folder
    with closing(Journal(folder.journal, writable=False)) as opened:
        gone = {one for one in dropping.on_record(opened) if not folder.genotype(one).exists()}
    for identity, entry in recall.entries.items():
        if entry.individual.genotype_id != identity or identity in gone:
            continue
        try:
            genotype = recall.genotype(identity)
        except DamagedError as error:
            recall.told.append(str(error))
            continue
        if identity == ANCESTOR:
            with suppress(DamagedError):
                load_genotype(folder.ancestor, recall.digest(ANCESTOR))
                continue
            save_genotype(genotype, folder.ancestor)
            recall.told.append("the second copy of the ancestor's genotype is written anew")
    return recall.told


def _read_all(path: Path) -> None:
    """Read a whole journal, to see whether any of it is damaged."""
    if is_blank(path):
        return
    with closing(Journal(path, writable=True)) as opened:
        opened.entries()
        opened.remarks()
        for name in opened.facts():
            opened.fact(name)


def _from_copy(folder: RunFolder, error: RunError) -> str:
    if not folder.backup.is_file():
        raise RunError(
            f"{error} There is no copy {folder.backup} that could take its place: start a new run "
            "with the same recipe and seed, which brings forth the same."
        )
    if not settle(folder.backup):
        raise RunError(
            f"the journal of {folder.path} cannot be repaired: {folder.backup} is in use"
        )
    try:
        content = folder.backup.read_bytes()
        for ending in ("", "-wal", "-shm"):
            old = folder.journal.with_name(folder.journal.name + ending)
            if old.exists():
                old.replace(old.with_name(folder.journal.name + DAMAGED + ending))
    except OSError as reason:
        raise RunError(f"the journal of {folder.path} cannot be repaired: {reason}") from reason
    write_atomically(folder.journal, content)
    _read_all(folder.journal)
    return (
        f"the journal was damaged, and is as it was after its last whole generation; the damaged "
        f"one is {folder.journal.name}{DAMAGED}"
    )


def _unknown(folder: RunFolder, count: int) -> str:
    return (
        f"the journal {folder.journal} is empty or gone, and {count} files of individuals are "
        f"there: a run is not begun again over them. `evoframe resume {folder.path} --repair` "
        "takes the copy that was made after its last generation."
    )
