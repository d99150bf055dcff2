"""Account: what is put on record of a life for people; no decision and no digest hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import attrs
import torch

from evoframe.anatomy import Anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.judged import Judged
from evoframe.kernel.tensors.flags import how_many


@attrs.frozen
class Account:
    """What a life took, and what it left of each layer.

    Attributes:
        phases: seconds of each phase, in the order in which they came.
        channels: how many channels each layer has, in the order of the survey on record; empty
            where nothing was grown.
        synapses: the same of synapses.
        latency: seconds of a forward pass as an environment tells them; None if none does.
        blocks: names of the blocks that left as a whole.
        looks: all looks at it and its siblings.
        epochs: how many epochs it was trained for; None where nobody told.
    """

    phases: Mapping[str, float] = attrs.field(factory=dict)
    channels: tuple[int, ...] = ()
    synapses: tuple[int, ...] = ()
    latency: float | None = None
    blocks: tuple[str, ...] = ()
    looks: tuple[Judged, ...] = ()
    epochs: float | None = None


class Stopwatch:
    """Adds up the seconds of phases by name, and knows how many epochs were trained."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.epochs: float | None = None
        self._inside: list[float] = []  # for each phase that goes on, what phases within took

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of a block to a phase, but for phases within, however the block ends."""
        begun = perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            took = perf_counter() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self._inside.pop()
            if self._inside:
                self._inside[-1] += took


def channels_of_layers(anatomy: Anatomy, flags: torch.Tensor) -> tuple[int, ...]:
    """Return the number of its own channels that are flagged, for each layer that evolves.

    Args:
        anatomy: whose layers.
        flags: bool, one entry a channel, on the CPU.
    """
    targets = anatomy.wiring.targets
    return tuple(int(flags[torch.unique(targets[name]).cpu()].sum()) for name in anatomy.evolvable)


def left_of_layers(anatomy: Anatomy, genotype: Genotype) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the channels and the synapses of each layer in the network of a genotype."""
    channels = channels_of_layers(anatomy, anatomy.channels(genotype))
    return channels, tuple(how_many(genotype.masks[name]) for name in anatomy.evolvable)


def packed(account: Account) -> dict[str, Any]:
    """Return an account as JSON has it, without what it does not tell."""
    phases = {name: round(seconds, 4) for name, seconds in account.phases.items()}
    told = {**attrs.asdict(account), "phases": phases}
    return {name: value for name, value in told.items() if value not in (None, (), {})}


def unpacked(data: Mapping[str, Any]) -> Account:
    """Return the account that was packed.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    latency, epochs = data.get("latency"), data.get("epochs")
    return Account(
        phases={str(name): float(value) for name, value in data.get("phases", {}).items()},
        channels=tuple(int(one) for one in data.get("channels", ())),
        synapses=tuple(int(one) for one in data.get("synapses", ())),
        latency=None if latency is None else float(latency),
        blocks=tuple(str(one) for one in data.get("blocks", ())),
        looks=tuple(Judged(**one) for one in data.get("looks", ())),
        epochs=None if epochs is None else float(epochs),
    )
