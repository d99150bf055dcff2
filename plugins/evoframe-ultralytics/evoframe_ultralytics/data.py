"""Pictures and boxes of a ``data.yaml``, read by Ultralytics' own data set."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from evoframe.plugin import Key, Split, TaskError, untouched
from evoframe_ultralytics.libraries import defaults, needed, quiet, without_fonts

ENTRIES = {"train": "train", "validation": "val", "test": "test"}
"""What splits are called in a data.yaml."""

STRIDE = 32
"""Sides of pictures are multiples of it, as Ultralytics has it for every network."""


def description_of(file: str) -> dict[str, Any]:
    """Return what a data.yaml says, with its paths resolved.

    Raises:
        TaskError: there is no such file, or it lacks something. Nothing is downloaded.
    """
    if not Path(file).is_file():
        raise TaskError(f"there is no file {file}; wanted a data.yaml of Ultralytics.")
    check = needed("ultralytics.data.utils").check_det_dataset
    with quiet(), without_fonts():
        try:
            said: dict[str, Any] = check(file, autodownload=False)
        except (OSError, SyntaxError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise TaskError(f"{file} will not do: {' '.join(str(error).split())[:300]}") from error
    return said


def dataset_of(
    said: dict[str, Any], split: Split, size: int, *, batch: int, rect: bool, learn: Any = None
) -> Any:
    """Return a split as Ultralytics' data set.

    Args:
        said: what the data.yaml says.
        split: which examples.
        size: side of the pictures.
        batch: examples in a batch, by which rectangular pictures get a common shape.
        rect: whether batches are as flat as their pictures, as Ultralytics' validator has them.
        learn: arguments of Ultralytics to change pictures by while learning; as they are if none.

    Raises:
        TaskError: there is no picture, or none with a box.
    """
    build = needed("ultralytics.data").build_yolo_dataset
    args = learn or defaults(task="detect", imgsz=size, mode="val")
    mode = "val" if learn is None else "train"
    # Speeds of files are tried at random; that is nobody's draw.
    with quiet(), untouched():
        try:
            found = build(
                args, said[ENTRIES[split]], batch, said, mode=mode, rect=rect, stride=STRIDE
            )
        except (OSError, AssertionError, RuntimeError) as error:
            told = " ".join(str(error).split())[:300]
            raise TaskError(f"the {split} pictures will not do: {told}") from error
    if not any(len(one["cls"]) for one in found.labels):
        raise TaskError(
            f"no picture of {said[ENTRIES[split]]} has a box; wanted a folder labels beside "
            "images, with a text file for each picture."
        )
    _warn_of_missing(found, split)
    return found


def _warn_of_missing(dataset: Any, split: Split) -> None:
    """Warn of pictures that Ultralytics leaves out, since they or their boxes cannot be read."""
    with quiet(), untouched():
        files = dataset.get_img_files(dataset.img_path)
    missing = sorted(set(files) - set(dataset.im_files))
    if missing:
        warnings.warn(
            f"{len(missing)} of {len(files)} {split} pictures are left out, since they or their "
            f"labels cannot be read: {missing[0]} is the first",
            stacklevel=4,
        )


def most_objects(dataset: Any) -> int:
    """Return the largest number of boxes in a picture."""
    return max(len(one["cls"]) for one in dataset.labels)


@attrs.frozen(eq=False)
class Pass:
    """One pass over pictures as they are, in batches with values between 0 and 1.

    Attributes:
        dataset: of Ultralytics.
        order: the pictures in their order.
        size: examples in a batch.
        detections: most boxes that are judged in a picture.
    """

    dataset: Any
    order: Sequence[int]
    size: int
    detections: int

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self.order), self.size):
            yield self._batch(self.order[start : start + self.size])

    def _batch(self, several: Sequence[int]) -> dict[str, Any]:
        with untouched():  # it draws, to no effect
            batch = self.dataset.collate_fn([self.dataset[int(one)] for one in several])
        batch["img"] = batch["img"].float() / 255
        batch["detections"] = self.detections
        return batch


@attrs.frozen(eq=False)
class Learned:
    """The training pictures, changed as Ultralytics does: another order and draw in every epoch.

    It stands for a loader where Ultralytics' trainer looks for one.
    """

    dataset: Any
    batch_size: int
    life: Any
    drop_last: bool = False
    num_workers: int = 0

    @property
    def sampler(self) -> range:
        """Everything that there is."""
        return range(len(self.dataset))

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        forget(self.dataset)
        key: Key = self.life.context.key.at("training", "shuffle", self.life.epoch)
        order = key.shuffled(len(self.dataset))
        for start in range(0, len(order), self.batch_size):
            several = order[start : start + self.batch_size]
            yield self.dataset.collate_fn([self.dataset[int(one)] for one in several])

    def reset(self) -> None:
        """Do nothing: nothing is read ahead."""

    def close(self) -> None:
        """Do nothing: there is no other process."""


def forget(dataset: Any) -> None:
    """Let an epoch depend on none before it: mosaics are made of any pictures, not of recent ones.

    Ultralytics takes those that were read last, which a life that is taken up again has not.
    """
    dataset.buffer.clear()
    for held in (dataset.ims, dataset.im_hw0, dataset.im_hw):
        held[:] = [None] * len(held)
    for one in _transforms(dataset.transforms):
        if hasattr(one, "buffer_enabled"):
            one.buffer_enabled = False


def _transforms(one: Any) -> Iterator[Any]:
    yield one
    for inner in (*getattr(one, "transforms", ()), getattr(one, "pre_transform", None)):
        if inner is not None:
            yield from _transforms(inner)
