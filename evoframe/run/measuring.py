"""Measuring how fast networks of a run are, at its end, for the record and for no decision."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from evoframe.costs.latency import BATCHES, latencies
from evoframe.kernel import device as devices
from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.key import untouched
from evoframe.kernel.population import is_sound
from evoframe.run.disk.facts import LATENCY
from evoframe.run.disk.journal import Journal
from evoframe.run.living.recall import Recall
from evoframe.run.world import World

MOST = 8
"""How many individuals are measured besides the ancestor and the one that is delivered."""

LONG = 0.3
"""Seconds for which each is measured, at least, at each size of batch."""


def put_on_record(world: World, journal: Journal, chosen: str) -> list[str]:
    """Measure networks if that was asked for; returns a sentence if it could not be done.

    A run that is over does not fail for a figure.
    """
    if not world.recipe.run.latency:
        return []
    try:
        told = measured(world, journal.individuals(), chosen)
    except Exception as error:  # noqa: BLE001  a network may do anything with other batches
        return [f"latency was not measured: {type(error).__name__}: {error}"]
    journal.note(**{LATENCY: json.dumps(told)})
    return []


def measured(world: World, everyone: Sequence[Individual], chosen: str) -> dict[str, Any]:
    """Return the facts that are put on record of the speed of networks, on the run's device.

    Args:
        world: of the run.
        everyone: all individuals; the ancestor first.
        chosen: the id of the one that is delivered.
    """
    recall, run, found = Recall.of(world), world.recipe.run, {}
    task, metric = world.recipe.task, world.recipe.task.primary
    alive = [one for one in everyone[1:] if one.is_alive]
    there = [one for one in alive if world.folder.genotype(one.genotype_id).exists()]
    front = [one.id for one in foremost([everyone[0], *there], metric, MOST)]
    with devices.arithmetic(world.device, threads=run.threads, strict=run.strict), untouched():
        inputs = devices.move(task.example_inputs(), world.device)
        for name in dict.fromkeys([everyone[0].id, chosen, *front]):
            genotype = recall.genotype(recall.entries[name].individual.genotype_id)
            network = world.anatomy.develop(genotype).network.eval()
            taken = latencies(network, inputs, threads=run.threads, seconds=LONG)
            found[name] = {str(size): [one.median, one.iqr] for size, one in taken.items()}
    return {
        "device": _named(world.device),
        "threads": run.threads,
        "batches": list(BATCHES),
        "seconds": found,
    }


def _named(device: torch.device) -> str:
    """Return a device in words; of a CPU, whose time differs by model, the model too."""
    if device.type != "cpu":
        return devices.describe(device)
    told = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows, or nobody does
    lines = told.read_text("utf-8", "replace").splitlines() if told.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = next((one for one in models if one), platform.processor() or platform.machine())
    return f"cpu ({name})"


def foremost(everyone: Sequence[Individual], metric: Metric, most: int) -> list[Individual]:
    """Return individuals than whom nobody is better and has fewer FLOPs, evenly over sizes."""
    cost = "flops" if everyone[0].fitness and "flops" in everyone[0].fitness.costs else "parameters"
    sound = [one for one in everyone if is_sound(one, metric) and one.origin != "elite"]
    sound.sort(key=lambda one: (_cost(one, cost), -_value(one, metric)))
    front: list[Individual] = []
    for one in sound:
        if not front or _value(one, metric) > _value(front[-1], metric):
            front.append(one)
    step = max(len(front) - 1, 1) / max(most - 1, 1)
    picked = [front[round(index * step)] for index in range(most) if index * step < len(front)]
    return front if len(front) <= most else picked


def _cost(one: Individual, name: str) -> float:
    assert one.fitness is not None
    return one.fitness.costs[name]


def _value(one: Individual, metric: Metric) -> float:
    assert one.fitness is not None
    return metric.sort_value(one.fitness.value(metric.name))
