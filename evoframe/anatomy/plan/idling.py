"""Idling: which modules of a branch need not run when it gives zero, and what they give then.

Some of them are its *ends*: what they give is zero, and all that is added comes from there. Ends
give zeros. What runs before them is needed by nobody, so any numbers of the right shapes will do;
where nothing tells the shape, a module runs on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs
from torch import Tensor, nn

from evoframe.anatomy.plan.blocks import Skip
from evoframe.anatomy.plan.needs import Needs
from evoframe.anatomy.plan.sweeps import Sweeps
from evoframe.anatomy.replacements import Idle, layer_kind
from evoframe.anatomy.trace.flow import Addition, Run, Seen
from evoframe.anatomy.trace.trace import Result


class Standing(NamedTuple):
    """An idle module: how it is, its runs, and the attribute that counts its channels, if any."""

    idle: Idle
    skips: tuple[Skip, ...]
    counted: str


@attrs.frozen(eq=False)
class Branch:
    """One operand of a sum, of which something writes nothing any more.

    Attributes:
        needs: of the forward pass.
        sweeps: of its channels.
        addition: the sum.
        way: which operand.
        written: the channels that are still written.
        own: the calls that only this operand needs.
    """

    needs: Needs
    sweeps: Sweeps
    addition: Addition
    way: int
    written: Tensor
    own: set[int]

    def idle(self) -> dict[str, Standing]:
        """Return the modules that are idle without the branch; none if it has no ends."""
        ends, walked, zeros = self._ends()
        if not ends:
            return {}
        # What zeros are multiplied by runs on, if need be on the zeros of the ends.
        beside = {
            need
            for at in walked
            for need in self.needs.flow.steps[at].needs
            if need in self.own and not self.gives_zero(need)
        }
        needed = self.needs.reached(beside, lambda _, need: need in zeros) & self.own
        free = self.own - walked - needed
        found: dict[str, Standing] = {}
        seen_to = -1
        for run in self.needs.flow.runs:
            if run.begin.steps < seen_to or run.module in found:
                continue
            standing = self._standing(run.module, free, ends, found)
            if standing is not None:
                found[run.module] = standing
                seen_to = run.end.steps
        return found if ends <= found.keys() else {}

    def _ends(self) -> tuple[set[str], set[int], set[int]]:
        """Return the modules that give zeros, the calls on the way to the sum, and their own."""
        ends: set[str] = set()
        walked: set[int] = set()
        zeros: set[int] = set()
        left = [self.addition.makers[self.way]]
        while left:
            at = left.pop()
            if at in walked or at not in self.own or not self.gives_zero(at):
                continue
            module = self._made_by(at)
            if module is not None:
                ends.add(module)
                zeros.add(at)
                continue
            walked.add(at)
            left += self.needs.flow.steps[at].needs
        return ends, walked, zeros

    def gives_zero(self, at: int) -> bool:
        """Tell whether what a call gave is zero without the synapses of the branch."""
        if at < 0:
            return False
        signals = self.needs.flow.steps[at].signals
        return all(self.sweeps.are_zero(one, self.written) for one in signals[:1])

    def _made_by(self, at: int) -> str | None:
        """Return the outermost module that gave the result of a call and could be idle."""
        for run in self.needs.flow.runs:
            if (
                run.begin.steps <= at < run.end.steps
                and run.gave is not None
                and run.gave.step == at
                and self._could_idle(run.module, self.own)
            ):
                return run.module
        return None

    def _could_idle(self, module: str, free: set[int]) -> bool:
        return (
            bool(module)
            and is_plain(self.needs.network.get_submodule(module))
            and self.needs.is_inside(module, free)
            and self._kind(module) is not None
        )

    def _kind(self, module: str) -> tuple[str, str] | None:
        """Return the class that stands for a module, and its number; None if no shape is known."""
        layer = self.needs.network.get_submodule(module)
        runs = self.needs.runs_of[module]
        kind, counted = layer_kind(layer)
        alike = True
        for run in runs:
            given, gave = run.given, run.gave
            if given is None or gave is None or given.kind != gave.kind:
                return None
            if not gave.kind.is_floating_point or run.several != runs[0].several:
                return None
            alike = alike and self._are_alike(given, gave)
        if kind:
            return kind, counted
        return ("IdleModule", "") if alike else None

    def _are_alike(self, given: Seen, gave: Seen) -> bool:
        """Tell whether two tensors have one shape, and whatever leaves."""
        return given.shape == gave.shape and self.sweeps.are_as_wide(given.signal, gave.signal)

    def _standing(
        self, module: str, free: set[int], ends: set[str], found: Mapping[str, Standing]
    ) -> Standing | None:
        if not self._could_idle(module, free):
            return None
        kind, counted = self._kind(module) or ("", "")
        runs = self.needs.runs_of[module]
        if all(self._may_pass(run, free, found, is_end=module in ends) for run in runs):
            kind, counted = "PassingModule", ""
        gave = [(run, run.gave) for run in runs if run.gave is not None]
        idle = Idle(kind, runs[0].several, last=all(one.last for _, one in gave))
        passes = kind == "PassingModule"
        skips = [
            Skip(run.begin, run.end, None if passes else Result(one.shape, one.signal), idle.last)
            for run, one in gave
        ]
        return Standing(idle, tuple(skips), counted)

    def _may_pass(
        self, run: Run, free: set[int], found: Mapping[str, Standing], *, is_end: bool
    ) -> bool:
        """Tell whether a module may give what it is given, which somebody else may write into."""
        assert run.given is not None
        assert run.gave is not None
        if run.given.last != run.gave.last or not self._are_alike(run.given, run.gave):
            return False
        if run.given.step not in free:
            return False
        if not is_end:
            return True
        # The very zeros of another idle module, which nobody has touched.
        return self.gives_zero(run.given.step) and any(
            one.gave is not None and one.gave.identity == run.given.identity
            for name in found
            for one in self.needs.runs_of[name]
        )


def is_plain(module: nn.Module) -> bool:
    """Tell whether nothing was done to a module that another class in its place would undo."""
    return not any(
        "forward" in vars(one)
        or "parametrizations" in dict(one.named_children())
        or _has_hooks(one)
        for one in module.modules()
    )


def _has_hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)  # noqa: SLF001  no other way
