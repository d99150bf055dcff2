"""What a survey has found, as facts for the journal: layers, and what stays with its remedy.

Whoever reads a run later has them from its record, without the network that was surveyed.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from evoframe.anatomy import Anatomy
from evoframe.anatomy.held import given_out, held_back
from evoframe.anatomy.remedies import remedy
from evoframe.kernel import device as devices
from evoframe.kernel.key import untouched
from evoframe.run.disk.account import channels_of_layers
from evoframe.run.disk.events import SESSION
from evoframe.run.disk.facts import SURVEY
from evoframe.run.disk.journal import Journal
from evoframe.run.world import World
from evoframe.version import __version__


def put_on_record(world: World, journal: Journal) -> None:
    """Put on record that a process takes up a run, and what the survey found if nobody has yet."""
    device = devices.describe(world.device)
    journal.tell(SESSION, {"evoframe": __version__, "device": device})
    if journal.fact(SURVEY) is None:
        journal.note(**{SURVEY: json.dumps(surveyed(world))})


def surveyed(world: World) -> dict[str, Any]:
    """Return the facts that are put on record of the survey of a run's ancestor."""
    anatomy = world.anatomy
    with untouched():  # it traces the network again, whose code may draw
        outputs = set(given_out(anatomy))
        barriers = _barriers(anatomy)
    return {
        "metrics": [one.in_table() for one in world.recipe.task.metrics],
        "layers": _layers(anatomy, outputs),
        "barriers": barriers,
        "seconds": round(world.surveying, 3),
    }


def _layers(anatomy: Anatomy, outputs: set[str]) -> list[dict[str, Any]]:
    free = anatomy.removable
    widths = channels_of_layers(anatomy, torch.ones_like(free))
    leaving = channels_of_layers(anatomy, free)
    return [
        {
            "name": name,
            "shape": list(shape),
            "channels": width,
            "free": can_leave,
            "given_out": name in outputs,
        }
        for (name, shape), width, can_leave in zip(
            anatomy.evolvable.items(), widths, leaving, strict=True
        )
    ]


def _barriers(anatomy: Anatomy) -> list[dict[str, Any]]:
    """Return each barrier with the shares that it holds back and what helps, the most first."""
    held = held_back(anatomy) if anatomy.barriers else ()
    return [
        {
            "what": one.barrier.what,
            "reason": one.barrier.reason,
            "parameters": round(one.parameters, 4),
            "flops": None if one.flops is None else round(one.flops, 4),
            "remedy": remedy(one.barrier),
        }
        for one in held
    ]
