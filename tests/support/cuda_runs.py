"""Short runs on a CUDA device, or on what stands for one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

import evoframe
from evoframe import hookimpl
from evoframe.roles import Observer

BLOBS = f"{Path(__file__).parent / 'blobs.py'}:Blobs"
DEVICE = "cuda"

IN_HALF = ("task.dropout=0.3", "training.half_precision=true")

RECIPES = {
    "the first paper's": {"encoding": "synaptic"},
    "clusters": {"encoding": "cluster"},
    "magnitude under a ceiling": {
        "encoding": "magnitude",
        "environment": "budget",
        "options": ["environment.share=0.7"],
    },
    "what the loss feels": {"encoding": "sensitivity"},
    "two parents that change": {
        "heredity": "mating",
        "mutation": ["noise", "regrowth"],
        "population": 3,
    },
    "lives together, in half precision": {
        "population": 4,
        "options": [*IN_HALF, "training.together=3"],
    },
    "siblings that climb": {
        "encoding": "cluster",
        "environment": "budget",
        "litter": "climb",
        "options": ["encoding.of=bundle", "litter.steps=2", "litter.examples=[32]"],
    },
    "siblings in rungs, in half precision": {
        "litter": "halving",
        "nurture": "distillation",
        "options": [*IN_HALF, "litter.size=6", "litter.examples=32"],
    },
    "lives in rungs, in half precision": {
        "selection": f"{Path(__file__).parents[2] / 'examples/strategies/halving.py'}:Halving",
        "options": [*IN_HALF, "selection.lives=[3,2,1]", "selection.epochs=[0.5,1.5]"],
    },
}


def evolve(out: Path, *, options=(), **choices) -> evoframe.Run:
    given = {"task": BLOBS, "device": DEVICE, "generations": 3, "population": 2, **choices}
    usual = ["task.norm=true", "task.hidden=64", "training.epochs=2"]
    return evoframe.evolve(out=out, options=[*usual, *options], **given)


STOPPED = (
    "the first paper's",
    "lives together, in half precision",
    *(n for n in RECIPES if "in rungs" in n),
)
"""Those that are stopped in the middle of a life as well."""


@attrs.frozen(eq=False)
class Interrupter(Observer):
    """Stops a run in the middle of a life."""

    name: ClassVar[str] = "interrupter"

    @hookimpl
    def evoframe_epoch_finished(self, event):
        if event.individual.startswith("g2") and event.epoch == 2:
            raise KeyboardInterrupt
