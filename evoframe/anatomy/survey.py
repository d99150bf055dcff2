"""Survey: what is learned of an ancestor, once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import nn

from evoframe.anatomy.anatomy import Anatomy
from evoframe.anatomy.named import evolvable_shapes, kept_layers
from evoframe.anatomy.plan import Plan, ProvedPlan
from evoframe.anatomy.plan.copying import replica
from evoframe.anatomy.plan.growing import body_of, copied
from evoframe.anatomy.proof import Numbers, measured, of_inputs, prove, require_own_parameters
from evoframe.anatomy.replacements import replace
from evoframe.anatomy.trace import Answer, answers_of, trace
from evoframe.errors import ConfigError, TaskError
from evoframe.kernel.key import untouched
from evoframe.kernel.lasting import is_plain, plain
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.entries import tensors_of
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
    given = _here(example_inputs)
    if not is_plain(network):  # delivered by another run; what was absent there may live here
        network = plain(duplicate(network))
    require_own_numbers(network)
    shapes = evolvable_shapes(network, evolvable)
    body = replace(body_of(network))  # which may be without parts that torch's own may not
    kept = kept_layers(network, shapes, keep)
    options = Options(kept, at_least, multiple, approximate, layers or {}, depth)
    plan = _planned_without_numbers(network, body, shapes, given, options)
    entries: dict[str, torch.Tensor] = {}
    tried, untried = None, "it has no numbers, being on the meta device"
    if _has_numbers(network):
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
    wiring = proved.plan.wiring()
    return Anatomy(network, proved, wiring, given.to(torch.device("meta")), untried, error)


def _here(example_inputs: Inputs) -> Arguments:
    """Return inputs on a device on which a survey works."""
    given = Arguments.of(example_inputs)
    works = all(one.device.type in HERE for one in given.tensors)
    return given if works else given.to(torch.device("cpu"))


def _has_numbers(network: nn.Module) -> bool:
    """Tell whether a network holds values, as none on the meta device does."""
    return not any(one.is_meta for one in tensors_of(network).values())


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


def _planned_without_numbers(
    network: nn.Module,
    body: nn.Module,
    shapes: Mapping[str, torch.Size],
    example_inputs: Arguments,
    options: Options,
) -> Plan:
    """Return the plan by a trace on the meta device.

    Where the body does not run there it is traced once more, with the answers that the network
    gives on the CPU to its questions for values.

    Raises:
        TaskError: the network does not run on its example inputs at all.
    """
    inputs = example_inputs.to(torch.device("meta"))
    plan = _planned(body, shapes, inputs, options)
    if plan.trace.knows_channels:
        return plan
    _require_forward(network, example_inputs)
    answers = _answers(network, example_inputs) if _has_numbers(network) else ()
    return _planned(body, shapes, inputs, options, answers) if answers else plan


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
