"""Finding blocks: sums of two tensors of channels, one of which can be zero for good."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.size_attribute import SizeAttribute
from evoframe.anatomy.plan.blocks import Block, nested
from evoframe.anatomy.plan.idling import Branch, Standing
from evoframe.anatomy.plan.needs import Needs
from evoframe.anatomy.plan.sweeps import Members, Sweeps
from evoframe.anatomy.trace.flow import GIVEN, Addition
from evoframe.anatomy.trace.trace import Barrier, Trace
from evoframe.kernel.modules.entries import tensors_of
from evoframe.kernel.wiring import Derived

AT = "the block in"
"""How the barrier of a block begins."""

ROOT = "the network"
"""The name of a module that has none."""


def find_blocks(network: nn.Module, trace: Trace) -> tuple[list[Block], list[Barrier]]:
    """Return the blocks of a network, and why other branches are none.

    Each gets a channel of its own, so it adds to those of the trace.

    Args:
        network: whose trace it is.
        trace: of which the flow was recorded.
    """
    if trace.flow is None or not trace.knows_channels:
        return [], []
    finder = Finder(network, trace, Needs(network, trace.flow), Sweeps.of(trace))
    blocks: list[Block] = []
    barriers: list[Barrier] = []
    for addition in trace.flow.additions:
        found, reasons = finder.at(addition)
        if found is not None:
            blocks.append(found)
        elif reasons:
            where = f"{AT} {addition.module or ROOT}"
            barriers.append(Barrier(where, f"it stays: {reasons[0]}", line=addition.line))
    blocks = _numbered(blocks)
    kept = nested(blocks)
    left = {one.channel for one in kept}
    barriers += [
        Barrier(f"{AT} {one.name}", "it stays: it shares weights with a part of another block")
        for one in blocks
        if one.channel not in left
    ]
    return kept, list(dict.fromkeys(barriers))


@attrs.frozen(eq=False)
class Finder:
    """Looks at one sum after the other.

    Attributes:
        network: on the meta device.
        trace: of it.
        needs: of its calls.
        sweeps: of its channels.
    """

    network: nn.Module
    trace: Trace
    needs: Needs
    sweeps: Sweeps

    def at(self, addition: Addition) -> tuple[Block | None, list[str]]:
        """Return the block of a sum; or none, and why its branches are none.

        Where both operands could leave, as where the way around is a layer of its own, it is the
        one with more layers.
        """
        blocks: list[Block] = []
        reasons: list[str] = []
        reached = [self.needs.reached([maker]) for maker in addition.makers]
        for way in addition.ways:
            mine, other = reached[way], reached[1 - way]
            # What goes around is needed by the branch; what asks for no input is no branch.
            if addition.makers[way] in other or GIVEN not in mine or GIVEN not in other:
                continue
            found = self._branch(addition, way, mine - other)
            if isinstance(found, str):
                reasons.append(found)
            elif found is not None:
                blocks.append(found)
        if not blocks:
            return None, reasons
        best = max(blocks, key=lambda one: (len(one.members), _synapses(one.members)))
        channel = self.trace.channels.new(1, fed=False)
        return attrs.evolve(best, channel=int(channel)), []

    def _branch(self, addition: Addition, way: int, apart: set[int]) -> Block | str | None:
        """Return the block of an operand; why it is none; None if it has no synapses at all.

        Args:
            addition: the sum.
            way: which operand.
            apart: the calls that this operand needs, and the other does not.
        """
        if not self._weights_read_in(apart):
            return None
        own = self.needs.only_for(addition, way)
        if addition.makers[way] not in own:
            return "what it adds is read by somebody else too"
        if not (inside := self._weights_read_in(own)):
            return None
        return self._without(addition, way, own, inside)

    def _without(
        self, addition: Addition, way: int, own: set[int], inside: tuple[str, ...]
    ) -> Block | str | None:
        """Return the block of an operand that has weights of its own, or why it is none.

        Args:
            addition: the sum.
            way: which operand.
            own: the calls that only this operand needs.
            inside: parameters that only they read.
        """
        signal, around = addition.signals[way], addition.signals[1 - way]
        assert signal is not None
        members = self._unread(addition, way)
        ranks = {name: self.trace.targets[name].ndim for name in inside}
        members |= {name: torch.ones([1] * rank, dtype=torch.bool) for name, rank in ranks.items()}
        written = self.sweeps.written_without(members)
        if around is not None and not bool(written[around].any()):
            return None
        branch = Branch(self.needs, self.sweeps, addition, way, written, own)
        if not self.sweeps.are_zero(signal, written):
            return f"it adds something else than zero without its synapses{self._where(branch)}"
        standing = branch.idle()
        if not standing:
            return "no module of it is known to give zeros of the right shape in its place"
        return self._made(addition, signal, members, inside, standing)

    def _made(
        self,
        addition: Addition,
        signal: Tensor,
        members: Members,
        inside: tuple[str, ...],
        standing: Mapping[str, Standing],
    ) -> Block:
        """Return a block."""
        entries = [entry for name in standing for entry in self.needs.entries_of(name)]
        tensors = tensors_of(self.network)
        return Block(
            name=addition.module,
            channel=-1,
            outputs=torch.unique(signal),
            members=members,
            idle={name: one.idle for name, one in standing.items()},
            entries=tuple(entry for entry in entries if tensors[entry].ndim),
            inside=inside,
            sizes=tuple(
                self._sizes(name, one.counted)
                for name, one in standing.items()
                if one.counted and self._signal(name) is not None
            ),
            skips=tuple(skip for one in standing.values() for skip in one.skips),
            exits=self._exits(torch.unique(signal), members),
        )

    def _weights_read_in(self, calls: set[int]) -> tuple[str, ...]:
        """Return the parameters that evolve which only some calls read."""
        return tuple(
            name
            for name in self.trace.targets
            if (readers := self.needs.readers.get(name)) and calls.issuperset(readers)
        )

    def _unread(self, addition: Addition, way: int) -> dict[str, Tensor]:
        """Return the synapses that nobody reads when a sum does not read an operand."""
        signal = addition.signals[way]
        step = self.trace.channels.steps[addition.derived] if addition.derived >= 0 else None
        if signal is None or not isinstance(step, Derived):
            return {}
        if not torch.equal(torch.unique(step.parts[way]), torch.unique(signal)):
            return {}
        return self.sweeps.members(self.sweeps.read_without(addition.derived, way))

    def _signal(self, module: str) -> Tensor | None:
        gave = self.needs.runs_of[module][0].gave
        return None if gave is None else gave.signal

    def _sizes(self, module: str, counted: str) -> SizeAttribute:
        """Return the number of channels that an idle layer gives."""
        signal = self._signal(module)
        assert signal is not None
        layer = self.network.get_submodule(module)
        behind = len(layer.kernel_size) if counted == "out_channels" else 0  # type: ignore[arg-type]
        return SizeAttribute(module, counted, None, signal, signal.ndim - 1 - behind)

    def _exits(self, outputs: Tensor, members: Members) -> tuple[str, ...]:
        """Return the parameters by which what is added is written, or scaled and shifted last."""
        written = torch.zeros(self.trace.channels.count, dtype=torch.bool)
        written[outputs] = True
        for step in reversed(self.trace.channels.steps):
            if isinstance(step, Derived):
                for part in step.parts:
                    written[part[written[step.channels]]] = True
        own = dict(self.network.named_parameters())
        layers = [n for n in members if bool(written[self.trace.targets[n]].any())]
        held = [
            one.entry
            for one in self.trace.channels.holdings
            if one.entry in own and bool(written[one.channels].any())
        ]
        if not held:
            return tuple(layers)
        last = held[-1].rpartition(".")[0]
        return tuple(n for n in dict.fromkeys([*layers, *held]) if n.rpartition(".")[0] == last)

    def _where(self, branch: Branch) -> str:
        """Return the place at which zeros become something else; empty if none is told."""
        at, steps = branch.addition.makers[branch.way], self.needs.flow.steps
        while at in branch.own and not branch.gives_zero(at):
            before = [one for one in steps[at].needs if one in branch.own]
            if not before or any(branch.gives_zero(one) for one in before):
                run = [r for r in self.needs.flow.runs if r.begin.steps <= at < r.end.steps]
                where = f" in {run[-1].module}" if run and run[-1].module else ""
                return f", by {steps[at].name}{where}"
            at = max(before)
        return ""


def _numbered(blocks: list[Block]) -> list[Block]:
    """Return blocks with names of their own: where a module has several, they are numbered."""
    names = [one.name for one in blocks]
    return [
        attrs.evolve(one, name=f"{one.name or ROOT} ({names[: at + 1].count(one.name)})")
        if names.count(one.name) > 1 or not one.name
        else one
        for at, one in enumerate(blocks)
    ]


def _synapses(members: Members) -> int:
    return sum(int(one.sum()) for one in members.values())
