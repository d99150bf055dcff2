"""Unread: results of operations that no rule knows, while nobody has taken them.

Attention gives the mean of its weights over heads, and most code drops it. What an operation does
to channels matters only if what it gives is read, so the channels that enter are kept when a
later operation, the outputs of the network or whoever holds the result at the end takes it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from evoframe.anatomy.channels.calls import SHARES_MEMORY, Call, tensors_in
from evoframe.anatomy.trace.trace import Barrier


class Waiting(NamedTuple):
    """What is to be kept when one of these results is taken.

    Attributes:
        results: of a call, as long as the network's own code holds them.
        signals: of the channels that entered.
        barrier: the call, and the reason.
    """

    results: tuple[weakref.ref[Tensor], ...]
    signals: tuple[Tensor, ...]
    barrier: Barrier


class Unread:
    """Grows with calls that no rule knows, and holds none of their results.

    Attributes:
        waiting: what nobody has taken so far.
    """

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []

    def wait(self, call: Call, signals: tuple[Tensor, ...], barrier: Barrier) -> None:
        """Remember what is to be kept when somebody takes what a call gave."""
        results = tuple(weakref.ref(one) for one in tensors_in(call.out))
        self.waiting.append(Waiting(results, signals, barrier))

    def taken(self, value: object) -> Iterator[Waiting]:
        """Yield what waits for the tensors inside a value, once."""
        if not self.waiting:
            return
        found = {id(one) for one in tensors_in(value)}
        before, self.waiting = self.waiting, []
        for waiting in before:
            # Ids of results that are gone may be given again, so the living are compared.
            if any(id(held) in found for one in waiting.results if (held := one()) is not None):
                yield waiting
            else:
                self.waiting.append(waiting)

    def held(self) -> Iterator[Waiting]:
        """Yield what waits for results that somebody still holds."""
        for waiting in self.waiting:
            if any(one() is not None for one in waiting.results):
                yield waiting
        self.waiting = []


def can_wait(call: Call) -> bool:
    """Tell whether the results of a call are new tensors and nothing but them."""
    return not call.works_in_place and call.name not in SHARES_MEMORY and "out" not in call.kwargs
