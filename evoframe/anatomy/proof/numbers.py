"""Numbers: a grown network is held to its masked ancestor, on real inputs, in both modes.

Shapes cannot tell whether the channels of a smaller network are the right ones, whether code took
another path because a width had changed, or what only training runs. So removals are tried: the
ancestor with dead neurons at zero, bias and all, against the network that is grown without them.
Outputs must agree in evaluation; outputs, gradients and updated buffers in training. Parameters,
buffers and inputs are scattered first: zeros and ones would hide which entry is which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import attrs
import torch
from torch import Tensor, nn

from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.channels.size_attribute import Numbers as Attributes
from evoframe.anatomy.plan import ProvedPlan
from evoframe.anatomy.plan.blocks import gone, without
from evoframe.anatomy.plan.check import Mismatch
from evoframe.anatomy.plan.cutting import Cut, cut
from evoframe.anatomy.plan.growing import grow
from evoframe.anatomy.proof.distances import distance, doubled
from evoframe.anatomy.proof.owning import refusal
from evoframe.anatomy.proof.scattering import moved_apart, scattered_entry, two_examples
from evoframe.anatomy.proof.stillness import fresh, still, written_apart
from evoframe.anatomy.proof.trials import EVALUATION, LEARNING, TRAINING, Mode, Results, Trial
from evoframe.anatomy.replacements import Idle
from evoframe.anatomy.trace.forward import opened
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.settling import settled_and_living, without_the_dead

NOWHERE = -1
"""The call of a mismatch that numbers have shown: they do not say where it began."""


DRAWS = 16
"""How many other networks are asked whether any of them answers something else."""


@attrs.frozen(eq=False)
class Numbers:
    """What removals are tried with.

    Attributes:
        body: the ancestor's module on the meta device.
        values: scattered parameters and buffers of the ancestor, on the CPU.
        inputs: example inputs, two and scattered where the network takes them so.
        trains: whether the ancestor runs on them in training too; None if not in evaluation.
        untried: why it is not tried in both, in words; empty if it is.
    """

    body: nn.Module
    values: Mapping[str, Tensor]
    inputs: Arguments
    trains: bool | None
    untried: str = ""
    _shaky: set[Mode] = attrs.field(factory=set, init=False, repr=False)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        body: nn.Module,
        plain: Mapping[str, Tensor],
        example_inputs: Arguments,
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
        values = {name: scattered_entry(name, one, dice) for name, one in plain.items()}
        moved = (two_examples(example_inputs, dice), moved_apart(example_inputs, dice))
        # Some code refuses inputs out of a range, which noise takes them out of.
        for inputs in (*moved, example_inputs):
            found = cls(body, values, inputs, None)
            fault, answer = found._answer(EVALUATION)
            if not fault:
                found._require_that_parameters_matter(network, plain, answer)
                fault = found.fault(LEARNING)
                return attrs.evolve(found, trains=not fault, untried=fault)
        return cls(body, values, example_inputs, None, fault)

    def fault(self, mode: Mode) -> str:
        """Return the reason, in words, for which a mode cannot be tried; empty if it can."""
        return self._answer(mode)[0]

    def _answer(self, mode: Mode) -> tuple[str, Sequence[Tensor]]:
        """Return the reason for which a mode cannot be tried, and the outputs if it can.

        It must run on the inputs, and in training twice to the same numbers; in evaluation a copy
        of it has been held to itself before.
        """
        try:
            first = self._passed(self.values, {}, mode)
            again = self._passed(self.values, {}, TRAINING) if mode.training else first
        except Exception as error:  # noqa: BLE001  it may ask for anything, as targets in training
            return f"{mode} it does not run on the example inputs: {in_short(error)}", ()
        apart = again.differs_from(first._replace(gradients=()))
        return f"{mode} it does not compute the same twice: {apart}" if apart else "", first.outputs

    def _require_that_parameters_matter(
        self, network: nn.Module, plain: Mapping[str, Tensor], answer: Sequence[Tensor]
    ) -> None:
        """Refuse a network that answers the same whatever its parameters are.

        It was caught by no operation, so what it computes with was taken out of its parameters
        before, as a tensor or a number of its own.

        Args:
            network: the ancestor.
            plain: its parameters and buffers.
            answer: what it gives with the scattered ones.

        Raises:
            TaskError: the outputs of copies with other parameters are equal in every bit.
        """
        if all(torch.equal(self.values[name], one) for name, one in plain.items()):
            return
        due = self._passed(plain, {}, EVALUATION).outputs
        dice = torch.Generator().manual_seed(2)
        # The class of an example may well be the same for two networks, but not for all of these.
        # Drawn one after the other: the first nearly always answers something else.
        others = (self._thrown(plain, dice) for _ in range(DRAWS))
        for found in chain([answer], (self._passed(one, {}, EVALUATION).outputs for one in others)):
            if not all(map(torch.equal, found, due)):
                return
        raise refusal(network, next(iter(plain)))

    def _thrown(self, plain: Mapping[str, Tensor], dice: torch.Generator) -> dict[str, Tensor]:
        """Return parameters that were drawn anew, and the ancestor's buffers."""
        own = dict(self.body.named_parameters())
        return {
            name: torch.randn(one.shape, generator=dice).to(one)
            if name in own and one.is_floating_point()
            else one
            for name, one in plain.items()
        }

    def check(self, trial: Trial, modes: Sequence[Mode]) -> Mismatch | None:
        """Return the mismatch of a smaller network with the masked ancestor, if any.

        Args:
            trial: which network.
            modes: in which to try it, as far as the ancestor runs in them.
        """
        for mode in modes:
            if mode.training and not self.trains:
                continue
            if said := self._difference(trial, mode):
                reason = f"{mode}, a smaller network computes something else: {said}"
                return Mismatch(reason, NOWHERE)
        return None

    def apart(self, proved: ProvedPlan, staying: Tensor) -> float:
        """Return the distance of a network of these channels from the masked ancestor.

        That of their outputs in evaluation, as a share of the largest entry.

        Args:
            proved: a plan, proved as far as shapes go.
            staying: the channels that are to live, a bool for each.
        """
        trial = self.trial(proved, staying)
        due = self._passed(trial.state, {}, EVALUATION).outputs
        ours = self._passed(trial.smaller, trial.numbers, EVALUATION, idle=trial.idle).outputs
        return max((distance(one, other) for one, other in zip(ours, due, strict=True)), default=0)

    def trial(self, proved: ProvedPlan, staying: Tensor) -> Trial:
        """Return the trial of a removal.

        Args:
            proved: a plan, proved as far as shapes go.
            staying: the channels that are to live, a bool for each.
        """
        plan = proved.plan
        # Nothing writes what is to go, and nothing reads it: layers that do not evolve write on.
        sources, targets = plan.trace.sources, plan.trace.targets
        masks = {
            name: (staying[sources[name]] & staying[targets[name]]).expand(shape).clone()
            for name, shape in plan.evolvable.items()
        }
        masks, wiring = without(masks, gone(plan.blocks, staying)), plan.wiring()
        settled, alive = settled_and_living(masks, wiring)
        state = without_the_dead(self.values, settled, alive, wiring)
        left = proved.staying(alive)
        cuts = plan.keeping(left)
        smaller = {n: cut(v, cuts[n]) if n in cuts else v for n, v in state.items()}
        return Trial(state, smaller, plan.numbers(left), cuts, ~left, plan.idle(left))

    def _difference(self, trial: Trial, mode: Mode) -> str:
        """Return the difference that a trial shows in words; empty if there is none.

        What differs is asked again in double precision, and from then on at once: batch norm over
        two examples, for one, can make a large difference of a rounding.
        """
        said = "" if mode in self._shaky else self._compared(trial, mode)
        if not said and mode not in self._shaky:
            return ""
        precise = attrs.evolve(self, inputs=self.inputs.mapped(doubled))
        state, smaller = (
            {name: doubled(value) for name, value in values.items()}
            for values in (trial.state, trial.smaller)
        )
        try:
            found = precise._compared(trial._replace(state=state, smaller=smaller), mode)  # noqa: SLF001
        except Exception:  # noqa: BLE001  not every network runs in double precision
            return said
        self._shaky.add(mode)
        return found

    def _compared(self, trial: Trial, mode: Mode) -> str:
        filled = bool(trial.idle)
        due = self._passed(trial.state, {}, mode, trial.cuts, filled=filled)
        try:
            ours = self._passed(trial.smaller, trial.numbers, mode, idle=trial.idle, filled=filled)
        except Exception as error:  # noqa: BLE001  a network that was cut wrongly may do anything
            return in_short(error)
        return ours.differs_from(due)

    def _passed(
        self,
        values: Mapping[str, Tensor],
        numbers: Attributes,
        mode: Mode,
        cuts: Mapping[str, Cut] | None = None,
        idle: Mapping[str, Idle] | None = None,
        *,
        filled: bool = False,
    ) -> Results:
        """Return the results of a forward pass, and of a backward pass where the mode has one.

        Args:
            values: its parameters and buffers.
            numbers: what its attributes say.
            mode: how it is run.
            cuts: what to leave out of gradients and buffers.
            idle: modules that compute nothing.
            filled: let parameters that no gradient reaches have one of zero, as in a dead branch.
        """
        held = {name: written_apart(value) for name, value in values.items()}
        network = grow(self.body, held, numbers, idle).train(mode.training)
        with still(), torch.set_grad_enabled(mode.backward):
            outputs = tensors_in(opened(fresh(self.inputs).call(network)))
            if not mode.training:
                return Results(outputs)
            _flow_back(outputs)
        slopes = {
            name: torch.zeros_like(one) if one.grad is None else one.grad
            for name, one in network.named_parameters()
            if one.grad is not None or (filled and mode.backward and one.requires_grad)
        }
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
    left = [cut(value, cuts[name]) if name in cuts else value for name, value in named]
    return [one for one in left if one.numel()]  # of a block that left there is nothing


def _flow_back(outputs: list[Tensor]) -> None:
    """Let gradients flow from every output, weighted as no symmetry could be."""
    total = torch.zeros(())
    for one in outputs:
        if one.requires_grad and one.is_floating_point():
            # By a formula, since nothing is drawn here: multiples of the golden ratio, less a half.
            places = torch.arange(1, 1 + one.numel(), dtype=torch.float64)
            weights = ((places * 0.6180339887) % 1 - 0.5).reshape(one.shape).to(one)
            total = total + (one * weights).sum().float()
    if total.requires_grad:
        total.backward()  # type: ignore[no-untyped-call]
