"""Needs: which calls of a forward pass are needed when the result of some of them is zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import attrs
from torch import nn

from evoframe.anatomy.trace.flow import Addition, Flow, Run
from evoframe.kernel.modules.entries import places_of, tensors_of


@attrs.frozen(eq=False)
class Needs:
    """A forward pass, to be asked what it needs.

    Attributes:
        network: whose it is.
        flow: what was called.
    """

    network: nn.Module
    flow: Flow

    @cached_property
    def roots(self) -> frozenset[int]:
        """The calls that are needed whatever happens."""
        lasting = {at for at, one in enumerate(self.flow.steps) if one.lasts}
        return frozenset(self.flow.outputs | lasting)

    def reached(
        self, roots: Iterable[int], leave_out: Callable[[int, int], bool] = lambda _, __: False
    ) -> set[int]:
        """Return the calls that some calls need, themselves included.

        Args:
            roots: the calls.
            leave_out: tells of a call and one that it needs whether that is not asked.
        """
        found, left = set(), list(roots)
        while left:
            at = left.pop()
            if at in found:
                continue
            found.add(at)
            if at >= 0:
                left += [one for one in self.flow.steps[at].needs if not leave_out(at, one)]
        return found

    def only_for(self, addition: Addition, way: int) -> set[int]:
        """Return the calls that nobody needs but a sum, for one of its operands."""
        maker = addition.makers[way]
        kept = self.reached(self.roots, lambda at, need: (at, need) == (addition.step, maker))
        return set(range(len(self.flow.steps))) - kept

    @cached_property
    def runs_of(self) -> dict[str, list[Run]]:
        """All runs of each module."""
        found: dict[str, list[Run]] = {}
        for run in self.flow.runs:
            found.setdefault(run.module, []).append(run)
        return found

    def is_inside(self, module: str, calls: set[int]) -> bool:
        """Tell whether a module does nothing besides some calls, and nobody else reads its entries.

        Args:
            module: its name.
            calls: by their numbers.
        """
        runs = self.runs_of[module]
        if any(at not in calls for run in runs for at in range(run.begin.steps, run.end.steps)):
            return False
        if not any(run.end.steps > run.begin.steps for run in runs):
            return False  # it does nothing as it is
        held = self.entries_of(module)
        readers = {at for one in held for at in self.readers.get(one, ())}
        own = {at for run in runs for at in range(run.begin.steps, run.end.steps)}
        return readers <= own

    def entries_of(self, module: str) -> list[str]:
        """Return the first names of the entries of a module and of all that it contains."""
        held = places_of(self.network.get_submodule(module)).values()
        return list(dict.fromkeys(self._names[id(one)] for one in held))

    @cached_property
    def _names(self) -> dict[int, str]:
        return {id(one): name for name, one in tensors_of(self.network).items()}

    @cached_property
    def readers(self) -> Mapping[str, list[int]]:
        """The calls that are given an entry."""
        found: dict[str, list[int]] = {}
        for at, step in enumerate(self.flow.steps):
            for one in step.entries:
                found.setdefault(one, []).append(at)
        return found
