"""The loaders of a LightningDataModule, of a LightningModule with its own, or of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.utils.data import DataLoader

from evoframe.plugin import TaskError
from evoframe_lightning.libraries import library_of, needed

HOOKS = {"train": "train_dataloader", "validation": "val_dataloader", "test": "test_dataloader"}
"""Where Lightning looks for loaders."""

MOVING = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
"""The hooks by which batches are changed on their way to a device."""


def loaders_of(source: Any) -> dict[str, DataLoader[Any]]:
    """Return the loaders by split; ``test`` only where there is one.

    Raises:
        TaskError: one is missing, there are several for a split, or the data are no such thing.
    """
    if isinstance(source, Mapping):
        return _checked({split: source[split] for split in HOOKS if split in source}, source)
    library = library_of(source)
    if library is None:
        raise TaskError(
            f"the data of evoframe_lightning.task are a {type(source).__name__}; wanted a "
            "LightningDataModule, or a mapping of the loaders train, validation and test."
        )
    base = needed(f"{library}.core.hooks").DataHooks
    own = {split: hook for split, hook in HOOKS.items() if _is_own(source, hook, base)}
    _require_as_they_come(source, base)
    source.prepare_data()
    source.setup("fit")
    found = {split: getattr(source, hook)() for split, hook in own.items() if split != "test"}
    if "test" in own:
        source.setup("test")
        found["test"] = getattr(source, HOOKS["test"])()
    return _checked(found, source)


def _is_own(source: Any, hook: str, base: Any) -> bool:
    """Tell whether a hook is more than Lightning's own."""
    return getattr(type(source), hook) is not getattr(base, hook) or hook in vars(source)


def _require_as_they_come(source: Any, base: Any) -> None:
    changed = [one for one in MOVING if _is_own(source, one, base)]
    if changed:
        raise TaskError(
            f"{type(source).__name__} changes batches in {changed[0]}, which a survey and an "
            "evaluation do not call. Do it in the data set, in collate_fn or in the steps."
        )


def _checked(found: Mapping[str, Any], source: Any) -> dict[str, DataLoader[Any]]:
    who = type(source).__name__
    for split in ("train", "validation"):
        if split not in found:
            raise TaskError(
                f"{who} has no {split} loader: there is no {HOOKS[split]}. Give one, as "
                "evoframe_lightning.task(module, {'train': ..., 'validation': ...})."
            )
    for split, one in found.items():
        if not isinstance(one, DataLoader):
            raise TaskError(
                f"the {split} loader of {who} is a {type(one).__name__}; wanted one DataLoader for "
                "each split. Put several data sets together with torch.utils.data.ConcatDataset."
            )
    return dict(found)
