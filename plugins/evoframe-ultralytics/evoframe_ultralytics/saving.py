"""Smaller networks as ``.pt`` files, which ``YOLO(file)`` loads."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import Arguments, ConfigError, untouched, written_aside
from evoframe_ultralytics.libraries import defaults, needed, quiet
from evoframe_ultralytics.narrow import differs, mark
from evoframe_ultralytics.tasks import Detection

ELSE = "evoframe's own export holds it: run.export(folder), and evoframe.load(folder, factory)"


def save(
    network: Any,
    file: str | Path,
    *,
    individual: str | None = None,
    inputs: Any = None,
    half: bool = False,
    force: bool = False,
) -> Path:
    """Write a smaller detection network as a file of Ultralytics; return the file.

    It is loaded again before it appears: every parameter, every buffer and the outputs on the
    inputs must be equal.

    Args:
        network: a run, or a smaller network, as ``run.network()`` and ``evoframe.shrink`` give it.
        file: a new file, whose name ends in ``.pt``.
        individual: whose network of a run; the best's if not given.
        inputs: what to compare outputs on; the task's example inputs, for a run.
        half: write half precision, as Ultralytics does; outputs are then those of rounded weights.
        force: replace the file if it is there.

    Raises:
        ConfigError: the file is there, or it cannot hold this network.
    """
    file = Path(file)
    if file.suffix != ".pt":
        raise ConfigError(f"{file} should end in .pt, by which YOLO knows such files.")
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already. Name another, or say force=True.")
    said: dict[str, Any] = {"task": "detect"}
    if isinstance(network, evoframe.Run):
        task: Any = network.grown_from.task
        inputs = task.example_inputs() if inputs is None else inputs
        if isinstance(task, Detection):
            said |= {"imgsz": task.imgsz, "data": task.data}
        network = evoframe.plain(network.network(individual))
    made = _ready(network, half=half)
    with written_aside(file) as aside:  # its name ends in .pt too, which Ultralytics reads
        torch.save(_checkpoint(made, said), aside)
        _require_equal(made.float().eval(), aside, inputs)
    return file


def _ready(network: Any, *, half: bool) -> Any:
    """Return a copy of a network that nothing but Ultralytics and torch is needed for.

    Raises:
        ConfigError: there is something else in it.
    """
    tasks = needed("ultralytics.nn.tasks")
    if type(network) is not tasks.DetectionModel:
        raise ConfigError(
            f"this {type(network).__name__} is no detection network of Ultralytics. {ELSE}."
        )
    for name, module in network.named_modules():
        kind = type(module)
        if not kind.__module__.startswith(("torch.nn.", "ultralytics.")):
            raise ConfigError(
                f"{name!r} of this network is a {kind.__name__} of {kind.__module__}, which YOLO "
                f"does not know. {ELSE}."
            )
    made = copy.deepcopy(network).cpu().float().eval()
    made.requires_grad_(requires_grad=False)  # as Ultralytics' own files are
    for module in made.modules():
        for held in ("_forward_pre_hooks", "_forward_hooks", "_backward_hooks"):
            if vars(module)[held]:
                raise ConfigError(
                    f"a {type(module).__name__} of this network has hooks, which no file keeps. "
                    "Give evoframe.plain(network)."
                )
    made.criterion, made.args = None, vars(defaults(task="detect"))
    made.task, made.pt_path = "detect", None
    if differs(made):
        mark(made)
    return made.half() if half else made


def _checkpoint(made: nn.Module, said: dict[str, Any]) -> dict[str, Any]:
    """Return what Ultralytics writes into its files; it goes on with pictures of the same size."""
    return {
        "epoch": -1,
        "best_fitness": None,
        "model": made,
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": said,
        "date": datetime.now(UTC).isoformat(),
        "version": needed("ultralytics").__version__,
        "license": "AGPL-3.0 (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
    }


@torch.no_grad()
def _require_equal(made: Any, file: Path, inputs: Any) -> None:
    """Compare what YOLO loads with what was written.

    Raises:
        ConfigError: they differ.
    """
    with quiet(), untouched():
        again = needed("ultralytics").YOLO(str(file)).model
    kept, found = made.state_dict(), again.state_dict()
    for name in kept.keys() | found.keys():
        if name not in kept or name not in found or not torch.equal(kept[name], found[name]):
            raise ConfigError(f"{name!r} is another one when the file is loaded again.")
    if inputs is None:
        return
    given = Arguments.of(inputs)
    one, other = (_tensors(given.call(each)) for each in (made, again))
    if len(one) != len(other) or not all(map(torch.equal, one, other)):
        raise ConfigError("the network answers otherwise when the file is loaded again.")


def _tensors(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    return [one for each in outputs or () for one in _tensors(each)]
