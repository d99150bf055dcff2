"""What a survey has found: what may evolve, what can leave, what stays and why, and its price."""

from __future__ import annotations

import time
from functools import partial

import torch
from rich.markup import escape
from rich.table import Table
from torch import nn

from evoframe.anatomy import Anatomy
from evoframe.anatomy.held import held_back
from evoframe.anatomy.plan.removable import lasting
from evoframe.anatomy.remedies import OTHERWISE, remedy
from evoframe.config.recipe import Recipe
from evoframe.costs.latency import BATCHES, latencies
from evoframe.errors import shortened
from evoframe.kernel import device as devices
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.modules.arguments import Inputs
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.report.sizes import COSTS
from evoframe.roles.measuring import batches_in
from evoframe.run.checks.shrinking import MUCH, share_in_words
from evoframe.strategies.training.alone import unless_alone

BATCHES_TIMED = 3
"""How many training batches an estimate looks at, after one to warm up."""


def layers(anatomy: Anatomy) -> Table:
    """Return one row for each layer with synapses: its channels, and whom they leave with."""
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for name in ("shape", "channels", "can leave"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("together with")
    bundles, targets = anatomy.bundles, anatomy.wiring.targets
    free = anatomy.removable
    for name, shape in anatomy.evolvable.items():
        channels = torch.unique(targets[name])
        classes = set(bundles.classes[channels].tolist())
        partners = [
            other
            for other, signal in targets.items()
            if other != name and classes & set(bundles.classes[signal.reshape(-1)].tolist())
        ]
        table.add_row(
            escape(name),
            "x".join(str(size) for size in shape),
            f"{len(channels)}",
            f"{int(free[channels].sum())}",
            escape(shortened(partners) if partners else ""),
        )
    return table


def written_by_others(anatomy: Anatomy) -> str:
    """Return a sentence on channels that nothing keeps but what does not evolve; empty if none are.

    Without synapses they are not zero, so no genotype lets them leave.
    """
    bundles, wiring = anatomy.bundles, anatomy.wiring
    stay = lasting(bundles, wiring) & ~bundles.by_class(bundles.kept)
    layers = [name for name, ends in wiring.targets.items() if bool(stay[ends].any())]
    if not layers:
        return ""
    tables = {
        f"{name}.weight"
        for name, module in anatomy.network.named_modules()
        if isinstance(module, nn.Embedding)
    }
    held = {one.entry for one in wiring.holdings if bool(stay[one.channels].any())}
    writers = sorted(held & tables - set(anatomy.evolvable))
    said = (
        f"channels of {shortened(layers)} stay because what does not evolve writes and reads them"
    )
    if not writers:
        return f"{said}, such as a parameter, an input or a layer that is not `evolvable`."
    return f"{said}: {shortened(writers)}. Name such tables in the task's `evolvable` as well."


def barriers(anatomy: Anatomy) -> list[str]:
    """Return a line for each barrier, that which holds back most first, and each remedy once."""
    found = held_back(anatomy)
    if not found:
        return ["\nnothing stands in the way"]
    lines = ["\nwhat stays, and what could leave without each barrier alone"]
    said = set()
    for one in found:
        advice = remedy(one.barrier)
        lines.append(f"{share_in_words(one)}: {one.barrier.what}: {one.barrier.reason}")
        # What lies behind a barrier is not known, so one that holds back little may matter most.
        if advice not in said and (advice != OTHERWISE or one.share >= MUCH):
            lines.append(f"    try: {advice}")
            said.add(advice)
    return lines


def blocks(anatomy: Anatomy) -> list[str]:
    """Return a line for each block that can leave as a whole, and for each that stays, and why."""
    plan, whole = anatomy.proved.plan, torch.ones_like(anatomy.bundles.kept)
    lines = []
    for one in anatomy.blocks:
        without = whole.clone()
        without[one.channel] = False
        saved = [f"{1 - plan.parameters(without) / plan.parameters(whole):.0%} of the parameters"]
        if flops := plan.flops(whole):
            saved.append(f"{1 - plan.flops(without) / flops:.0%} of the FLOPs")
        lines.append(f"{one.name}: {' and '.join(saved)}")
    if lines:
        lines.insert(0, "\nblocks that can leave as a whole, and what leaves with each")
    stay = [f"{one.what}: {one.reason}" for one in anatomy.block_barriers]
    return [*lines, *(["\nblocks that stay", *stay] if stay else [])]


def costs(anatomy: Anatomy, inputs: Inputs) -> Table:
    """Return the costs of the ancestor, with its latency on one thread of this machine.

    Args:
        anatomy: of the ancestor.
        inputs: example inputs; zeros would not do where a path hangs on values.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    found = anatomy.costs(anatomy.genotype())
    for name, label in COSTS.items():
        if name in found:
            table.add_row(label, f"{found[name]:,.0f}")
    network = duplicate(anatomy.network).cpu().eval()
    taken = latencies(network, inputs)
    for size in BATCHES:
        words = f"not measured: a pass may take {_duration(size * taken[1].median)}"
        if size in taken:
            words = f"{taken[size].median * 1e3:.3f} ± {taken[size].iqr * 1e3:.3f} ms"
        table.add_row(f"latency, batch {size}, 1 thread", words)
    return table


def estimate(recipe: Recipe, anatomy: Anatomy) -> str:
    """Return an estimate in words of the time that a run takes, from that of a few batches."""
    epochs = getattr(recipe.training, "epochs", None)
    size = getattr(recipe.training, "batch_size", None)
    batches = recipe.task.batches("train", shuffle=Key(0), batch_size=size)
    if epochs is None or (count := batches_in(batches)) is None:
        return "how long a run takes cannot be estimated: its epochs or batches cannot be counted"
    first = getattr(recipe.ancestor or recipe.training, "epochs", epochs)
    lives = (recipe.run.generations - 1) * recipe.run.population
    epochs_in_all = (0 if recipe.task.is_trained else first) + lives * epochs
    seconds = _seconds_of_a_batch(recipe, anatomy, size) * count * epochs_in_all
    return (
        f"training takes {_duration(seconds)} at most, if no individual is smaller "
        "than the ancestor: "
        f"{epochs_in_all} epochs of {count} batches, on one CPU thread, measured on "
        f"{BATCHES_TIMED} batches"
    )


def _seconds_of_a_batch(recipe: Recipe, anatomy: Anatomy, size: int | None) -> float:
    network = duplicate(anatomy.network).cpu().train()
    taken = []
    with devices.arithmetic(torch.device("cpu"), threads=1, strict=True), sealed(Key(0)):
        for index, batch in enumerate(
            recipe.task.batches("train", shuffle=Key(0), batch_size=size)
        ):
            begun = time.perf_counter()
            step, size = partial(recipe.task.step, network, batch), recipe.task.examples_in(batch)
            if (loss := unless_alone(network, size, step)) is not None:
                loss.backward()  # type: ignore[no-untyped-call]
            taken.append(time.perf_counter() - begun)
            if index == BATCHES_TIMED:
                break
    # The median, without the first batch: it pays for what torch sets up once.
    return sorted(taken[1:] or taken)[len(taken[1:] or taken) // 2]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
