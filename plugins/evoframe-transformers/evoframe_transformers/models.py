"""Models as people have them: a module, a saved folder, or a configuration."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from torch import nn

from evoframe.plugin import Key, TaskError, sealed
from evoframe_transformers.libraries import needed
from evoframe_transformers.narrowing import CACHED, WIDTHS
from evoframe_transformers.saving import load

WANTED = (
    "wanted a model, a folder that save_pretrained() wrote, or a configuration. Of the hub: "
    "AutoModelForSequenceClassification.from_pretrained(name), and hand over the model"
)


def model_of(given: Any, head: str | None, seed: int) -> tuple[nn.Module, bool]:
    """Return a model that is nobody else's, and whether it is trained.

    Args:
        given: a module, a folder or a configuration.
        head: the class of transformers to build; what the folder or configuration says otherwise.
        seed: of random weights.

    Raises:
        TaskError: it is something else, or does not say of which class.
    """
    transformers = needed("transformers")
    if isinstance(given, nn.Module):
        model, trained = copy.deepcopy(given), True
    elif isinstance(given, str | Path):
        model, trained = _from_folder(Path(given), head, seed)
    elif isinstance(given, transformers.PretrainedConfig):
        kind = _kind(head or next(iter(given.architectures or ()), None), given)
        build = getattr(kind, "from_config", kind)
        with sealed(Key(seed).at("model")):
            model, trained = build(copy.deepcopy(given)), False
    else:
        raise TaskError(f"the model is a {type(given).__name__}; {WANTED}.")
    _without_cache(model)
    return model, trained


def _from_folder(folder: Path, head: str | None, seed: int) -> tuple[nn.Module, bool]:
    try:
        said = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(f"{folder} is no folder of a model ({error}); {WANTED}.") from error
    if WIDTHS in said:
        return load(folder), True
    kind = _kind(head or next(iter(said.get("architectures") or ()), None), folder)
    with sealed(Key(seed).at("model")):  # a head that is not in the folder is drawn
        model, told = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    return model, not told["missing_keys"]


def _kind(name: str | None, of: Any) -> Any:
    """Return a class of transformers by its name."""
    found = getattr(needed("transformers"), name, None) if name else None
    if found is None:
        where = of if isinstance(of, Path) else f"this {type(of).__name__}"
        said = f"names {name!r}, which transformers does not have" if name else "names no class"
        raise TaskError(
            f"{where} {said}; say which, as in head='AutoModelForSequenceClassification'."
        )
    return found


def _without_cache(model: Any) -> None:
    """Let keys and values be no outputs: as outputs, none of their channels could leave."""
    config = getattr(model, "config", None)
    if getattr(config, "use_cache", False):
        config.use_cache = False
        setattr(config, CACHED, True)
