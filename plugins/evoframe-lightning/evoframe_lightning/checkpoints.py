"""Checkpoints of Lightning for networks that are smaller than their class makes them.

Such a checkpoint is one of Lightning's own, with one entry more: how the network differs from the
one that its class builds. ``load_from_checkpoint`` knows nothing of it, so either :func:`load` is
called in its place, or the class has :class:`Resizing` among its bases.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
from safetensors.torch import load as read_tensors, save as tensors_written
from torch import Tensor

import evoframe
from evoframe.plugin import ConfigError, written_aside
from evoframe_lightning.libraries import library_of
from evoframe_lightning.trainers import let_go, trainer_of

ENTRY = "evoframe"
"""The entry of a checkpoint that is not Lightning's."""

HELD = "_evoframe"
"""The attribute in which a network keeps the entry of the checkpoint that it was loaded from."""

WEIGHTS, ARCHITECTURE = "weights.safetensors", "architecture.json"
"""The files of an export of evoframe."""

Module = TypeVar("Module")


class Resizing:
    """A base for LightningModules whose checkpoints may be of smaller networks.

    It stands before LightningModule: ``class Mine(evoframe_lightning.Resizing, LightningModule)``.
    Then ``Mine.load_from_checkpoint(file)`` and ``Trainer(...).fit(mine, ckpt_path=file)`` load
    what :func:`save` wrote.
    """

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Become as small as the network of a checkpoint, before its weights are loaded."""
        if ENTRY in checkpoint:
            resize(self, checkpoint)
        super().on_load_checkpoint(checkpoint)  # type: ignore[misc]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add to a checkpoint what this network was loaded with."""
        super().on_save_checkpoint(checkpoint)  # type: ignore[misc]
        if (held := vars(self).get(HELD)) is not None:
            checkpoint[ENTRY] = held


def save(
    run: evoframe.Run, file: str | Path, *, individual: str | None = None, force: bool = False
) -> Path:
    """Write the LightningModule of an individual as a checkpoint of Lightning; return the file.

    Args:
        run: a run of a task of :func:`evoframe_lightning.task`.
        file: where to.
        individual: whose network; the best's if not given.
        force: replace the file if it is there.

    Raises:
        ConfigError: the file is there, or the network is no LightningModule.
        EvoframeError: there is no such individual, or it cannot be exported.
    """
    file = Path(file)
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already. Name another, or say force=True.")
    network = evoframe.plain(run.network(individual))
    library = library_of(network)
    if library is None:
        raise ConfigError(
            f"this run evolved a {type(network).__name__}, which is no LightningModule. Write it "
            "with run.export(folder)."
        )
    if HELD in vars(network):
        raise ConfigError(
            "the ancestor of this run was smaller than its class makes it already, and a "
            "checkpoint says only how it differs from its class. Write it with run.export(folder)."
        )
    with TemporaryDirectory() as folder:
        exported = run.export(Path(folder, "export"), individual=individual)
        entry = _entry(network.state_dict(), exported)
    cpu = torch.device("cpu")
    try:
        with written_aside(file) as aside:
            with trainer_of(library, cpu) as trainer:
                trainer.strategy.connect(network)
                trainer.save_checkpoint(aside, weights_only=True)
            written = torch.load(aside, weights_only=False)  # by us, just now
            torch.save({**written, ENTRY: entry}, aside)
    finally:
        let_go(network, cpu)
    return file


def load(module: type[Module], file: str | Path, **options: Any) -> Module:
    """Return the LightningModule of a checkpoint that :func:`save` wrote, on the CPU.

    Like ``load_from_checkpoint``, it gives a module that is ready to be trained; call ``eval()``
    to use it. Absent synapses stay absent however it is trained, until ``evoframe.plain()``.

    Args:
        module: the class of the LightningModule; whole or smaller, hyperparameters are those of
            the checkpoint.
        file: the checkpoint.
        **options: what ``load_from_checkpoint`` takes: arguments of the class that the
            checkpoint does not hold, ``weights_only``, ``hparams_file``.

    Raises:
        ConfigError: it is no LightningModule, or no such checkpoint.
        ExportError: the checkpoint is not as it was written, or belongs to another class.
    """
    if library_of(module) is None:
        raise ConfigError(f"{module!r} is no class of a LightningModule.")
    kind: Any = module
    if not issubclass(kind, Resizing):
        kind = type(kind.__name__, (Resizing, kind), {"__module__": kind.__module__})
    try:
        found = kind.load_from_checkpoint(file, map_location="cpu", **options)
    except FileNotFoundError as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    found.__class__ = module
    return found  # type: ignore[no-any-return]


def resize(module: Any, checkpoint: Mapping[str, Any]) -> None:
    """Make a LightningModule as small as the network of a checkpoint, with its weights.

    Raises:
        ConfigError: the checkpoint does not say how.
        ExportError: it is not as it was written, or of another class.
    """
    entry = checkpoint[ENTRY]
    try:
        tensors = {**checkpoint["state_dict"], **entry["rest"]}
        content = _content({name: tensors[name] for name in entry["names"]})
        architecture = str(entry["architecture"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the checkpoint does not say how small its network is ({error!r}); wanted one that "
            "evoframe_lightning.save() wrote."
        ) from error
    with TemporaryDirectory() as folder:
        Path(folder, WEIGHTS).write_bytes(content)
        Path(folder, ARCHITECTURE).write_text(architecture, "utf-8")
        small = evoframe.load(folder, lambda: module)
    kept = {name: vars(module).get(name) for name in ("_trainer", "_fabric")}
    # Whoever trains on changes the weights that the entry belongs to, so it holds them too.
    held = {**entry, "rest": {name: tensors[name] for name in entry["names"]}}
    vars(module).update({**vars(small), **kept, HELD: held})
    module.train()  # as what the class builds is: a trainer does not see to it


def _entry(state: Mapping[str, Tensor], exported: Path) -> dict[str, Any]:
    """Return what a checkpoint holds beside the state dict, of which the export can be made again.

    Raises:
        ConfigError: it cannot.
    """
    content = (exported / WEIGHTS).read_bytes()
    tensors = read_tensors(content)
    rest = {name: one for name, one in tensors.items() if name not in state}
    if _content({name: {**state, **rest}[name] for name in tensors}) != content:
        raise ConfigError("the state dict of the network holds other tensors than its export.")
    architecture = (exported / ARCHITECTURE).read_text("utf-8")
    return {"architecture": architecture, "names": list(tensors), "rest": rest}


def _content(tensors: Mapping[str, Tensor]) -> bytes:
    return tensors_written(
        {name: one.detach().cpu().clone().contiguous() for name, one in tensors.items()}
    )
