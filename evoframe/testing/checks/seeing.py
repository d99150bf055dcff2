"""Seeing: training data teach, validation data decide, and test data do nothing at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from torch import Tensor

from evoframe.kernel.individual import Measurement
from evoframe.kernel.key import Key
from evoframe.kernel.splits import splits_of
from evoframe.roles import Split
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.prepared import on_cases, prepared
from evoframe.testing.specimens import Specimen
from evoframe.testing.trying import broken

LEARNING = ("encoding", "litter", "training", "nurture")
"""The roles that see training data alone, unless they say that they see validation data too."""

DECIDING = ("heredity", "mutation", "environment")


@attrs.frozen(eq=False)
class Watched(Specimen):
    """A specimen that notes which splits are read."""

    read: list[Split] = attrs.field(factory=list, repr=False)

    def batches(
        self, split: Split, *, shuffle: Key | None = None, batch_size: int | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """Return the batches, and note the split."""
        self.read.append(split)
        return super().batches(split, shuffle=shuffle, batch_size=batch_size)


@law(*LEARNING, *DECIDING, stage=Stage.CALL)
def check_reads_only_the_splits_that_it_may(strategy: Any) -> None:
    """Nobody reads test data, and who teaches or encodes reads no validation data either.

    Results on both would be too good to be true. A training or an encoding that must see validation
    data, to stop early say, declares ``sees = "validation"`` in its class; the record shows it.
    """
    allowed = splits_of(strategy)

    def attempt(case: Case) -> None:
        one = case.specimen
        task = Watched(one.kind, one.width, one.precision)
        prepared(strategy, attrs.evolve(case, task=task)).call()
        for split in task.read:
            if split not in allowed:
                broken(f"it read the split {split!r}; wanted {' and '.join(allowed)} alone")

    on_cases(strategy, attempt, share=0.25)


@law("selection", "heredity", stage=Stage.CALL)
def check_looks_at_no_test_results(strategy: Any) -> None:
    """What individuals have reached on the test split is left alone.

    It is there for reports. Whoever chooses parents by it tunes on test data.
    """

    def attempt(case: Any) -> None:
        overheard = Overheard()
        told = attrs.evolve(case, test=overheard)
        prepared(strategy, told).call()
        if overheard.asked:
            broken("it looked at results on the test split")

    on_cases(strategy, attempt, share=0.25)


class Overheard(Mapping[str, Measurement]):
    """Results on the test split that note whether anybody looks at them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._results = {"accuracy": Measurement(0.25), "loss": Measurement(0.75)}

    def __getitem__(self, name: str) -> Measurement:
        self.asked.append(name)
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        self.asked.append("all")
        return iter(self._results)

    def __len__(self) -> int:
        self.asked.append("how many")
        return len(self._results)

    # Individuals are compared with each other, and that is no look at what they hold.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return "results on the test split"
