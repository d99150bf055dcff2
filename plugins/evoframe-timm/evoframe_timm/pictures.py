"""Pictures as a network of timm is used to them: its size, mean, deviation and cropping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset

from evoframe.plugin import TaskError
from evoframe_timm.libraries import image, timm
from evoframe_timm.networks import MADE_BY

FOLDERS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test",),
}
"""What the folders of the splits may be called."""


def data_config(network: nn.Module, image_size: int | None = None) -> dict[str, Any]:
    """Return the data configuration of a network, for its own size of pictures or another."""
    made = vars(network)[MADE_BY]["model_args"]
    args = {} if image_size is None else {"img_size": image_size}
    found: dict[str, Any] = timm().data.resolve_data_config(args, model=network)
    channels = made.get("in_chans", found["input_size"][0])
    found["input_size"] = (channels, *found["input_size"][1:])
    if channels == 1:  # grey pictures have the mean of red, green and blue
        found |= {name: (sum(found[name]) / len(found[name]),) for name in ("mean", "std")}
    return found


def transforms(config: Mapping[str, Any], *, augment: bool) -> dict[str, Callable[[Any], Tensor]]:
    """Return what makes tensors of pictures, by split."""
    create = timm().data.create_transform
    plain = create(**config, is_training=False)
    learned = create(**config, is_training=True) if augment else plain
    return {"train": learned, "validation": plain, "test": plain}


class Pictures(Dataset[Any]):
    """A data set of pairs of a picture and its class; a tensor is taken as it is."""

    def __init__(self, pairs: Any, transform: Callable[[Any], Tensor], mode: str) -> None:
        self.pairs, self.transform, self.mode = pairs, transform, mode

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture, label = self.pairs[index]
        if isinstance(picture, Tensor):
            return picture, int(label)
        return self.transform(picture.convert(self.mode)), int(label)


class Files(Dataset[Any]):
    """Pictures in files, as pairs with the numbers of their classes; opened when asked for."""

    def __init__(self, pairs: list[tuple[Path, int]]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        file, label = self.pairs[index]
        try:
            with image().open(file) as picture:
                picture.load()
        except OSError as error:
            raise TaskError(f"{file} cannot be read as a picture: {error}") from error
        return picture, label


def of_folder(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the data sets of a folder by split, and the names of the classes.

    Raises:
        TaskError: a split is missing or empty, or has other classes than the training split.
    """
    found = {split: _first(folder, names) for split, names in FOLDERS.items()}
    for split in ("train", "validation"):
        if found[split] is None:
            raise TaskError(
                f"{folder} has no folder {' or '.join(map(repr, FOLDERS[split]))}. Wanted one for "
                "each split, with a folder of pictures for each class in it."
            )
    classes = _classes(found["train"])
    numbers = {name: number for number, name in enumerate(classes)}
    sets = {}
    for split, one in found.items():
        if one is None:
            continue
        if unknown := [name for name in _classes(one) if name not in numbers]:
            raise TaskError(f"{one} has the class {unknown[0]!r}, and the training split has not.")
        sets[split] = Files(_files(one, numbers))
        if not len(sets[split]):
            raise TaskError(f"there is no picture in the folders of {one}.")
    return sets, classes


def _files(folder: Path, numbers: Mapping[str, int]) -> list[tuple[Path, int]]:
    """Return the pictures of a split with their classes, in the order of their names."""
    kinds = set(timm().data.get_img_extensions())
    return [
        (file, number)
        for name, number in numbers.items()
        for file in sorted((folder / name).rglob("*"), key=lambda one: natural(str(one)))
        if file.suffix.lower() in kinds
    ]


def natural(name: str) -> Any:
    """Return what names are sorted by: 2 comes before 10."""
    return timm().utils.natural_key(name)


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _classes(folder: Any) -> list[str]:
    names = [one.name for one in Path(folder).iterdir() if one.is_dir()]
    ordered: list[str] = sorted(names, key=natural)
    return ordered
