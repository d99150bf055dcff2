"""The task ``ultralytics``: a detection network and a ``data.yaml``; a recipe can hold both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import attrs
import torch
from torch import Tensor, nn

from evoframe.plugin import (
    WITH_SYNAPSES,
    Batch,
    Key,
    Metric,
    Split,
    Task,
    TaskError,
    doc,
)
from evoframe_ultralytics.data import STRIDE, Pass, dataset_of, description_of, most_objects
from evoframe_ultralytics.metrics import METRICS, found_in, metrics_of
from evoframe_ultralytics.models import head_of, learned_by, network_of

PUTS_OUT = re.compile(r"cv\d\.\d+\.2$|dfl")
"""The layers of a head by which it speaks: the last of each branch, and what reads distances."""


def _is_side(_: Any, attribute: Any, value: int) -> None:
    if value < STRIDE or value % STRIDE:
        raise ValueError(f"{attribute.name} is {value}; wanted a multiple of {STRIDE}")


@attrs.frozen
class Detection(Task):
    """A detection network of Ultralytics, and pictures with boxes by a data.yaml."""

    name: ClassVar[str] = "ultralytics"

    model: str = attrs.field(
        default="yolo11n.yaml",
        converter=str,
        metadata=doc("a model file, of one's own or of Ultralytics; or a .pt that YOLO has saved"),
    )
    data: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(str),
        metadata=doc("the data.yaml: where train, val and perhaps test are, and the classes"),
    )
    imgsz: int = attrs.field(
        default=640, validator=_is_side, metadata=doc("side of the pictures in pixels")
    )
    batch_size: int = attrs.field(
        default=16, validator=attrs.validators.ge(1), metadata=doc("examples in a batch")
    )
    head: bool = attrs.field(
        default=False,
        metadata=doc("let the inner layers of the head evolve too; what it puts out stays"),
    )
    trained: bool | None = attrs.field(
        default=None,
        metadata=doc("whether the weights find these classes already; by the names if not given"),
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Mean average precision, over thresholds of overlap and at 0.5."""
        return tuple(Metric(name, maximise=True) for name in METRICS)

    @property
    def is_trained(self) -> bool:
        """As the option says; else whether a .pt names the classes that the data have."""
        if self.trained is not None:
            return self.trained
        said = _said(self)
        return learned_by(self.model) == (list(said["names"].values()), said["channels"])

    def ancestor(self, key: Key) -> nn.Module:
        """Return the network with a head for the classes of the data."""
        said = _said(self)
        return network_of(self.model, said["names"], said["channels"])

    def example_inputs(self) -> Any:
        """Return one picture of noise."""
        generator = Key(0).at("picture").generator()
        shape = (1, _said(self)["channels"], self.imgsz, self.imgsz)
        return (torch.rand(shape, generator=generator),)

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return the weights of all convolutions before the head, and within it if it is asked for.

        What a head puts out, and what reads boxes from that, never evolves.
        """
        head = head_of(network)
        return tuple(
            f"{name}.weight"
            for name, module in network.named_modules()
            if isinstance(module, WITH_SYNAPSES)
            and not (name.startswith(head) and (not self.head or PUTS_OUT.search(name)))
        )

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> Iterable[Batch]:
        """Return one pass over a split, its pictures as they are but for their size.

        In natural order those that are measured on are flat together, as for Ultralytics' own
        validator.
        """
        if split == "test" and not _said(self).get("test"):
            return ()
        size = batch_size or self.batch_size
        rect = split != "train" and shuffle is None
        dataset = _dataset(self, split, size if rect else 1, rect)
        count = len(dataset)
        order = range(count) if shuffle is None else shuffle.shuffled(count).tolist()
        return Pass(dataset, order, size, most_objects(dataset))

    def examples_in(self, batch: Batch) -> int:
        """Return how many pictures a batch holds."""
        return len(batch["img"])

    def step(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch by Ultralytics, for each picture."""
        called: Any = network
        loss, _ = called.init_criterion()(called(batch["img"]), batch)
        return loss.sum() / len(batch["img"])

    def measure(self, network: nn.Module, batch: Batch) -> Mapping[str, Any]:
        """Return what Ultralytics' validator keeps of a batch."""
        kept = found_in(network, batch)
        metrics = metrics_of(dict(_said(self)["names"]))
        return {name: one(kept, None) for name, one in metrics.items()}

    def learning(self, arguments: Any) -> Any:
        """Return the training pictures as Ultralytics' trainer changes them.

        Args:
            arguments: of Ultralytics, those of augmentation among them.
        """
        return dataset_of(
            self.description(), "train", self.imgsz, batch=arguments.batch, rect=False,
            learn=arguments,
        )  # fmt: skip

    def description(self) -> dict[str, Any]:
        """Return what the data.yaml says."""
        return _said(self)


@lru_cache(maxsize=4)
def _read(file: str) -> dict[str, Any]:
    return description_of(file)


def _said(one: Detection) -> dict[str, Any]:
    """Return what the data.yaml of a task says, read once.

    Raises:
        TaskError: there is none.
    """
    if one.data is None:
        raise TaskError("task.data is wanted: a data.yaml, such as -o task.data=coco8.yaml.")
    return _read(one.data)


@lru_cache(maxsize=8)
def _dataset(one: Detection, split: Split, size: int, rect: bool) -> Any:  # noqa: FBT001
    """Return a split as a data set, whose labels are read once."""
    return dataset_of(_said(one), split, one.imgsz, batch=size, rect=rect)
