"""YOLO networks as people have them: a model file of Ultralytics, or a file of weights."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from torch import nn

from evoframe.plugin import TaskError
from evoframe_ultralytics.libraries import defaults, needed, quiet
from evoframe_ultralytics.narrow import is_narrow

WANTED = "wanted a model file such as yolo11n.yaml, or a .pt that YOLO has saved"


def network_of(model: str, names: dict[int, str], channels: int) -> nn.Module:
    """Return a detection network for some classes, with weights of a file or fresh ones.

    Args:
        model: name of a model file, of one's own or of Ultralytics; or a ``.pt`` file.
        names: the classes by number.
        channels: of the pictures.

    Raises:
        TaskError: there is no such file, or it holds no network that finds boxes.
    """
    tasks = needed("ultralytics.nn.tasks")
    with quiet():
        if model.endswith(".pt"):
            network = _loaded(tasks, model, names, channels)
        elif model.endswith((".yaml", ".yml")) and "://" not in model:
            network = _built(tasks, model, names, channels)
        else:
            raise TaskError(f"task.model is {model!r}; {WANTED}. Nothing is downloaded.")
        network.names, network.task = dict(names), "detect"
        network.args = defaults(task="detect")
    network.requires_grad_(requires_grad=True)
    for name, value in network.named_parameters():
        if ".dfl." in name:  # a constant, which Ultralytics never trains
            value.requires_grad = False
    return network.train()


def learned_by(model: str) -> tuple[list[str], int] | None:
    """Return the classes and channels of a file of weights; None for a network yet to be built."""
    if not model.endswith(".pt"):
        return None
    with quiet():
        found = _read(needed("ultralytics.nn.tasks"), model)
    return list(found.names.values()), found.yaml.get("channels", 3)


def head_of(network: Any) -> str:
    """Return the name of the part of a network that finds boxes."""
    return f"model.{len(network.model) - 1}."


def _built(tasks: Any, cfg: Any, names: Any, channels: int) -> Any:
    """Return a network as its model file says, with fresh weights.

    Raises:
        TaskError: there is no such file, or it is of another kind.
    """
    try:
        given = tasks.yaml_model_load(cfg) if isinstance(cfg, str) else copy.deepcopy(cfg)
    except FileNotFoundError as error:
        raise TaskError(f"there is no model file {cfg}; {WANTED}.") from error
    _require_boxes(given, cfg if isinstance(cfg, str) else "the file")
    return tasks.DetectionModel(given, ch=channels, nc=len(names), verbose=False)


def _loaded(tasks: Any, file: str, names: dict[int, str], channels: int) -> Any:
    """Return the network of a file; with another head if it is for other classes.

    Raises:
        TaskError: it is no detection network, or a smaller one for other classes.
    """
    found = _read(tasks, file)
    if len(found.names) == len(names) and found.yaml.get("channels", 3) == channels:
        return found
    if is_narrow(found):
        raise TaskError(
            f"{file} holds a network that is smaller than its model file says, for "
            f"{len(found.names)} classes and {found.yaml.get('channels', 3)} channels; the data "
            f"have {len(names)} and {channels}. A head for others fits the whole network only."
        )
    made = _built(tasks, found.yaml, names, channels)
    made.names = dict(names)
    made.load(found)  # what fits, as Ultralytics' own trainer does
    return made


def _read(tasks: Any, file: str) -> Any:
    if not Path(file).is_file():
        raise TaskError(f"there is no file {file}. Nothing is downloaded: fetch it first.")
    try:
        found, _ = tasks.load_checkpoint(file)
    except (TypeError, KeyError, AttributeError, EOFError, RuntimeError) as error:
        raise TaskError(f"{file} is no file of weights of Ultralytics ({error}).") from error
    _require_kind(found, tasks, file)
    if "BatchNorm2d" not in {type(one).__name__ for one in found.modules()}:
        raise TaskError(f"the network of {file} was fused for use, so it cannot be trained.")
    return found


def _require_boxes(given: Any, who: str) -> None:
    """Refuse a model file of another kind, such as one that segments."""
    kind = str(given["head"][-1][2]) if given.get("head") else "no head"
    if kind != "Detect":
        raise TaskError(
            f"{who} ends in {kind}; wanted a detection network, which ends in Detect. "
            "For others there is evoframe.task."
        )


def _require_kind(found: Any, tasks: Any, who: str) -> None:
    if type(found) is not tasks.DetectionModel or type(found.model[-1]) is not tasks.Detect:
        kind = type(getattr(found, "model", [found])[-1]).__name__
        raise TaskError(
            f"{who} holds a {type(found).__name__} that ends in {kind}; wanted a detection "
            "network, which ends in Detect. For others there is evoframe.task."
        )
