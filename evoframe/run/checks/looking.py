"""Looking at data before a run: whether examples stand in several splits, bit for bit."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.roles import Batch, Split, Task

MOST, SECONDS = 1000, 1.0
"""How many examples of a split are looked at, and for how long."""


@attrs.frozen(eq=False)
class Looks:
    """What was seen of each split: digests of the inputs of its first examples."""

    most: int
    seen: dict[str, set[bytes]] = attrs.field(factory=dict, init=False)

    def over(self, task: Task, split: Split, batches: Iterable[Batch]) -> Batch | None:
        """Look at a split; returns its first batch that holds an example, or None."""
        first, digests, begun = None, self.seen.setdefault(split, set()), time.monotonic()
        for batch in batches:
            size = task.examples_in(batch)
            if size == 0:
                continue
            first = batch if first is None else first
            if self.most <= 1:
                break
            digests.update(_digests(batch, size))
            if len(digests) >= self.most or not size or time.monotonic() > begun + SECONDS:
                break
        return first

    def shared(self) -> tuple[str, ...]:
        """A sentence for each two splits that have an example in common."""
        names, found = list(self.seen), []
        for index, one in enumerate(names):
            for other in names[index + 1 :]:
                both, looked = self.seen[one] & self.seen[other], len(self.seen[other])
                if both:
                    found.append(
                        f"{len(both)} of the {looked} {other} examples looked at also occur in "
                        f"{one}, bit for bit, so metrics on {other} say little about new data."
                    )
        return tuple(found)


def _digests(batch: Batch, size: int | None) -> Iterator[bytes]:
    """Digests of the inputs of each example, where it can be told which axis examples lie along."""
    inputs = batch[0] if isinstance(batch, tuple | list) and batch else batch
    parts = list(_plain_tensors(inputs)) if isinstance(batch, tuple | list | Mapping) else []
    axes = [next((i for i, n in enumerate(one.shape[:2]) if n == size), None) for one in parts]
    if not parts or size is None or None in axes:
        return
    moved = [one.movedim(axis or 0, 0) for one, axis in zip(parts, axes, strict=True)]
    for index in range(size):
        state = hashlib.blake2b(digest_size=16)
        for one in moved:
            state.update(repr((one.dtype, tuple(one.shape[1:]))).encode())
            plain = one[index].detach().cpu().reshape(-1).contiguous()
            state.update(plain.view(torch.uint8).numpy().tobytes())
        yield state.digest()


def _plain_tensors(inputs: Any) -> Iterator[Tensor]:
    if isinstance(inputs, Tensor) and inputs.layout == torch.strided and not inputs.is_quantized:
        yield inputs
    elif isinstance(inputs, tuple | list | Mapping):
        for one in inputs.values() if isinstance(inputs, Mapping) else inputs:
            yield from _plain_tensors(one)
