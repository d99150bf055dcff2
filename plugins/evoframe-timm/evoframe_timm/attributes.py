"""The numbers by which a network of timm tells its widths, of a smaller one.

``num_features``, ``head_hidden_size`` and ``feature_info`` are asked by whoever puts another head
on a network or takes its features, and no forward pass reads them. They are measured: by a pass of
the whole network, whose numbers are right, and one of the smaller network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.plugin import untouched


def widths_of(small: nn.Module, whole: nn.Module, picture: Tensor) -> dict[str, Any]:
    """Return the numbers of a smaller network.

    Args:
        small: in evaluation mode.
        whole: as timm made it.
        picture: inputs for one pass.
    """
    with untouched(), torch.no_grad():
        passes = [_pass(one, picture) for one in (whole.eval(), small)]
    found: dict[str, Any] = {}
    for name in ("num_features", "head_hidden_size"):
        number = getattr(whole, name, None)
        if isinstance(number, int):
            found[name] = _width(passes, name, number)
    found["feature_info"] = [
        _width(passes, about["module"], about["num_chs"]) for about in _told(whole)
    ]
    heads = {name: small.get_submodule(name) for name in _heads(whole)}
    found["heads"] = {name: _last(head).in_features for name, head in heads.items()}
    return found


def set_widths(network: nn.Module, widths: Mapping[str, Any]) -> None:
    """Let a smaller network tell its own widths."""
    for name in ("num_features", "head_hidden_size"):
        if name in widths and name in vars(network):  # where it follows from another, it will
            setattr(network, name, widths[name])
    for name, width in widths["heads"].items():
        head: Any = network.get_submodule(name)
        head.in_features = width
    if told := _told(network):
        pairs = zip(told, widths["feature_info"], strict=True)
        network.feature_info = [{**about, "num_chs": width} for about, width in pairs]  # type: ignore[assignment]


def _heads(whole: nn.Module) -> list[str]:
    """Return the modules that note how many features their last layer takes."""
    return [
        name
        for name, module in whole.named_modules()
        if isinstance(_last(module), nn.Linear)
        and vars(module).get("in_features") == _last(module).in_features
    ]


def _last(head: nn.Module) -> Any:
    return getattr(head, "fc", None)


def _pass(network: Any, picture: Tensor) -> dict[str, Tensor]:
    """Return what a network puts out on its way, by the names of modules and of its widths."""
    outputs: dict[str, Tensor] = {}
    hooks = []
    for about in _told(network):
        try:
            module = network.get_submodule(about["module"])
        except AttributeError:
            continue
        hooks.append(module.register_forward_hook(_keeping(outputs, about["module"])))
    try:
        outputs["num_features"] = network.forward_features(picture)
        outputs["head_hidden_size"] = network.forward_head(outputs["num_features"], pre_logits=True)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: one for name, one in outputs.items() if isinstance(one, Tensor)}


def _keeping(outputs: dict[str, Any], name: str) -> Any:
    def keep(_: nn.Module, __: Any, output: Any) -> None:
        outputs[name] = output

    return keep


def _told(network: nn.Module) -> list[Mapping[str, Any]]:
    told = getattr(network, "feature_info", None)
    whole = isinstance(told, list) and all(
        isinstance(one, Mapping) and {"module", "num_chs"} <= one.keys() for one in told
    )
    return list(told) if whole else []  # type: ignore[arg-type]


def _width(passes: list[dict[str, Tensor]], name: str, number: int) -> int:
    """Return a width of the smaller network; that of the whole one where it cannot be told."""
    whole, small = (one.get(name) for one in passes)
    if whole is None or small is None or whole.ndim != small.ndim:
        return number
    for axis in (1, whole.ndim - 1):  # channels come first, or last
        if whole.shape[axis] == number:
            return small.shape[axis]
    return number
