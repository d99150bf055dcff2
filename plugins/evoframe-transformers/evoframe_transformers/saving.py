"""A folder of transformers for a model with widths of its own, which loads again.

``AutoModelFor....from_pretrained(folder, trust_remote_code=True)`` runs the code that stands beside
the configuration and needs no evoframe; ``load(folder)`` runs this plugin's copy of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import Arguments, ConfigError, untouched, written_aside
from evoframe_transformers import narrowing
from evoframe_transformers.libraries import needed
from evoframe_transformers.narrowing import CACHED, WIDTHS, Narrowed
from evoframe_transformers.widths import ELSE, whole_class, widths_of

CODE = "modeling_narrowed"
"""The module beside the configuration."""


def save(
    network: Any,
    folder: str | Path,
    *,
    individual: str | None = None,
    processor: Any = None,
    inputs: Any = None,
    force: bool = False,
) -> Path:
    """Write a smaller model as a folder of transformers; return the folder.

    It is loaded again before it appears: every parameter and buffer must be equal, and the outputs
    on the inputs too.

    Args:
        network: a run, or a smaller model, as ``run.network()`` and ``evoframe.shrink`` give it.
        folder: a new folder.
        individual: whose network of a run; the best's if not given.
        processor: a tokenizer or image processor to write beside it; a folder, whose files of
            such kinds are copied; or a list of them.
        inputs: what to compare outputs on; the task's example inputs, for a run.
        force: replace the folder if it is there.

    Raises:
        ConfigError: the folder is there, or it cannot hold this model.
    """
    folder = Path(folder)
    if folder.exists() and not force:
        raise ConfigError(f"{folder} is there already. Name another, or say force=True.")
    if isinstance(network, evoframe.Run):
        inputs = network.grown_from.task.example_inputs() if inputs is None else inputs
        model = evoframe.plain(network.network(individual))
    else:
        model = network
    with written_aside(folder) as aside:
        _write(model, aside)
        for one in processor if isinstance(processor, list | tuple) else [processor]:
            _write_processor(one, aside)
        attention = getattr(model.config, "_attn_implementation", None)
        again = load(aside, dtype=model.dtype, attn_implementation=attention)
        _require_equal(model, again, inputs)
    return folder


def load(folder: str | Path, **options: Any) -> Any:
    """Return the model of a folder that :func:`save` wrote, in evaluation mode.

    The code in the folder is not run.

    Args:
        folder: with the configuration and the weights.
        **options: of ``from_pretrained``, as ``dtype`` or ``device_map``.

    Raises:
        ConfigError: it is no such folder, or of a class that transformers does not have.
    """
    folder = Path(folder)
    try:
        said = json.loads((folder / "config.json").read_text("utf-8"))
        name = str(said["architectures"][0])
        said[WIDTHS]["shapes"]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ConfigError(
            f"{folder} is no folder that evoframe_transformers.save() wrote ({error!r})."
        ) from error
    given = {"dtype": "auto", "local_files_only": True, **options}
    return _narrowed(_class(name, folder)).from_pretrained(folder, **given)


def _class(name: str, folder: Path) -> Any:
    kind = getattr(needed("transformers"), name, None)
    if kind is None:
        raise ConfigError(f"{folder} holds a {name}, which this transformers does not have.")
    return kind


def _narrowed(kind: Any) -> Any:
    """Return a class of transformers whose modules become as narrow as a configuration says."""
    return type(kind.__name__, (Narrowed, kind), {"__module__": kind.__module__})


def _write(model: Any, folder: Path) -> None:
    """Write weights, the configuration, and the code.

    Raises:
        ConfigError: it is no model of transformers, or differs from its class in more than widths.
    """
    transformers, kind = needed("transformers"), whole_class(model)
    known = getattr(transformers, kind.__name__, None) is kind
    if not known or not isinstance(model, transformers.PreTrainedModel):
        raise ConfigError(
            f"this {kind.__name__} is no class of transformers, so no folder of transformers holds "
            f"it. {ELSE}."
        )
    widths = widths_of(model)
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    file = folder / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config |= {"architectures": [kind.__name__], WIDTHS: widths}
    if config.pop(CACHED, False):
        config["use_cache"] = True
    if several := _auto_classes(kind, model.config):
        config["auto_map"] = dict.fromkeys(several, f"{CODE}.{kind.__name__}")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    (folder / f"{CODE}.py").write_text(_code(kind.__name__), "utf-8")


def _code(name: str) -> str:
    """Return the module that builds a class of transformers as narrow as a configuration says."""
    shared = Path(narrowing.__file__).read_text("utf-8")
    # The class has the name of the one that it is of: pipelines go by names.
    own = (
        f"\n\nclass {name}(Narrowed, transformers.{name}):\n"
        f'    """{name}, as narrow as its configuration says."""\n'
    )
    return shared.replace("import torch\n", "import torch\nimport transformers\n", 1) + own


def _auto_classes(kind: Any, config: Any) -> list[str]:
    """Return the names of the classes of transformers that build this one of a configuration."""
    auto = needed("transformers.models.auto.modeling_auto")
    found = []
    for name, one in vars(auto).items():
        if not name.startswith("AutoModel") or not hasattr(one, "_model_mapping"):
            continue
        try:
            built = one._model_mapping[type(config)]  # noqa: SLF001  there is no public way
        except KeyError:
            continue
        if kind in (built if isinstance(built, tuple | list) else (built,)):
            found.append(name)
    return sorted(found)


COPIED = (
    "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json",
    "spiece.model", "sentencepiece*", "preprocessor_config.json", "processor_config.json",
    "image_processor*", "video_preprocessor_config.json", "chat_template*",
)  # fmt: skip
"""The files of tokenizers and processors."""


def _write_processor(one: Any, folder: Path) -> None:
    if one is None:
        return
    if not isinstance(one, str | Path):
        one.save_pretrained(folder)
        return
    files = {file for pattern in COPIED for file in Path(one).glob(pattern) if file.is_file()}
    if not files:
        raise ConfigError(f"{one} holds no file of a tokenizer or a processor.")
    for file in sorted(files):
        shutil.copy(file, folder)


@torch.no_grad()
def _require_equal(model: nn.Module, again: nn.Module, inputs: Any) -> None:
    """Compare what was loaded again with what was written.

    Raises:
        ConfigError: they differ.
    """
    kept = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    found = {**dict(again.named_parameters()), **dict(again.named_buffers())}
    for name in kept.keys() | found.keys():
        if name not in kept or name not in found or not torch.equal(kept[name].cpu(), found[name]):
            raise ConfigError(f"{name!r} is another one when the folder is loaded again.")
    if inputs is None:
        return
    with untouched():
        one, other = (_outputs(each, inputs) for each in (model, again))
    if len(one) != len(other) or not all(map(torch.equal, one, other)):
        raise ConfigError("the model answers otherwise when the folder is loaded again.")


def _outputs(model: nn.Module, inputs: Any) -> list[Tensor]:
    """Return the outputs that are tensors, in evaluation mode."""
    was, model = model.training, model.eval()
    device = next(model.parameters()).device
    outputs = Arguments.of(inputs).to(device).call(model)
    model.train(was)
    values = outputs.values() if isinstance(outputs, Mapping) else outputs
    return [one.cpu() for one in values if isinstance(one, Tensor)]
