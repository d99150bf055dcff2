"""Which image belongs to which mask, told from the names of files alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import attrs

from evoframe.errors import TaskError, shortened

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
IMAGES = ("images", "image", "imgs", "img")
MASKS = ("masks", "mask", "gt", "ground_truth_mask", "ground_truth")
"""What folders of images and of masks are called, in any case of letters."""

WANTED = (
    "Wanted: a folder or .zip with images and masks of the same names, either in two folders side "
    "by side (images and masks, imgs and gt) or in one, the images as .jpg and the masks as .png"
)

NAMED = 3
"""How many files an error names, where it is about many."""


@attrs.frozen
class Pair:
    """An image and its mask, as paths below the source."""

    name: str
    image: str
    mask: str


def pairs(source: Path, files: Iterable[str]) -> list[Pair]:
    """Return every image with its mask, in the order of their names.

    Args:
        source: the folder or .zip, for messages.
        files: the paths of what it holds, with slashes.

    Raises:
        TaskError: there is no layout that is known, or a file has no counterpart.
    """
    images, masks = _layout(source, _by_folder(files))
    _require_counterparts(source, images, masks, "image", "mask")
    _require_counterparts(source, masks, images, "mask", "image")
    return [Pair(name, str(images[name]), str(masks[name])) for name in sorted(images)]


def _by_folder(files: Iterable[str]) -> dict[PurePosixPath, list[PurePosixPath]]:
    """Return the images of every folder; what is hidden or of the archiver's own is left out."""
    found: dict[PurePosixPath, list[PurePosixPath]] = {}
    for path in map(PurePosixPath, files):
        # "__MACOSX" and "._image.jpg" are what a Mac puts into archives.
        hidden = any(part.startswith((".", "__")) for part in path.parts)
        if path.suffix.lower() in SUFFIXES and not hidden:
            found.setdefault(path.parent, []).append(path)
    return found


def _layout(
    source: Path, folders: Mapping[PurePosixPath, list[PurePosixPath]]
) -> tuple[dict[str, PurePosixPath], dict[str, PurePosixPath]]:
    """Return images and masks by name."""
    found = _side_by_side(folders) or _in_one(folders)
    if len(found) == 1:
        (images, masks), *_ = found
        return _by_name(source, images), _by_name(source, masks)
    if found:
        places = ", ".join(f"'{images[0].parent}'" for images, _ in found[:NAMED])
        raise TaskError(
            f"task.data = '{source}' holds {len(found)} sets of images with masks, at {places}. "
            "Name the folder of one of them."
        )
    seen = ", ".join(f"{len(files)} in '{folder}'" for folder, files in sorted(folders.items()))
    raise TaskError(
        f"task.data = '{source}' holds no images with masks; found {seen or 'no image'}. {WANTED}."
    )


Layouts = list[tuple[list[PurePosixPath], list[PurePosixPath]]]


def _side_by_side(folders: Mapping[PurePosixPath, list[PurePosixPath]]) -> Layouts:
    return [
        (folders[one], folders[other])
        for one in folders
        for other in folders
        if one.parent == other.parent and one.name.lower() in IMAGES and other.name.lower() in MASKS
    ]


def _in_one(folders: Mapping[PurePosixPath, list[PurePosixPath]]) -> Layouts:
    parted = [
        (
            [file for file in files if file.suffix.lower() in (".jpg", ".jpeg")],
            [file for file in files if file.suffix.lower() == ".png"],
        )
        for files in folders.values()
    ]
    return [(images, masks) for images, masks in parted if images and masks]


def _by_name(source: Path, files: Iterable[PurePosixPath]) -> dict[str, PurePosixPath]:
    named: dict[str, PurePosixPath] = {}
    for file in sorted(files):
        if (other := named.setdefault(file.stem, file)) != file:
            raise TaskError(
                f"task.data = '{source}': '{other}' and '{file}' have the same name, so it is "
                "ambiguous which of them is meant. Move one away."
            )
    return named


def _require_counterparts(
    source: Path,
    those: Mapping[str, PurePosixPath],
    others: Mapping[str, PurePosixPath],
    kind: str,
    lacks: str,
) -> None:
    alone = [str(file) for name, file in those.items() if name not in others]
    if alone:
        names = shortened((f"'{file}'" for file in alone), NAMED)
        raise TaskError(
            f"task.data = '{source}': there is no {lacks} for {kind} {names}. "
            f"Add what is missing, or move the {kind} away."
        )
