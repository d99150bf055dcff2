"""Size attributes: numbers in modules that count channels, found by trying.

A module's own code may hold sizes in attributes, as attention holds its number of heads. No
tensor says so: where removing channels breaks a forward pass, numbers nearby that equal a size
which shrinks are changed with it, and if the pass then gives the shapes that are due, the fewest
of them that do so count those channels from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import attrs
from torch import Tensor, nn

from evoframe.anatomy.channels.signals import sizes_left
from evoframe.anatomy.channels.size_attribute import Attribute, SizeAttribute
from evoframe.anatomy.plan import Plan
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.proof.blame import Blame
from evoframe.anatomy.proof.probes import Pattern, Probe, left_by, pattern

MOST = 24
"""How many candidates are tried at most for one probe."""

PAIRED = 8
"""How many of them are tried two at a time."""

VIEWED = "RuntimeError: shape"
"""How the error begins that a tensor cannot be viewed as code asks."""


def find_size_attributes(
    plan: Plan, broken: Sequence[Blame]
) -> tuple[list[SizeAttribute], list[Blame]]:
    """Return the attributes that explain broken probes, and the probes that none explains.

    What explains a probe in one module is taken to explain the same one in all modules of its
    class; the proof goes on with all of them together.
    """
    found: dict[Attribute, SizeAttribute] = {}
    hopeless: list[Blame] = []
    answers: dict[Pattern, list[SizeAttribute]] = {}
    for probe, seen in broken:
        same = pattern(plan, probe)
        if same not in answers:
            answers[same] = chosen = _explained(plan, probe)
        else:
            chosen = _alike(plan, probe, answers[same])
        if not chosen:
            hopeless.append((probe, seen))
        for one in chosen:
            found.setdefault(one.key, one)
    return list(found.values()), hopeless


def _explained(plan: Plan, probe: Probe) -> list[SizeAttribute]:
    """Return the attributes with which a probe breaks nothing; none if there are none.

    Each in turn is the one with which the forward pass gets farthest, or the pair of them where
    none alone gets it any farther: code may divide a width by a number of heads.
    """
    chosen: list[SizeAttribute] = []
    # Every candidate costs a forward pass in every round.
    candidates = _candidates(plan, probe)[:MOST]
    seek = _Search(plan, left_by(plan.bundles, [probe]))
    seen = seek.seen([])
    while seen is not None:
        best = seek.farthest(chosen, combinations(candidates, 1), seen)
        best = best or seek.farthest(chosen, seek.pairs(chosen, candidates, seen), seen)
        if best is None:
            return []
        seen, farthest = best
        chosen += farthest
    return chosen


@attrs.frozen(eq=False)
class _Search:
    """Forward passes of one network with numbers in attributes changed, each made once.

    Attributes:
        plan: of the ancestor.
        staying: the channels of the network, a bool for each.
    """

    plan: Plan
    staying: Tensor
    _known: dict[tuple[int, ...], Mismatch | None] = attrs.field(factory=dict, init=False)

    def seen(self, more: Sequence[SizeAttribute]) -> Mismatch | None:
        """Return the mismatch that a forward pass with more attributes shows; None if none does."""
        key = tuple(map(id, more))
        if key not in self._known:
            wider = (*self.plan.size_attributes, *more)
            self._known[key] = attrs.evolve(self.plan, size_attributes=wider).check(self.staying)
        return self._known[key]

    def farthest(
        self,
        chosen: Sequence[SizeAttribute],
        groups: Iterable[tuple[SizeAttribute, ...]],
        seen: Mismatch,
    ) -> tuple[Mismatch | None, tuple[SizeAttribute, ...]] | None:
        """Return the view with the best of several groups, and that group.

        Returns:
            None for the first where nothing goes wrong any more; None if no group gets a forward
            pass any farther than it got.
        """
        best: tuple[Mismatch, tuple[SizeAttribute, ...]] | None = None
        known = {other.key for other in chosen}
        for group in groups:
            keys = {one.key for one in group}
            # Numbers of one module: a division stands in one place of the code.
            if keys & known or len(keys) < len(group) or len({one.module for one in group}) > 1:
                continue
            farther = self.seen([*chosen, *group])
            if farther is None:
                return None, group
            # Strictly: of several that get equally far the
            # first is taken, the same in every survey.
            if _place(farther) > _place(best[0] if best else seen):
                best = farther, group
        return best

    def pairs(
        self, chosen: Sequence[SizeAttribute], candidates: Sequence[SizeAttribute], seen: Mismatch
    ) -> Iterator[tuple[SizeAttribute, ...]]:
        """Yield the pairs that may get a forward pass farther where none alone does.

        An error of a view tells all of the sizes that it was given, so a number with which it says
        the same had no part in them.
        """
        told = seen.reason.startswith(VIEWED)
        some = [one for one in candidates[:PAIRED] if not told or self.seen([*chosen, one]) != seen]
        return combinations(some, 2)


def _place(seen: Mismatch) -> tuple[int, int]:
    """Return the pass and the call at which a forward pass goes wrong."""
    return seen.of, seen.call


def _alike(plan: Plan, probe: Probe, answer: Sequence[SizeAttribute]) -> list[SizeAttribute]:
    """Return the attributes of a probe that are called like those which explained another."""
    wanted = {(one.attribute, one.index, one.axis) for one in answer}
    chosen = {
        (one.attribute, one.index, one.axis): one
        # Several candidates may share a name and axis;
        # in reverse the first of them is left standing.
        for one in reversed(_candidates(plan, probe))
        if (one.attribute, one.index, one.axis) in wanted
    }
    return list(chosen.values()) if chosen.keys() == wanted else []


def _candidates(plan: Plan, probe: Probe) -> list[SizeAttribute]:
    """Return an attribute for every number near a layer that equals a size which shrinks."""
    shrinking = _shrinking(plan, left_by(plan.bundles, [probe]))
    taken = {one.key for one in plan.size_attributes}
    return [
        SizeAttribute(name, attribute, index, signal, axis)
        for name, module in _nearby(plan.body, probe.layer)
        for attribute, index, number in _numbers(module)
        if (name, attribute, index) not in taken
        for signal, axis in shrinking.get(number, [])
    ]


def _shrinking(plan: Plan, staying: Tensor) -> dict[int, list[tuple[Tensor, int]]]:
    """Return the axes that get shorter, by their size; one for each different length left."""
    found: dict[int, dict[int, tuple[Tensor, int]]] = {}
    seen: set[int] = set()
    for call in (call for one in plan.trace.passes for call in one.calls):
        for signal in (result.signal for result in call.results):
            # Signals are shared by many results, and live
            # as long as the trace, so ids tell them apart.
            if signal is None or id(signal) in seen:
                continue
            seen.add(id(signal))
            if bool(staying[signal].all()):
                continue
            sizes = zip(signal.shape, sizes_left(signal, staying), strict=True)
            for axis, (size, left) in enumerate(sizes):
                if left is not None and left != size:
                    # Axes that shrink from and to the same lengths would explain the same numbers.
                    found.setdefault(size, {}).setdefault(left, (signal, axis))
    return {size: list(axes.values()) for size, axes in found.items()}


def _nearby(network: nn.Module, layer: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules around a layer, and its neighbours with what they contain."""
    parent = layer.rpartition(".")[0].rpartition(".")[0]
    around = {parent}
    while parent:
        parent = parent.rpartition(".")[0]
        around.add(parent)
    # Two steps up from the parameter: past its own layer, to the module whose code calls the layer.
    inside = layer.rpartition(".")[0].rpartition(".")[0]
    for name, module in network.named_modules():
        beside = name.startswith(inside + ".") if inside else name.count(".") == 0
        if (name in around or beside) and not _sizes_itself(module):
            yield name, module


def _sizes_itself(module: nn.Module) -> bool:
    """Tell whether the attributes of a module are set by what its weights say."""
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return True
    plain = type(module).__module__.startswith("torch.nn")
    return plain and isinstance(getattr(module, "weight", None), Tensor)


def _numbers(module: nn.Module) -> Iterator[tuple[str, int | None, int]]:
    """Yield the whole numbers above 1 in a module's attributes, with their indices."""
    for attribute, value in vars(module).items():
        # Tables of parameters, hooks and modules, and what a class does not want to be touched.
        if attribute.startswith("_"):
            continue
        several = value if isinstance(value, list | tuple) else [value]
        for index, number in enumerate(several):
            # Not ``isinstance``: True is an int. A size of 1 cannot shrink.
            if type(number) is int and number > 1:
                yield attribute, None if several is not value else index, number
