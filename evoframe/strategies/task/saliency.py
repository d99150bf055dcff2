"""Visual saliency, the experiment of Deep Learning with Darwin (arXiv 1606.04393)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.individual import Measurement, Metric
from evoframe.kernel.key import Key
from evoframe.roles import Split, Task, doc
from evoframe.strategies.task import saliency_data, saliency_metrics as metrics
from evoframe.strategies.task.evonet import CLASSES, STRIDE, EvoNet
from evoframe.strategies.task.saliency_data import Batches
from evoframe.strategies.task.weights import read_part, read_weights

BATCH_SIZE = 20


def _whole_places(_: Any, field: attrs.Attribute[int], value: int) -> None:
    if value < STRIDE or value % STRIDE:
        near = max(STRIDE, round(value / STRIDE) * STRIDE)
        raise ValueError(
            f"{field.name} is {value}; wanted a multiple of {STRIDE}, because the trunk halves it "
            f"four times. The nearest is {near}"
        )


def _size(help_text: str) -> Any:
    at_least_one = attrs.validators.optional(attrs.validators.ge(1))
    return attrs.field(default=None, validator=at_least_one, metadata=doc(help_text))


@attrs.frozen
class Saliency(Task):
    """Saliency detection, pixel by pixel, by a network with a VGG16 trunk.

    Maps and masks have the size of the input: logits are enlarged to it, and masks are not shrunk
    to the quarter of it at which the network works, where thin parts of objects would be lost.
    """

    name: ClassVar[str] = "saliency"

    data: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc("folder or .zip file of images and masks; default: generated scenes"),
    )
    image_size: int = attrs.field(
        default=64,
        validator=_whole_places,
        metadata=doc("size in pixels to which images are resized, a multiple of 16"),
    )
    width: float = attrs.field(
        default=0.125,
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("width multiplier of all layers; 1 is VGG16's width"),
    )
    weights: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc(
            "trained weights of the ancestor (.safetensors or .pt); if not given, it is trained"
        ),
    )
    trunk: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc(
            "pretrained weights of the trunk (.safetensors or .pt), named features.0.weight "
            "and so on as in torchvision's vgg16; default: random"
        ),
    )
    train_size: int | None = _size("number of training images; default: all remaining")
    validation_size: int | None = _size("number of validation images; default: a tenth")
    test_size: int | None = _size("number of test images; default: a fifth")
    split_seed: int = attrs.field(
        default=0,
        metadata=doc("seed of the split, separate from the run's, so that runs can be compared"),
    )
    mirror: bool = attrs.field(
        default=True,
        metadata=doc(
            "flip about half of the training images horizontally, chosen anew in each epoch"
        ),
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The largest F of the curve first; errors and loss are better when small."""
        smaller = ("mae", "loss")
        return tuple(Metric(name, maximise=name not in smaller) for name in metrics.STATISTICS)

    @property
    def is_trained(self) -> bool:
        """Whether weights of the whole ancestor were named."""
        return self.weights is not None

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network, with the weights that were named or with fresh ones.

        Raises:
            TaskError: both kinds of weights are named, or a file does not fit.
        """
        network = EvoNet(self.width)
        if self.weights is not None and self.trunk is not None:
            raise TaskError(
                "task.weights are those of the whole ancestor, so task.trunk would be of no "
                "effect. Leave one of them out."
            )
        if self.trunk is not None:
            read_part(self.trunk, network, "features")
        if self.weights is not None:
            read_weights(self.weights, network)
        return network

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return every weight but those of the first layer and of the last.

        The first sees three colours, with 1,728 of 62.7 million synapses at full width. A network
        that loses it is blind, and drawing it by the same law as the rest costs most of it.
        """
        return super().evolvable(network)[1:]

    def newborn(self, key: Key) -> nn.Module:
        """Return the network with fresh weights, those of the trunk too."""
        return EvoNet(self.width)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Return one empty picture, (1, 3, size, size)."""
        return (torch.zeros(1, 3, self.image_size, self.image_size),)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Batches:
        """Return batches of images (N, 3, size, size) and masks (N, size, size), on the CPU."""
        images, masks = self._splits()[split]
        mirrors = self.mirror and split == "train"
        return Batches(images, masks, shuffle, batch_size or BATCH_SIZE, mirrors)

    def step(
        self, network: nn.Module, batch: tuple[Tensor, Tensor], *, label_smoothing: float = 0.0
    ) -> Tensor:
        """Return the mean cross-entropy of a batch's pixels."""
        images, masks = batch
        return _cross_entropy(network(images), masks, label_smoothing=label_smoothing).mean()

    def measure(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """Return every metric of each image alone."""
        return metrics.of_each(_columns(network, batch))

    def evaluate(
        self, network: nn.Module, split: Split, device: torch.device
    ) -> Mapping[str, Measurement]:
        """Return every metric of a split: F comes of precision and recall over all its images."""
        # All images at once: F of a split is no mean over its batches.
        known = [_columns(network, devices.move(batch, device)) for batch in self.batches(split)]
        if not known:
            return {}
        return metrics.of_all({name: torch.cat([one[name] for one in known]) for name in known[0]})

    def _splits(self) -> saliency_data.Splits:
        sizes = (self.validation_size, self.test_size, self.train_size)
        if self.data is None:
            return saliency_data.drawn(sizes, self.image_size, self.split_seed)
        return saliency_data.read(self.data, sizes, self.image_size, self.split_seed)


def _cross_entropy(logits: Tensor, masks: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of every pixel, (N, H, W).

    Pixels are laid out as rows, because torch has no deterministic way for maps on CUDA.
    """
    losses = F.cross_entropy(
        logits.movedim(1, -1).reshape(-1, CLASSES),
        masks.reshape(-1),
        reduction="none",
        label_smoothing=label_smoothing,
    )
    return losses.reshape(masks.shape)


def _columns(network: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    images, masks = batch
    logits = network(images)
    loss = _cross_entropy(logits, masks).mean((1, 2)).double().cpu()
    return {**metrics.columns(logits.softmax(1)[:, 1], masks), "loss": loss}
