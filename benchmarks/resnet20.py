"""A trained ResNet-20 on CIFAR-10, as a task, to see how small and fast its descendants get.

    evoframe evolve --recipe benchmarks/resnet20.toml -o task.data=CIFAR.npz -o task.weights=R20.th
    python benchmarks/latency.py RUN

``data`` is an .npz archive in which the images are JPEG files, all one after another in
``blob_train`` and ``blob_test``, with their borders in ``off_train`` and ``off_test`` and the
labels in ``y_train`` and ``y_test``; or the folder of the original's binary version, with
``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``. ``weights`` is a checkpoint of
the ResNet-20 that akamaster's pytorch_resnet_cifar10 trained (BSD-2): layers by the same names,
behind ``module.``.

Images that were compressed as JPEG are not the published CIFAR-10: accuracies must not be set
beside published ones.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key
from evoframe.roles import Split, Task, doc

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Of CIFAR-10's training pixels, on the scale from 0 to 1."""


class Block(nn.Module):
    """Two convolutions and a shortcut; where sizes change, every other pixel and new zeros."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = outputs // inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.padding = (outputs - inputs) // 2

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, outputs, H / stride, W / stride)."""
        inside = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(images)))))
        if self.padding:
            images = images[:, :, :: self.stride, :: self.stride]
            images = F.pad(images, (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(inside + images)


class ResNet20(nn.Module):
    """The network for images of 32 by 32 of He et al. (1512.03385), with 20 layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16) for _ in range(3)))
        self.layer2 = nn.Sequential(Block(16, 32), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64), Block(64, 64), Block(64, 64))
        self.linear = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return class scores (N, 10) of images (N, 3, 32, 32)."""
        features = F.relu(self.bn1(self.conv1(images)))
        features = self.layer3(self.layer2(self.layer1(features)))
        return self.linear(features.mean((2, 3)))


@attrs.frozen
class Cifar(Task):
    """CIFAR-10, as it was published or from a stream of JPEG files, and a trained ResNet-20."""

    name: ClassVar[str] = "cifar-resnet20"
    traits: ClassVar[frozenset[str]] = frozenset({"trained"})

    made: ClassVar[type[nn.Module]] = ResNet20

    data: Path = attrs.field(metadata=doc("the .npz archive with the images, or their folder"))
    weights: Path = attrs.field(metadata=doc("the checkpoint of the trained network"))
    train_size: int = attrs.field(
        default=45_000,
        metadata=doc("training images to use; the last 5,000 of 50,000 are those of validation"),
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy first, then cross-entropy."""
        return (Metric("accuracy"), Metric("loss", maximise=False, share=False))

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network with its trained weights."""
        saved = torch.load(self.weights, map_location="cpu", weights_only=True)["state_dict"]
        network = self.made()
        network.load_state_dict({k.removeprefix("module."): v for k, v in saved.items()})
        return network

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Return one empty image, (1, 3, 32, 32)."""
        return (torch.zeros(1, 3, 32, 32),)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (N, 3, 32, 32) and labels (N,); training images shifted and mirrored."""
        images, labels = _split(self.data, split)
        count = self.train_size if split == "train" else len(labels)
        order = np.arange(count) if shuffle is None else shuffle.shuffled(count)
        generator = None if shuffle is None else shuffle.at("augmentation").generator()
        size = batch_size or 100
        for start in range(0, count, size):
            chosen = torch.from_numpy(order[start : start + size])
            batch = images[chosen]
            yield (batch if generator is None else _varied(batch, generator)), labels[chosen]

    def step(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        images, labels = batch
        return F.cross_entropy(network(images), labels)

    def measure(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Return whether each image is recognised, and its cross-entropy."""
        images, labels = batch
        logits = network(images)
        return {
            "accuracy": (logits.argmax(1) == labels).float(),
            "loss": F.cross_entropy(logits, labels, reduction="none"),
        }


def _varied(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images that are each shifted by up to 4 pixels and, every other one, mirrored."""
    padded = F.pad(images, (4, 4, 4, 4))
    shifts = torch.randint(0, 9, (len(images), 2), generator=generator).tolist()
    mirrored = (torch.rand(len(images), generator=generator) < 0.5).tolist()
    cut = [padded[n, :, y : y + 32, x : x + 32] for n, (y, x) in enumerate(shifts)]
    return torch.stack([one.flip(2) if m else one for one, m in zip(cut, mirrored, strict=True)])


@lru_cache(maxsize=3)
def _split(source: Path, split: Split) -> tuple[Tensor, Tensor]:
    """Return images and labels of a split; the last 5,000 to train on are those of validation."""
    images, labels = _decoded(source, "test" if split == "test" else "train")
    if split == "test":
        return images, labels
    order = torch.from_numpy(Key(0).at("split").shuffled(len(labels)))  # files are sorted by class
    part = order[45_000:] if split == "validation" else order
    return images[part], labels[part]


@lru_cache(maxsize=2)
def _decoded(source: Path, part: str) -> tuple[Tensor, Tensor]:
    pixels, labels = (_published if source.is_dir() else _streamed)(source, part)
    images = torch.from_numpy(pixels).float().div_(255)
    mean, deviation = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return images.sub_(mean).div_(deviation), torch.from_numpy(labels.astype(np.int64))


def _published(folder: Path, part: str) -> tuple[Any, Any]:
    """Return bytes (N, 3, 32, 32) and labels (N,) of the original's binary version."""
    files = (
        sorted(folder.glob("data_batch_?.bin")) if part == "train" else [folder / "test_batch.bin"]
    )
    rows = np.concatenate(
        [np.fromfile(one, np.uint8).reshape(-1, 1 + 3 * 32 * 32) for one in files]
    )
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


def _streamed(archive: Path, part: str) -> tuple[Any, Any]:
    """Return bytes (N, 3, 32, 32) and labels (N,) of a stream of JPEG files."""
    with np.load(archive, allow_pickle=False) as arrays:
        blob, borders = arrays[f"blob_{part}"].tobytes(), arrays[f"off_{part}"]
        labels = arrays[f"y_{part}"]
    pixels = np.stack([_pixels(blob[a:b]) for a, b in itertools.pairwise(borders)])
    return pixels.transpose(0, 3, 1, 2), labels


def _pixels(file: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
