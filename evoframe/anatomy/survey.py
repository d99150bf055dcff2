"""Survey: what is learned of an ancestor, once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import nn

from evoframe.anatomy.anatomy import Anatomy
from evoframe.anatomy.computed import weights_computed_from
from evoframe.anatomy.plan import Plan, ProvedPlan
from evoframe.anatomy.plan.copying import replica
from evoframe.anatomy.plan.growing import body_of, copied
from evoframe.anatomy.proof import Numbers, measured, of_inputs, prove, require_own_parameters
from evoframe.anatomy.replacements import replace
from evoframe.anatomy.trace import Answer, answers_of, trace
from evoframe.errors import ConfigError, TaskError, close_match
from evoframe.kernel.arguments import Arguments, Inputs
from evoframe.kernel.duplicate import duplicate
from evoframe.kernel.entries import tensors_of
from evoframe.kernel.key import untouched
from evoframe.kernel.lasting import is_plain, plain
from evoframe.kernel.numbers import require_own_numbers
from evoframe.kernel.widths import Width

HERE = ("cpu", "meta")
"""Devices on which a survey works, wherever the network lives."""


def survey(
    network: nn.Module,
    example_inputs: Inputs,
    evolvable: Sequence[str],
    *,
    keep: Sequence[str] = (),
    at_least: float = 1,
    multiple: int = 1,
    layers: Mapping[str, Width] | None = None,
    numbers: bool = True,
    approximate: bool = False,
    depth: bool = False,
    training_inputs: Inputs | None = None,
) -> Anatomy:
    """Return the anatomy of an ancestor; done once a run.

    Args:
        network: any module; it is never changed, and read when its genotype is asked for.
        example_inputs: inputs for one forward pass, as a tuple, a mapping of keywords, or both.
        evolvable: names of the parameters whose synapses may evolve.
        keep: layers that keep all their output channels: names of modules, which stand for all
            that they contain, or of parameters.
        at_least: how many output channels every layer keeps, dead ones if need be; below 1, the
            share of them.
        multiple: what the number of a layer's output channels is rounded up to, where it can be.
        layers: how wide single layers may be, by name or pattern.
        numbers: try removals on real inputs; without, only shapes and plain numbers are proved.
        approximate: let channels leave that a layer, group or RMS norm or a mean averages over.
            A smaller network then normalises over those that stay, so it no longer computes
            what its masked ancestor does, and has to learn anew.
        depth: let whole residual blocks leave.
        training_inputs: inputs as training gives them, where these are others, such as labels of
            which the network computes its loss; removals are tried on them too.

    Raises:
        TaskError: a name is not a parameter with at least two axes, there is none, or a layer to
            keep does not exist.
        ConfigError: what is said of layers matches nothing, contradicts itself or what stays.
    """
    given = Arguments.of(example_inputs)
    if any(one.device.type not in HERE for one in given.tensors):
        given = given.to(torch.device("cpu"))
    if not is_plain(network):  # delivered by another run; what was absent there may live here
        network = plain(duplicate(network))
    require_own_numbers(network)
    shapes = _evolvable_shapes(network, evolvable)
    body = replace(body_of(network))  # which may be without parts that torch's own may not
    kept = _kept_layers(network, shapes, keep)
    options = Options(kept, at_least, multiple, approximate, layers or {}, depth)
    inputs = given.to(torch.device("meta"))
    plan = _planned(body, shapes, inputs, options)
    has_numbers = not any(one.is_meta for one in tensors_of(network).values())
    if not plan.trace.knows_channels:  # it did not run on the meta device: is it the inputs?
        _require_forward(network, given)
        if has_numbers and (answers := _answers(network, given)):
            plan = _planned(body, shapes, inputs, options, answers)
    entries: dict[str, torch.Tensor] = {}
    tried, untried = None, "it has no numbers, being on the meta device"
    if has_numbers:
        entries = require_own_parameters(network, body, given)
        untried = _switched_off(numbers=numbers, approximate=approximate)
        if numbers:
            tried = Numbers.of(network, body, entries, given)
            untried = untried or tried.untried
    exact = None if approximate else tried
    proved = prove(plan, exact)
    if proved.refuted or not plan.trace.knows_channels:
        real = prove(_planned_on_real_tensors(network, shapes, given, options), exact)
        proved = max(proved, real, key=_removable)  # the first, where they are equal
    if training_inputs is not None and exact is not None:
        # Ways that only training takes may read channels that no output shows.
        also = Numbers.of(network, body, entries, Arguments.of(training_inputs))
        proved, untried = prove(proved.plan, also), untried or also.untried
    error = measured(proved, tried, entries, given) if approximate and tried is not None else None
    require_reachable(proved)
    return Anatomy(network, proved, proved.plan.wiring(), inputs, untried, error)


def require_reachable(proved: ProvedPlan) -> None:
    """Refuse layers that are to have fewer channels than stay whatever happens.

    Raises:
        ConfigError: the layer, and how many stay.
    """
    bundles = proved.plan.bundles
    staying = proved.staying(torch.zeros_like(bundles.kept))
    for one in bundles.bounds.values():
        if not one.holds(staying):
            raise ConfigError(
                f"layers: {one.name!r} is to have at most {one.most} of its {len(one.channels)} "
                f"channels, and {int(staying[one.channels].sum())} stay whatever happens, because "
                "of barriers or of what is asked of layers that share them. Ask for more, or look "
                "at `evoframe inspect`."
            )


def _switched_off(*, numbers: bool, approximate: bool) -> str:
    """Return the option that leaves removals untried, in words; empty if none does."""
    if not numbers:
        return "anatomy.numbers is false"
    # What is computed changes on purpose.
    return "anatomy.approximate is true" if approximate else ""


@attrs.frozen
class Options:
    """What a person asked for, see :func:`survey`."""

    keep: list[str]
    at_least: float
    multiple: int
    approximate: bool
    widths: Mapping[str, Width]
    depth: bool


def _planned(
    body: nn.Module,
    shapes: Mapping[str, torch.Size],
    inputs: Arguments,
    options: Options,
    answers: Sequence[Answer] = (),
) -> Plan:
    """Return the plan of a body, by a trace on its own device."""
    # The body stays as it came, modes of modules included; running can change buffers.
    twin, names = replica(body, {}).eval(), tuple(shapes)
    seen = trace(
        twin,
        inputs,
        names,
        approximate=options.approximate,
        answers=answers,
        depth=options.depth,
    )
    return Plan.of(
        body,
        shapes,
        seen,
        keep=options.keep,
        at_least=options.at_least,
        multiple=options.multiple,
        widths=options.widths,
    )


def _planned_on_real_tensors(
    network: nn.Module,
    shapes: Mapping[str, torch.Size],
    example_inputs: Arguments,
    options: Options,
) -> Plan:
    """Return the plan by a trace on the CPU: code that asks for the device goes its real way there.

    It is checked by arithmetic, so it is only asked for where the meta device told the wrong path
    or none.
    """
    inputs = example_inputs.to(torch.device("cpu"))
    answers = _answers(network, example_inputs)
    return _planned(replace(copied(network)), shapes, inputs, options, answers)


def _answers(network: nn.Module, example_inputs: Arguments) -> tuple[Answer, ...]:
    """Return the answers to questions for values on the example inputs."""
    return answers_of(replace(copied(network)).eval(), example_inputs.to(torch.device("cpu")))


def _removable(proved: ProvedPlan) -> int:
    """Return the number of channels that may leave; -1 where nothing was learned."""
    plan = proved.plan
    return int((~plan.bundles.kept).sum()) if plan.trace.knows_channels else -1


def _kept_layers(
    network: nn.Module, shapes: Mapping[str, torch.Size], keep: Sequence[str]
) -> list[str]:
    """Return the parameters that names of modules or parameters stand for, evolvable or not.

    Raises:
        TaskError: a name is neither.
    """
    tied = [name for name, _ in network.named_parameters(remove_duplicate=False)]
    known = {name for name, _ in network.named_modules()} | set(tied)
    for name in keep:
        if name not in known:
            raise TaskError(
                f"the layer to keep {name!r} does not exist; wanted the name of a module or of a "
                f"parameter.{close_match(name, known)}"
            )
    return [
        entry
        for entry in dict.fromkeys([*shapes, *tied])
        if any(not name or entry == name or entry.startswith(f"{name}.") for name in keep)
    ]


def _require_forward(network: nn.Module, example_inputs: Arguments) -> None:
    """Refuse inputs that the network cannot run on at all.

    Raises:
        TaskError: what the network said.
    """
    try:
        with untouched(), torch.no_grad():
            example_inputs.to(torch.device("cpu")).call(duplicate(network).cpu().eval())
    except Exception as error:
        raise TaskError(of_inputs(network, example_inputs, error)) from error


def _evolvable_shapes(network: nn.Module, evolvable: Sequence[str]) -> dict[str, torch.Size]:
    parameters, computed = dict(network.named_parameters()), weights_computed_from(network)
    tied = dict(network.named_parameters(remove_duplicate=False))
    shapes: dict[str, torch.Size] = {}
    for name in evolvable:
        _require_can_evolve(name, tied, computed)
        if not tied[name].numel():  # of a block that left: there is nothing of it to lose
            continue
        # By identity: ``==`` of tensors compares elements.
        first = next(own for own, value in parameters.items() if value is tied[name])
        shapes[first] = tied[name].shape  # a tied weight evolves once, under its first name
    if not shapes:
        raise TaskError(
            "the ancestor has no parameter that may evolve: wanted a convolution or linear layer "
            "before the last one. Name them with the task's `evolvable`."
        )
    return shapes


def _require_can_evolve(
    name: str, tied: Mapping[str, nn.Parameter], computed: Mapping[str, str]
) -> None:
    """Refuse the name of what is no weight that synapses could be taken from.

    Args:
        name: of what should evolve.
        tied: all parameters, under each of their names.
        computed: weights that are computed in every pass, by what they are computed from.

    Raises:
        TaskError: the name, and what is wrong with it.
    """
    if name in computed.values():
        raise TaskError(
            f"parameter {name!r} cannot evolve: it is computed from others in every pass, by a "
            "parametrisation or a norm of weights. Leave it out of `evolvable`, or remove the "
            "parametrisation."
        )
    if name not in tied or tied[name].ndim < 2:
        found = f"has shape {tuple(tied[name].shape)}" if name in tied else "does not exist"
        raise TaskError(
            f"parameter {name!r} cannot evolve: it {found}; wanted a weight with at least "
            f"two axes.{close_match(name, tied)}"
        )
    for source, weight in computed.items():
        if tied.get(source) is tied[name]:
            raise TaskError(
                f"parameter {name!r} cannot evolve: {weight} is computed from it anew in every "
                "pass, and would be 0/0 where all of it is absent. Leave it out of `evolvable`, "
                "or remove the parametrisation."
            )
