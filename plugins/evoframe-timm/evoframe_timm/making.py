"""A task from a network of timm and data sets of pictures in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

import evoframe
from evoframe.plugin import Task, TaskError
from evoframe_timm.networks import MADE_BY, network_of, remember
from evoframe_timm.pictures import Pictures, data_config, transforms


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return for each example whether the class is the right one."""
    return (logits.argmax(1) == labels).float()


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of each example."""
    return nn.functional.cross_entropy(logits, labels, reduction="none")


def task(
    network: str | nn.Module,
    *,
    train: Any,
    validation: Any,
    test: Any = None,
    num_classes: int | None = None,
    pretrained: str | Path | None = None,
    trained: bool = False,
    image_size: int | None = None,
    augment: bool = True,
    batch_size: int = 32,
    loss: Callable[[Any, Any], Tensor] = nn.functional.cross_entropy,
    metrics: Mapping[str, Any] | None = None,
    evolvable: tuple[str, ...] | None = None,
    seed: int = 0,
    **model_args: Any,
) -> Task:
    """Return a task made from a network of timm, with pictures as it is used to them.

    Nothing is downloaded.

    Args:
        network: its name, or a network that ``timm.create_model`` made; never changed.
        train: a data set of pairs of a picture of Pillow and the number of its class; pictures
            that are tensors are taken as they are.
        validation: what selection sees.
        test: what is only reported.
        num_classes: how many classes there are; wanted with a name.
        pretrained: a file of weights for the name, as timm writes and reads them.
        trained: whether the network tells these classes apart already; if not, the run trains it.
        image_size: side of the pictures; the network's own if not given.
        augment: learn from pictures that timm crops, flips and colours at random.
        batch_size: examples in a batch.
        loss: takes logits and classes, returns a scalar.
        metrics: as of ``evoframe.task``; accuracy and loss if not given.
        evolvable: names of the parameters that may evolve; the usual ones if not given.
        seed: of weights that are fresh.
        **model_args: what the constructor of the network is given besides; of a network that is
            given, what it was made with, if that is not its defaults.

    Raises:
        ConfigError: timm is not installed.
        TaskError: there is no such network, or the file or the data do not fit it.
    """
    if isinstance(network, str):
        if num_classes is None:
            raise TaskError("evoframe_timm.task(num_classes=...) is wanted with a network's name.")
        file = None if pretrained is None else Path(pretrained)
        whole = network_of(
            network, num_classes=num_classes, pretrained=file, seed=seed, model_args=model_args
        )
    else:
        whole = _given(network, num_classes, pretrained, model_args)
    config = data_config(whole, image_size)
    change = transforms(config, augment=augment)
    mode = "L" if config["input_size"][0] == 1 else "RGB"
    splits = {"train": train, "validation": validation, "test": test}
    data = {
        split: None if pairs is None else Pictures(pairs, change[split], mode)
        for split, pairs in splits.items()
    }
    usual = {"accuracy": accuracy, "loss": (losses, "min")}
    return evoframe.task(
        network=whole,
        loss=loss,
        metrics=usual if metrics is None else metrics,
        evolvable=evolvable,
        trained=trained,
        batch_size=batch_size,
        **data,
    )


def _given(
    network: nn.Module, num_classes: int | None, pretrained: Any, model_args: Mapping[str, Any]
) -> nn.Module:
    """Return a network that somebody made, once it is known how.

    Raises:
        TaskError: it is none of timm, or an option speaks of how it is made.
    """
    said = getattr(network, "pretrained_cfg", None)
    if not isinstance(said, Mapping) or "architecture" not in said:
        raise TaskError(
            f"evoframe_timm.task was given a {type(network).__name__} that timm.create_model did "
            "not make. For any other network there is evoframe.task."
        )
    if num_classes is not None or pretrained is not None:
        raise TaskError("num_classes= and pretrained= are for a network's name. Leave them out.")
    if MADE_BY not in vars(network):
        given: Any = network
        remember(network, said["architecture"], {"num_classes": given.num_classes, **model_args})
    return network
