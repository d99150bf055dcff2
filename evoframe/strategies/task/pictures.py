"""Reading pictures with pixel masks: a folder or a .zip, as MSRA-B, HKU-IS and ECSSD come."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np
import numpy.typing as npt

from evoframe.errors import TaskError
from evoframe.strategies.task.layouts import WANTED, Pair, pairs

if TYPE_CHECKING:
    from PIL.Image import Image

Bytes = npt.NDArray[np.uint8]

FOREGROUND = 128
"""From this value on a pixel of a mask belongs to an object."""

DEPTH = 3
"""How many folders deep files are looked for."""

EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
"""What pillow calls the kinds of images that it brings to 8 bits as they are meant."""


@attrs.frozen(eq=False)
class Pictures:
    """Images (N, size, size, 3) from 0 to 255 and masks (N, size, size) of 0 and 1."""

    images: Bytes
    masks: Bytes


def read(source: Path, size: int) -> Pictures:
    """Return every picture of a folder or .zip, brought to one size, in the order of their names.

    An image is shrunk by averaging. A mask is cut at 128 first, shrunk alike, and cut at a half.

    Raises:
        TaskError: the file or folder that is missing, cannot be read, or has no counterpart.
    """
    _require_pillow()
    if source.is_dir():
        return _read(source, _files(source), lambda name: (source / name).read_bytes(), size)
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError as error:
        raise TaskError(f"task.data = '{source}' is not there. {WANTED}.") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise TaskError(f"task.data = '{source}' cannot be read: {error}. {WANTED}.") from error
    with archive:
        return _read(source, archive.namelist(), archive.read, size)


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401  only to see whether it is there
    except ImportError as error:
        raise TaskError(
            "reading images needs the package pillow, which is not installed. Try "
            "`pip install evoframe[images]`, or omit task.data for generated scenes."
        ) from error


def _files(folder: Path) -> list[str]:
    return [
        file.relative_to(folder).as_posix()
        for depth in range(DEPTH)
        for file in folder.glob("*/" * depth + "*")
        if file.is_file()
    ]


def _read(
    source: Path, files: Iterable[str], content: Callable[[str], bytes], size: int
) -> Pictures:
    known = pairs(source, files)
    images = np.empty((len(known), size, size, 3), np.uint8)
    masks = np.empty((len(known), size, size), np.uint8)
    for index, pair in enumerate(known):
        images[index], masks[index] = _picture(source, pair, content, size)
    if images.max() <= 1:
        raise TaskError(
            f"task.data = '{source}': the images are nowhere brighter than {images.max()}; wanted "
            "values from 0 to 255. Rescale them."
        )
    return Pictures(images, masks)


def _picture(
    source: Path, pair: Pair, content: Callable[[str], bytes], size: int
) -> tuple[Bytes, Bytes]:
    image, mask = (_opened(source, name, content) for name in (pair.image, pair.mask))
    if image.size != mask.size:
        one, other = (f"{width} x {height}" for width, height in (image.size, mask.size))
        raise TaskError(
            f"task.data = '{source}': image '{pair.image}' has {one} pixels and its mask "
            f"'{pair.mask}' {other}; wanted the same size."
        )
    cover = mask.convert("L")
    brightest = int(np.asarray(cover).max())
    if 0 < brightest < FOREGROUND:
        raise TaskError(
            f"task.data = '{source}': mask '{pair.mask}' is nowhere brighter than {brightest}; "
            f"wanted values from 0 to 255, objects at {FOREGROUND} or more. Rescale the masks."
        )
    cover = cover.point([255 * (value >= FOREGROUND) for value in range(256)])
    shrunk = np.asarray(_resized(cover, size)) >= FOREGROUND
    return np.asarray(_resized(image.convert("RGB"), size)), shrunk.astype(np.uint8)


def _opened(source: Path, name: str, content: Callable[[str], bytes]) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(content(name)))
        image.load()
    except UnidentifiedImageError as error:
        raise TaskError(f"task.data = '{source}': '{name}' is no image.") from error
    except (
        OSError, RuntimeError, SyntaxError, ValueError, EOFError, zipfile.BadZipFile, zlib.error,
        Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise TaskError(f"task.data = '{source}': '{name}' cannot be read: {error}") from error
    if image.mode not in EIGHT_BITS:
        raise TaskError(
            f"task.data = '{source}': '{name}' is of the kind {image.mode}; wanted 8 bits a pixel "
            "and colour."
        )
    return image


def _resized(image: Image, size: int) -> Image:
    from PIL.Image import Resampling

    return image.resize((size, size), Resampling.BILINEAR)
