"""Pictures for the saliency task: three splits, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import attrs
import torch
from torch import Tensor

from evoframe.errors import TaskError
from evoframe.kernel.key import Key
from evoframe.roles import Split
from evoframe.strategies.task import pictures, scenes

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue, on the scale from 0 to 1: what torchvision's VGG16 is used to."""

SCENES = (50, 100, 350)
"""How many scenes are drawn where no sizes are given, for validation, testing and training."""

SHARES = (0.1, 0.2)
"""What is kept of all pictures for validation and testing where no sizes are given."""

Sizes = tuple[int | None, int | None, int | None]
"""How many pictures are wanted for validation, testing and training."""

Splits = dict[Split, tuple[Tensor, Tensor]]
"""Images (N, size, size, 3) and masks (N, size, size) in bytes."""


@lru_cache(maxsize=2)
def drawn(sizes: Sizes, size: int, seed: int) -> Splits:
    """Return splits of scenes; those of one split do not depend on how many are in another."""
    validation, test, train = (given or usual for given, usual in zip(sizes, SCENES, strict=True))
    wanted: dict[Split, int] = {"train": train, "validation": validation, "test": test}
    return {
        split: _tensors(*scenes.draw(Key(seed).at("saliency", "scenes", split), count, size))
        for split, count in wanted.items()
    }


@lru_cache(maxsize=2)
def read(source: Path, sizes: Sizes, size: int, seed: int) -> Splits:
    """Return splits of the pictures of a folder or .zip.

    Raises:
        TaskError: they cannot be read, or are fewer than wanted.
    """
    pool = pictures.read(source, size)
    count = len(pool.masks)
    kept = [
        given or max(1, round(share * count)) for given, share in zip(sizes, SHARES, strict=False)
    ]
    train = sizes[2] or max(1, count - sum(kept))
    if sum(kept) + train > count:
        raise TaskError(
            f"task.validation_size = {kept[0]}, task.test_size = {kept[1]} and task.train_size = "
            f"{train} are more than the {count} pictures in '{source}'."
        )
    order = torch.from_numpy(Key(seed).at("saliency", "split").shuffled(count))
    validation, test, learned = torch.split(order[: sum(kept) + train], [*kept, train])
    parts: dict[Split, Tensor] = {"train": learned, "validation": validation, "test": test}
    images, masks = _tensors(pool.images, pool.masks)
    return {split: (images[chosen], masks[chosen]) for split, chosen in parts.items()}


@attrs.frozen(eq=False)
class Batches:
    """One pass over images and masks in bytes; shuffled by a key, and then perhaps mirrored."""

    images: Tensor
    masks: Tensor
    shuffle: Key | None
    size: int
    mirrors: bool

    def __len__(self) -> int:
        return -(-len(self.masks) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.masks)
        order, turned = torch.arange(count), torch.zeros(count, dtype=torch.bool)
        if self.shuffle is not None:
            order = torch.from_numpy(self.shuffle.at("order").shuffled(count))
            if self.mirrors:
                words = self.shuffle.at("mirror").words(count)
                turned = torch.from_numpy(words % 2 == 1)
        for start in range(0, count, self.size):
            chosen = order[start : start + self.size]
            yield self._batch(chosen, turned[chosen])

    def _batch(self, chosen: Tensor, turned: Tensor) -> tuple[Tensor, Tensor]:
        images, masks = self.images[chosen], self.masks[chosen]
        # Axis 2 is the width in both: colours are still the last axis of images.
        images[turned], masks[turned] = images[turned].flip(2), masks[turned].flip(2)
        scaled = (images.float() / 255 - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
        return scaled.movedim(-1, 1).contiguous(), masks.long()


def _tensors(images: scenes.Bytes, masks: scenes.Bytes) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(images), torch.from_numpy(masks)
