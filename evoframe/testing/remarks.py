"""Remarks: what breaks no promise, and whoever uses a strategy should know all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from evoframe.kernel.key import Key, sealed
from evoframe.roles import Split, Strategy
from evoframe.testing.fingerprints import fingerprint
from evoframe.testing.other_process import NotThere, asked
from evoframe.testing.trying import cut_short

MOST = 10_000
"""Examples of a split that are compared with those of others."""


def remarks(strategy: Strategy) -> list[str]:
    """Return sentences on a strategy besides the promises that it keeps."""
    return list(_overlaps(strategy)) if strategy.role == "task" else []


def not_tried(strategy: Strategy) -> list[str]:
    """Return sentences on all that was not tried of a strategy here."""
    found = []
    if strategy.role not in ("observer", "executor") and not torch.cuda.is_available():
        found.append("an accelerator: there is none here, and tensors were on the CPU alone")
    try:
        asked(strategy, ())
    except NotThere:
        found.append("another process: the module of its class cannot be imported there")
    if cut_short:
        found.append(f"all examples of {len(cut_short)} checks, which take long; --deep tries them")
        cut_short.clear()
    return found


def _overlaps(task: Any) -> Iterator[str]:
    """Yield a sentence for each split that shares examples with the training split."""
    try:
        known = set(_examples(task, "train"))
        for split in ("validation", "test"):
            examples = list(_examples(task, split))
            if shared := sum(one in known for one in examples):
                yield (
                    f"{shared} of {len(examples)} examples of {split} are also in train, bit for "
                    "bit: so metrics on them say little about new data"
                )
    except Exception:  # noqa: BLE001  a check tells of it
        return


def _examples(task: Any, split: Split) -> Iterator[str]:
    """Yield the fingerprint of each example of a split, of those that are made of tensors."""
    count = 0
    with sealed(Key(0)):
        for batch in task.batches(split):
            parts = list(_tensors(batch))
            if not parts or len({len(part) for part in parts}) != 1:
                return
            for row in zip(*parts, strict=True):
                yield fingerprint(row)
                count += 1
                if count == MOST:
                    return


def _tensors(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        if batch.ndim:
            yield batch
    elif isinstance(batch, Mapping):
        for name in sorted(batch, key=repr):
            yield from _tensors(batch[name])
    elif isinstance(batch, tuple | list):
        for part in batch:
            yield from _tensors(part)
