"""A smaller network of timm as a folder, and the loader of such folders.

timm's constructors have widths of their own and build no other, so a folder has weights and how
they differ from what the constructor builds, as evoframe exports them, and a ``config.json`` that
is timm's: the architecture, its arguments, and the configuration of data and weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import evoframe
from evoframe.plugin import Arguments, ConfigError, written_aside
from evoframe_timm.attributes import set_widths, widths_of
from evoframe_timm.libraries import timm
from evoframe_timm.networks import MADE_BY
from evoframe_timm.pictures import data_config

CONFIG, WIDTHS = "config.json", "widths"
"""The file that timm has beside weights, and the entry in it that is not timm's."""

SOURCES = ("url", "file", "hf_hub_id", "hf_hub_filename", "source", "state_dict")
"""Where whole weights come from; nobody should take them for those of the folder."""


def save(
    run: evoframe.Run, folder: str | Path, *, individual: str | None = None, force: bool = False
) -> Path:
    """Write the network of an individual as a folder; return the folder.

    It is loaded again before it appears, and its outputs must be equal.

    Args:
        run: a run of a network of timm.
        folder: a new folder.
        individual: whose network; the best's if not given.
        force: replace the folder if it is there.

    Raises:
        ConfigError: the folder is there, or the network is none that timm builds.
        EvoframeError: there is no such individual, or it cannot be exported.
    """
    folder = Path(folder)
    network: Any = run.network(individual)
    made = vars(network).get(MADE_BY)
    if made is None:
        raise ConfigError(
            f"nobody knows how timm builds this {type(network).__name__}. Make the task with "
            "evoframe_timm.task, or write the network with run.export(folder)."
        )
    if folder.exists() and not force:
        raise ConfigError(f"{folder} is there already. Name another, or say force=True.")
    (picture,) = Arguments.of(run.grown_from.task.example_inputs()).args
    with written_aside(folder) as aside:
        run.export(aside, individual=individual)
        said = {
            **made,
            "num_classes": network.num_classes,
            "pretrained_cfg": _config(network, picture),
            WIDTHS: widths_of(network, _whole(made), picture),
        }
        (aside / CONFIG).write_text(json.dumps(said, indent=2) + "\n", "utf-8")
        with torch.no_grad():
            if not torch.equal(load(aside)(picture), network(picture)):
                raise ConfigError("the network answers otherwise when its folder is loaded again.")
    return folder


def load(folder: str | Path) -> nn.Module:
    """Return the network of a folder that :func:`save` wrote, in evaluation mode on the CPU.

    It is of timm's class and tells its own widths, so ``forward_features``, ``forward_head``,
    ``reset_classifier`` and ``timm.data.resolve_data_config`` do what they do. Absent synapses
    stay absent however it is trained, until ``evoframe.plain()``.

    Args:
        folder: with the configuration, the architecture and the weights.

    Raises:
        ConfigError: it is no such folder, or timm has no such network.
        ExportError: it is not as it was written.
    """
    folder = Path(folder)
    try:
        said = json.loads((folder / CONFIG).read_text("utf-8"))
        widths, pretrained = said[WIDTHS], said["pretrained_cfg"]
        said["architecture"], said["model_args"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} is no folder that evoframe_timm.save() wrote ({error!r})."
        ) from error
    network: Any = evoframe.load(folder, lambda: _whole(said))
    set_widths(network, widths)
    network.pretrained_cfg = network.default_cfg = {
        name: tuple(one) if isinstance(one, list) else one for name, one in pretrained.items()
    }
    return network  # type: ignore[no-any-return]


def _whole(said: Mapping[str, Any]) -> nn.Module:
    """Return the whole network, with weights that do not matter.

    Raises:
        ConfigError: this timm does not build it.
    """
    name = said["architecture"]
    try:
        network: nn.Module = timm().create_model(name, pretrained=False, **said["model_args"])
    except Exception as error:
        raise ConfigError(
            f"this timm builds no {name!r} with {said['model_args']}: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    vars(network)[MADE_BY] = {one: said[one] for one in ("architecture", "model_args")}
    return network


def _config(network: Any, picture: Any) -> dict[str, Any]:
    """Return the configuration of weights and data, for the pictures that the network learned."""
    said = {name: one for name, one in dict(network.pretrained_cfg).items() if name not in SOURCES}
    config, size = data_config(network), tuple(picture.shape[1:])
    said |= {name: config[name] for name in ("mean", "std")}
    if size != tuple(said.get("input_size", ())):
        said |= {"input_size": size, "test_input_size": None, "pool_size": None}
    said["num_classes"] = network.num_classes
    return {name: one for name, one in said.items() if one is not None}
