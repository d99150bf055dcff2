"""Networks of timm by name, with weights from a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evoframe.plugin import TaskError
from evoframe_timm.libraries import timm

MADE_BY = "_evoframe_timm"
"""The attribute of a network that says how timm builds the whole one."""


def network_of(
    name: str,
    *,
    num_classes: int,
    pretrained: Path | None,
    seed: int,
    model_args: Mapping[str, Any],
) -> nn.Module:
    """Return a network of timm, with fresh weights or those of a file.

    Args:
        name: as ``timm.list_models()`` has it.
        num_classes: how many the head tells apart.
        pretrained: a file of weights; the head's are taken if it tells as many classes apart.
        seed: of what is fresh.
        model_args: what the constructor is given besides.

    Raises:
        TaskError: timm has no such network, or the file does not fit it.
    """
    if not timm().is_model(name):
        near = timm().list_models(f"*{name}*")[:5]
        hint = f" There are {', '.join(near)}." if near else " timm.list_models() names them all."
        raise TaskError(f"timm has no network {name!r}.{hint}")
    given = {"num_classes": num_classes, **model_args}
    try:
        with torch.random.fork_rng(devices=[]), _quiet():
            torch.manual_seed(seed)
            network: nn.Module = timm().create_model(name, **_weights(name, pretrained), **given)
    except Exception as error:
        raise TaskError(
            f"timm cannot make {name!r} with {given}"
            f"{f' and the weights of {pretrained}' if pretrained else ''}: "
            f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        ) from error
    remember(network, name, given)
    return network


def remember(network: nn.Module, name: str, model_args: Mapping[str, Any]) -> None:
    """Let a network know how timm builds it; copies and smaller ones know it too."""
    vars(network)[MADE_BY] = {"architecture": name, "model_args": dict(model_args)}


def _weights(name: str, file: Path | None) -> dict[str, Any]:
    """Return what makes timm load a file, without asking anybody for another one.

    Raises:
        FileNotFoundError: it is not there.
    """
    if file is None:
        return {"pretrained": False}
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    overlay: dict[str, Any] = {"file": str(file)}
    state = timm().models.load_state_dict(str(file))
    said = timm().get_pretrained_cfg(name)
    classifier = getattr(said, "classifier", None)
    if isinstance(classifier, str) and (head := state.get(f"{classifier}.weight")) is not None:
        overlay["num_classes"] = len(head)
    return {"pretrained": True, "pretrained_cfg_overlay": overlay}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what timm says about loading."""
    talker = logging.getLogger("timm")
    level = talker.level
    talker.setLevel(logging.WARNING)
    try:
        yield
    finally:
        talker.setLevel(level)
