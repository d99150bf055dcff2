"""Numbers: a grown network is held to its masked ancestor, on real inputs, in both modes.

Shapes cannot tell whether the channels of a smaller network are the right ones, whether code took
another path because a width had changed, or what only training runs. So removals are tried: the
ancestor with dead neurons at zero, bias and all, against the network that is grown without them.
Outputs must agree in evaluation; outputs, gradients and updated buffers in training. Parameters,
buffers and inputs are scattered first: zeros and ones would hide which entry is which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.channels.size_attribute import Numbers as Attributes
from evoframe.anatomy.plan import ProvedPlan
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.plan.cutting import Cut, cut
from evoframe.anatomy.plan.growing import grow
from evoframe.anatomy.proof.distances import difference
from evoframe.anatomy.proof.owning import refusal
from evoframe.anatomy.proof.stillness import fresh, scattered, still
from evoframe.anatomy.trace.forward import opened
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.wiring import living_channels, settle

NOWHERE = -1
"""The call of a mismatch that numbers have shown: they do not say where it began."""


class Results(NamedTuple):
    """What a pass gives: outputs; in training also gradients and buffers, by name."""

    outputs: Sequence[Tensor]
    gradients: Sequence[Tensor] = ()
    buffers: Sequence[Tensor] = ()

    def differs_from(self, due: Results) -> str:
        """Return the difference from what is due in words; empty if there is none."""
        return (
            difference(self.outputs, due.outputs)
            or difference(self.buffers, due.buffers)
            or difference(self.gradients, due.gradients, among=True)
        )


@attrs.frozen(eq=False)
class Numbers:
    """What removals are tried with.

    Attributes:
        body: the ancestor's module on the meta device.
        values: scattered parameters and buffers of the ancestor, on the CPU.
        inputs: example inputs, two and scattered where the network takes them so.
        modes: whether training, for each mode in which the ancestor runs on them.
        untried: why it is not tried in both, in words; empty if it is.
    """

    body: nn.Module
    values: Mapping[str, Tensor]
    inputs: tuple[Any, ...]
    modes: tuple[bool, ...]
    untried: str = ""

    @classmethod
    def of(
        cls,
        network: nn.Module,
        body: nn.Module,
        plain: Mapping[str, Tensor],
        example_inputs: tuple[Any, ...],
    ) -> Numbers:
        """Return the values and inputs with which removals from a network are tried.

        Args:
            network: the ancestor.
            body: the same on the meta device.
            plain: its parameters and buffers, of :func:`require_own_parameters`.
            example_inputs: its inputs.

        Raises:
            TaskError: what it computes does not depend on its parameters.
        """
        dice = torch.Generator().manual_seed(0)
        values = {name: _scattered_entry(name, one, dice) for name, one in plain.items()}
        moved = (_two_examples(example_inputs, dice), _moved(example_inputs, dice))
        # Some code refuses inputs out of a range, which noise takes them out of.
        for inputs in (*moved, example_inputs):
            found = cls(body, values, inputs, ())
            if not (fault := found.fault(training=False)):
                found._require_that_parameters_matter(network, plain)
                fault = found.fault(training=True)
                return attrs.evolve(
                    found, modes=(False,) if fault else (False, True), untried=fault
                )
        return cls(body, values, example_inputs, (), fault)

    def fault(self, *, training: bool) -> str:
        """Return why the ancestor cannot be tried in a mode, in words; empty if it can.

        It must run on the inputs, and twice to the same numbers.
        """
        mode = "in training" if training else "in evaluation"
        try:
            first, again = (self._passed(self.values, {}, training=training) for _ in range(2))
        except Exception as error:  # noqa: BLE001  it may ask for anything, as targets in training
            return (
                f"{mode} it does not run on the example inputs, scattered or not: {in_short(error)}"
            )
        apart = first.differs_from(again)
        return f"{mode} it does not compute the same twice: {apart}" if apart else ""

    def _require_that_parameters_matter(
        self, network: nn.Module, plain: Mapping[str, Tensor]
    ) -> None:
        """Refuse a network that answers the same whatever its parameters are.

        It was caught by no operation, so what it computes with was taken out of its parameters
        before, as a tensor or a number of its own.

        Raises:
            TaskError: the outputs of two copies with other parameters are equal in every bit.
        """
        scattered_outputs, outputs = (
            self._passed(values, {}, training=False).outputs for values in (self.values, plain)
        )
        moved = any(not torch.equal(self.values[name], one) for name, one in plain.items())
        if moved and all(map(torch.equal, outputs, scattered_outputs)):
            raise refusal(network, next(iter(plain)))

    def check(self, proved: ProvedPlan, staying: Tensor) -> Mismatch | None:
        """Return the mismatch of a network of these channels with the masked ancestor, if any.

        What differs is asked again in double precision: batch norm over two examples, for one,
        can make a large difference of a rounding.

        Args:
            proved: a plan, proved as far as shapes go.
            staying: the channels that are to live, a bool for each.
        """
        found = self._checked(proved, staying)
        if found is None or (precise := self._in_double) is None:
            return found
        return precise._checked(proved, staying)  # noqa: SLF001  the same in other numbers

    @cached_property
    def _in_double(self) -> Numbers | None:
        """Return the same in double precision; None if the ancestor does not run in it."""
        values = {name: _doubled(value) for name, value in self.values.items()}
        inputs = tuple(_doubled(one) if isinstance(one, Tensor) else one for one in self.inputs)
        precise = attrs.evolve(self, values=values, inputs=inputs)
        faulty = any(precise.fault(training=mode) for mode in self.modes)
        return None if faulty else precise

    def _checked(self, proved: ProvedPlan, staying: Tensor) -> Mismatch | None:
        plan = proved.plan
        # Nothing writes what is to go, and nothing reads it: layers that do not evolve write on.
        sources, targets = plan.trace.sources, plan.trace.targets
        masks = {
            name: (staying[sources[name]] & staying[targets[name]]).expand(shape).clone()
            for name, shape in plan.evolvable.items()
        }
        wiring = plan.wiring()
        settled = settle(Genotype(masks, self.values), wiring)
        left = proved.staying(living_channels(settled.masks, wiring))
        cuts = plan.keeping(left)
        for training in self.modes:
            due = self._passed(settled.state, {}, training=training, cuts=cuts)
            if said := self._differ(settled, plan.numbers(left), cuts, due, training=training):
                mode = "in training" if training else "in evaluation"
                reason = f"{mode}, a smaller network computes something else: {said}"
                return Mismatch(reason, NOWHERE)
        return None

    def _differ(
        self,
        settled: Genotype,
        numbers: Attributes,
        cuts: Mapping[str, Cut],
        due: Results,
        *,
        training: bool,
    ) -> str:
        """Return the difference of the network grown from a genotype in words; empty if none."""
        smaller = {
            name: cut(value, cuts[name]) if name in cuts else value
            for name, value in settled.state.items()
        }
        try:
            ours = self._passed(smaller, numbers, training=training)
        except Exception as error:  # noqa: BLE001  a network that was cut wrongly may do anything
            return in_short(error)
        return ours.differs_from(due)

    def _passed(
        self,
        values: Mapping[str, Tensor],
        numbers: Attributes,
        *,
        training: bool,
        cuts: Mapping[str, Cut] | None = None,
    ) -> Results:
        """Return the results of a forward pass; in training also those of a backward pass.

        Args:
            values: its parameters and buffers.
            numbers: what its attributes say.
            training: its mode.
            cuts: what to leave out of gradients and buffers.
        """
        held = {name: value.clone() for name, value in values.items()}
        network = grow(self.body, held, numbers).train(training)
        with still():
            if not training:
                with torch.no_grad():
                    return Results(tensors_in(opened(network(*fresh(self.inputs)))))
            outputs = tensors_in(opened(network(*fresh(self.inputs))))
            _flow_back(outputs)
        slopes = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
        return Results(
            outputs,
            _cut_all(slopes, cuts or {}),
            _cut_all(dict(network.named_buffers()), cuts or {}),
        )


def in_short(error: Exception) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def _cut_all(values: Mapping[str, Tensor], cuts: Mapping[str, Cut]) -> list[Tensor]:
    """Return tensors in the order of their names, each as a smaller network has it."""
    named = sorted(values.items())
    return [cut(value, cuts[name]) if name in cuts else value for name, value in named]


def _flow_back(outputs: list[Tensor]) -> None:
    """Let gradients flow from every output, weighted as no symmetry could be."""
    total, dice = torch.zeros(()), torch.Generator().manual_seed(1)
    for one in outputs:
        if one.requires_grad and one.is_floating_point():
            weights = torch.randn(one.shape, generator=dice).to(one)
            total = total + (one * weights).sum().float()
    if total.requires_grad:
        total.backward()  # type: ignore[no-untyped-call]


def _two_examples(inputs: tuple[Any, ...], dice: torch.Generator) -> tuple[Any, ...]:
    """Return inputs with two examples each, as batch norm needs in training; moved apart."""
    doubled = tuple(
        torch.cat([one[:1], one[-1:]]) if isinstance(one, Tensor) and one.ndim else one
        for one in inputs
    )
    return _moved(doubled, dice)


def _moved(inputs: tuple[Any, ...], dice: torch.Generator) -> tuple[Any, ...]:
    """Return inputs with noise on every float tensor at the top; the rest is as it was."""
    return tuple(
        one + torch.randn(one.shape, generator=dice).to(one)
        if isinstance(one, Tensor) and one.is_floating_point()
        else one
        for one in inputs
    )


def _scattered_entry(name: str, value: Tensor, dice: torch.Generator) -> Tensor:
    if name.endswith("running_var"):
        return 0.5 + torch.rand(value.shape, generator=dice).to(value)
    return scattered(value, dice)


def _doubled(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value
