"""What is narrower in a model than in the whole one, which its configuration builds."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from evoframe.plugin import ConfigError, untouched
from evoframe_transformers.narrowing import WIDTHS, Narrowed

ELSE = (
    "evoframe's own export holds it: run.export(folder), and evoframe.load(folder, factory) "
    "gives it back"
)


def whole_class(model: Any) -> Any:
    """Return the class of transformers that a model is of, narrowed or not."""
    kinds = [one for one in type(model).__mro__ if not issubclass(one, Narrowed)]
    return kinds[0]


def whole_config(model: Any) -> Any:
    """Return a copy of the configuration of a model, without widths."""
    config = copy.deepcopy(model.config)
    for name in (WIDTHS, "auto_map"):
        if hasattr(config, name):
            delattr(config, name)
    return config


def widths_of(model: Any) -> dict[str, Any]:
    """Return the shapes that are smaller than in the whole model, and the numbers that say so.

    Raises:
        ConfigError: it differs from the whole model in more than that.
    """
    whole = _built(whole_class(model), whole_config(model))
    modules, others = dict(model.named_modules()), dict(whole.named_modules())
    for name in modules.keys() | others.keys():
        _require_same_kind(name, modules.get(name), others.get(name), model)
    return {
        "shapes": _shapes(model, whole),
        "numbers": {
            name: found
            for name, module in modules.items()
            if (found := _numbers(module, others[name]))
        },
    }


def _built(kind: Any, config: Any) -> nn.Module:
    """Return a model with weights that nobody reads."""
    with untouched():
        try:
            with torch.device("meta"):
                made: nn.Module = kind(config)
        except (RuntimeError, NotImplementedError):  # some models compute while they are made
            made = kind(config)
    return made


def _require_same_kind(
    name: str, module: nn.Module | None, other: nn.Module | None, model: Any
) -> None:
    if name and type(module) is not type(other):
        found, due = (
            type(one).__name__ if one is not None else "nothing" for one in (module, other)
        )
        raise ConfigError(
            f"{name!r} of this {type(model).__name__} is a {found} where its configuration builds "
            f"a {due}, so a folder of transformers cannot say what is narrower in it. {ELSE}."
        )


def _shapes(model: nn.Module, whole: nn.Module) -> dict[str, list[int]]:
    """Return the shapes of tensors that are smaller, each under its first name.

    Raises:
        ConfigError: there is another set of them, one is larger, or one is not saved.
    """
    found, due = _tensors(model), _tensors(whole)
    if differing := sorted(found.keys() ^ due.keys()):
        raise ConfigError(
            f"this {type(model).__name__} and what its configuration builds differ in "
            f"{differing[0]!r}, so a folder of transformers cannot hold it. {ELSE}."
        )
    smaller = {name: list(one.shape) for name, one in found.items() if one.shape != due[name].shape}
    for name, shape in smaller.items():
        wide = due[name].shape
        if len(shape) != len(wide) or any(
            one > other for one, other in zip(shape, wide, strict=True)
        ):
            raise ConfigError(
                f"{name!r} of this {type(model).__name__} has shape {tuple(shape)}, and what its "
                f"configuration builds {tuple(wide)}; wanted part of it."
            )
    return smaller


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _numbers(module: nn.Module, other: nn.Module) -> dict[str, Any]:
    """Return the whole numbers in attributes of a module that are others in the whole model."""
    found = {}
    for name, value in vars(module).items():
        due = vars(other).get(name)
        if _counts(value) and _counts(due) and value != due:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _counts(value: Any) -> bool:
    several = value if isinstance(value, tuple) else (value,)
    return bool(several) and all(type(one) is int for one in several)
