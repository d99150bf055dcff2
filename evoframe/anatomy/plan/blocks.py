"""Blocks: branches that are added to what goes around them, and can leave as a whole.

``y = x + branch(x)`` is ``x`` where the branch gives zero. It does where nothing writes what it
gives: without the synapses of its last layer, its normalisation and biases leave with them. So a
block is a cluster of synapses like any other; what is special is that its modules need not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import attrs
import torch
from torch import Tensor

from evoframe.anatomy.channels.size_attribute import SizeAttribute
from evoframe.anatomy.plan.sweeps import Members
from evoframe.anatomy.replacements import Idle
from evoframe.anatomy.trace.flow import Counts
from evoframe.anatomy.trace.trace import RecordedCall, Result
from evoframe.kernel import wiring

_W = TypeVar("_W")


class Skip(NamedTuple):
    """A run of a module that computes nothing when it is idle.

    Attributes:
        begin: where it began.
        end: where it ended.
        result: the zeros that it gives; None if it gives what it was given.
        turned: whether they are made with their channels last, and turned.
    """

    begin: Counts
    end: Counts
    result: Result | None
    turned: bool = False


@attrs.frozen(eq=False)
class Block:
    """A branch that can leave as a whole.

    Attributes:
        name: of the module in which it is added; several in one are numbered.
        channel: that stands for it: it stays while the branch does.
        outputs: the channels that the branch adds.
        members: the synapses of which nobody needs any without it.
        idle: the modules that compute nothing when it has left.
        entries: parameters and buffers that are empty then.
        inside: parameters that evolve among them.
        sizes: numbers of channels that idle modules go by.
        skips: what does not run then.
        exits: the parameters by which its last layer, or what scales that, writes what it adds.
        around: the channel of the smallest block that contains it; -1 if none does.
    """

    name: str
    channel: int
    outputs: Tensor
    members: Members
    idle: Mapping[str, Idle]
    entries: tuple[str, ...]
    inside: tuple[str, ...]
    sizes: tuple[SizeAttribute, ...]
    skips: tuple[Skip, ...]
    exits: tuple[str, ...]
    around: int = -1

    def in_wiring(self) -> wiring.Block:
        """Return the block as a wiring knows it."""
        return wiring.Block(
            self.channel, self.outputs, self.inside, self.members, self.exits, self.around
        )

    def inside_is_free_of(self, keep: Sequence[str]) -> bool:
        """Tell whether none of some parameters, which keep all their channels, is inside."""
        return not any(name in self.members or name in self.entries for name in keep)


def gone(blocks: Iterable[Block], staying: Tensor) -> list[Block]:
    """Return the blocks that have left when these channels stay."""
    return [one for one in blocks if not staying[one.channel]]


def idle_of(blocks: Iterable[Block]) -> dict[str, Idle]:
    """Return the modules that are idle when blocks have left."""
    return {name: how for one in blocks for name, how in one.idle.items()}


def calls_without(
    calls: Sequence[RecordedCall], blocks: Sequence[Block]
) -> list[tuple[int, RecordedCall]]:
    """Return the calls that are left without blocks, with the numbers that they had."""
    if not blocks:
        return list(enumerate(calls))
    found, at = [], 0
    for skip in _outermost(blocks):
        found += [(number, calls[number]) for number in range(at, skip.begin.calls)]
        if skip.result is not None:
            made = [Result(skip.result.shape, None)] if skip.turned else []
            made.append(skip.result)
            found += [(skip.begin.calls, RecordedCall((one,), ())) for one in made]
        at = skip.end.calls
    return [*found, *((number, calls[number]) for number in range(at, len(calls)))]


def work_without(work: Sequence[_W], blocks: Sequence[Block]) -> list[_W]:
    """Return the multiplications and additions that are left without blocks."""
    found: list[_W] = []
    at = 0
    for skip in _outermost(blocks):
        found += work[at : skip.begin.work]
        at = skip.end.work
    return [*found, *work[at:]]


def nested(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks, each with the smallest that contains it; what crosses another is left out."""
    found: list[Block] = []
    for one in sorted(blocks, key=lambda one: -_size(one.members)):
        larger = [other for other in found if _meet(one.members, other.members)]
        if all(_contains(other.members, one.members) for other in larger):
            found.append(attrs.evolve(one, around=larger[-1].channel if larger else -1))
    return sorted(found, key=lambda one: one.channel)


def _outermost(blocks: Sequence[Block]) -> list[Skip]:
    """Return the runs of modules that do nothing without blocks, in order, none inside another."""
    found: list[Skip] = []
    skips = [skip for one in blocks for skip in one.skips]
    for skip in sorted(skips, key=lambda one: (one.begin.steps, -one.end.steps)):
        if not found or skip.begin.steps >= found[-1].end.steps:
            found.append(skip)
    return found


def _size(members: Members) -> int:
    return sum(int(one.sum()) for one in members.values())


def _meet(some: Members, others: Members) -> bool:
    return any(name in others and bool((one & others[name]).any()) for name, one in some.items())


def _contains(larger: Members, smaller: Members) -> bool:
    return all(
        name in larger and not bool((one & ~larger[name]).any()) for name, one in smaller.items()
    )


def without(masks: dict[str, Tensor], blocks: Iterable[Block]) -> dict[str, Tensor]:
    """Return masks of synapses without those of blocks."""
    for one in blocks:
        masks |= {n: masks[n] & ~torch.as_tensor(own) for n, own in one.members.items()}
    return masks
