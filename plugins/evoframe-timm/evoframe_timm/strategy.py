"""The task ``timm``: a network by its name, and a folder of pictures; a recipe can hold both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import attrs
from torch import Tensor, nn

from evoframe.plugin import Batch, FrozenDict, Key, Metric, Split, Task, TaskError, doc
from evoframe_timm.making import task
from evoframe_timm.pictures import of_folder


@attrs.frozen
class Timm(Task):
    """A network of timm by name, and a folder with a folder of pictures for each class."""

    name: ClassVar[str] = "timm"

    network: str = attrs.field(
        default="resnet18", metadata=doc("name of a network, as timm.list_models() has it")
    )
    data: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc("folder with train, validation and perhaps test, a folder in each by class"),
    )
    pretrained: Path | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(Path),
        metadata=doc("file of weights for the network; fresh ones if not given"),
    )
    trained: bool = attrs.field(
        default=False, metadata=doc("whether these weights tell the classes apart already")
    )
    image_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("side of the pictures in pixels; the network's own if not given"),
    )
    augment: bool = attrs.field(
        default=True, metadata=doc("learn from pictures that timm crops, flips and colours")
    )
    batch_size: int = attrs.field(
        default=32, validator=attrs.validators.ge(1), metadata=doc("examples in a batch")
    )
    seed: int = attrs.field(default=0, metadata=doc("seed of weights that are fresh"))
    model_args: Mapping[str, float] = attrs.field(
        factory=FrozenDict,
        converter=FrozenDict,
        metadata=doc("what the constructor of the network is given besides"),
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy, and the loss."""
        return (Metric("accuracy", maximise=True), Metric("loss", maximise=False, share=False))

    @property
    def is_trained(self) -> bool:
        """As the option says."""
        return self.trained

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network as timm makes it."""
        return _made(self).ancestor(key)

    def example_inputs(self) -> Any:
        """Return one picture."""
        return _made(self).example_inputs()

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return one pass over a split, its pictures as the network is used to them."""
        return _made(self).batches(split, shuffle=shuffle, batch_size=batch_size)

    def step(self, network: nn.Module, batch: Batch, *, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross-entropy of a batch."""
        pictures, labels = batch
        return nn.functional.cross_entropy(
            network(pictures), labels, label_smoothing=label_smoothing
        )

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Any]:
        """Return accuracy and loss for each picture."""
        return _made(self).measure(network, batch)


@lru_cache(maxsize=4)
def _made(one: Timm) -> Task:
    """Return the task, read once.

    Raises:
        TaskError: the folder or the network will not do.
    """
    if one.data is None:
        raise TaskError("task.data is wanted: a folder with pictures, such as -o task.data=pets.")
    sets, classes = of_folder(one.data)
    numbers = {
        name: int(value) if float(value).is_integer() else value
        for name, value in one.model_args.items()
    }
    return task(
        one.network,
        train=sets["train"],
        validation=sets["validation"],
        test=sets.get("test"),
        num_classes=len(classes),
        pretrained=one.pretrained,
        trained=one.trained,
        image_size=one.image_size,
        augment=one.augment,
        batch_size=one.batch_size,
        seed=one.seed,
        **numbers,
    )
