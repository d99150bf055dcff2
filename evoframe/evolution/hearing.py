"""Hearing: a network that answers the same whatever it is given is measured like a constant.

Its metric may look fair where one answer fits most examples, and it costs little, so that it would
be selected and delivered. It is listened to while it is measured, which takes no forward pass more.
So is each of several outputs, as a metric may look at few of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Self

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import StillbornError, listing
from evoframe.evolution.birth import DEAF
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.individual import ANCESTOR
from evoframe.kernel.key import sealed
from evoframe.kernel.modules.nested import named_tensors_within

NEAR = 4 * torch.finfo(torch.float32).eps
"""What rounding may differ by between two examples, as a share of the largest number."""

FEW = 10
"""Batches that a network is listened to on which is not measured."""


@attrs.frozen
class Heard:
    """The hearing of a network: its outputs, by their names.

    Attributes:
        same: those that were the same for all examples.
        other: those that were not.
    """

    same: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()

    @classmethod
    def of(cls, outputs: Mapping[str, Tensor], differ: Collection[str]) -> Heard:
        """Return the hearing of outputs, of which some differ.

        Classes and flags beside numbers do not count, as the right one may be the same for all
        examples; without numbers it is enough that one of them differs.
        """
        numbers = {name for name, one in outputs.items() if one.is_floating_point()}
        other = frozenset(numbers.intersection(differ) if numbers else differ)
        same = frozenset(numbers or outputs) - other
        return cls(same if numbers or not other else frozenset(), other)

    @property
    def is_deaf(self) -> bool:
        """Whether several answers were heard, all of them alike."""
        return bool(self.same) and not self.other

    def lost(self, ancestor: Heard) -> str:
        """Return the outputs that are the same for all, and were not the ancestor's, in words."""
        lost = self.same & ancestor.other
        if not lost or self.is_deaf:
            return "outputs are" if lost else ""
        what = "output {} is" if len(lost) == 1 else "outputs {} are"
        return what.format(listing(lost))


class Listener:
    """Hears which outputs of a network are alike: from example to example, and call to call.

    Examples lie along the first axis. Where they do not, answers that differ along it are taken for
    answers to different examples, so that nobody is called deaf who is not.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._first: dict[str, Tensor] | None = None
        self._differ: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._is_lost = False

    @property
    def heard(self) -> Heard:
        """What was heard so far; nothing where it cannot be told."""
        if self._is_lost or self._first is None:
            return Heard()
        several = {name: one for name, one in self._first.items() if self._counts[name] > 1}
        return Heard.of(several, self._differ)

    @property
    def has_heard_all(self) -> bool:
        """Whether more calls would tell no more."""
        return self._is_lost or (self._first is not None and self._differ >= set(self._first))

    def __enter__(self) -> Self:
        self._handle = self._network.register_forward_hook(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _listen(self, _module: nn.Module, _inputs: Any, answer: Any) -> None:
        if self.has_heard_all:
            return
        try:
            self._compare(answer)
        except Exception:  # noqa: BLE001  tensors of other layouts, or in the midst of a transform
            self._is_lost = True

    def _compare(self, answer: Any) -> None:
        # What has no axis is a loss that the network computes, of targets too.
        found = {
            name: one.detach()
            for name, one in named_tensors_within(answer).items()
            if one.ndim and len(one)
        }
        if self._first is None:
            self._first = {name: one[:1].clone() for name, one in found.items()}
        self._is_lost = not found or found.keys() != self._first.keys()
        if self._is_lost:
            return
        self._counts.update({name: len(one) for name, one in found.items()})
        for name in found.keys() - self._differ:
            if not _are_alike(self._first[name], found[name]):
                self._differ.add(name)


def _are_alike(first: Tensor, several: Tensor) -> bool:
    """Tell whether all that lie along the first axis are like the first of them."""
    if first.shape[1:] != several.shape[1:]:
        return False
    if not first.is_floating_point() or not first.numel():
        return bool((several == first).all())
    return bool((several - first).abs().amax() <= NEAR * first.abs().amax())


def overheard(genotype: Genotype, context: Context) -> Heard:
    """Return the hearing of the network of a genotype on the first validation examples.

    That is nothing where its task cannot be asked: it may be another program that measures.
    """
    task, network = context.task, context.anatomy.develop(genotype).network.eval()
    try:
        with (
            torch.no_grad(),
            sealed(context.key.at("evaluation", "validation")),
            Listener(network) as listener,
        ):
            for batch in islice(task.batches("validation"), FEW):
                task.measure(network, devices.move(batch, context.device))
                if listener.has_heard_all:
                    break
    except Exception:  # noqa: BLE001  somebody's own code, which need not work here
        return Heard()
    return listener.heard


def require_hearing(heard: Heard, context: Context) -> None:
    """Refuse an offspring with an output that no longer depends on examples.

    Outputs of the ancestor that do not either count for nothing: they may be meant so.

    Args:
        heard: of the offspring.
        context: of its life.

    Raises:
        StillbornError: which outputs those are.
    """
    if context.id == ANCESTOR or not heard.same:
        return
    if lost := heard.lost(overheard(context.ancestor, context)):
        raise StillbornError(f"{DEAF}: its {lost} the same for all examples")
