"""evoframe: evolutionary synthesis of deep networks.

A trained network goes in; its weights are read as DNA, offspring are drawn, trained like newborns
and selected; after a few generations a far smaller network comes out, with its whole ancestry.

Nothing heavy is imported before it is used.

The examples below go on from these lines: a network, data, and a task for both.

>>> import torch
>>> from torch import nn
>>> import evoframe
>>> seeded = torch.manual_seed(0)
>>> inputs = torch.randn(300, 8)
>>> targets = (inputs[:, 0] > inputs[:, 1]).long()
>>> def factory():
...     return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
>>> def accuracy(outputs, targets):
...     return (outputs.argmax(1) == targets).float()
>>> task = evoframe.task(
...     network=factory(),
...     train=(inputs[:200], targets[:200]),
...     validation=(inputs[200:], targets[200:]),
...     loss=nn.functional.cross_entropy,
...     metrics={"accuracy": accuracy},
...     trained=False,
... )
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evoframe.lazy import from_modules
from evoframe.markers import hookimpl as hookimpl
from evoframe.version import CONTRACT as CONTRACT, __version__ as __version__

if TYPE_CHECKING:
    from evoframe.api import (
        ask_tell as ask_tell,
        evolve as evolve,
        open_run as open_run,
        resume as resume,
    )
    from evoframe.config.recipe import Recipe as Recipe
    from evoframe.errors import EvoframeError as EvoframeError
    from evoframe.export.state import load as load
    from evoframe.kernel.key import Key as Key
    from evoframe.kernel.lasting import plain as plain
    from evoframe.kernel.modules.arguments import Arguments as Arguments
    from evoframe.once.shrinking import shrink as shrink
    from evoframe.once.shrunk import Shrunk as Shrunk, shrunk as shrunk
    from evoframe.once.timing import latency_table as latency_table
    from evoframe.roles.over_data_set import over_data_set as over_data_set
    from evoframe.run.asking import Session as Session
    from evoframe.run.handing import Asked as Asked
    from evoframe.run.run import Run as Run
    from evoframe.strategies.task.making import task as task

_PLACES = {
    "Arguments": "evoframe.kernel.modules.arguments",
    "Asked": "evoframe.run.handing",
    "EvoframeError": "evoframe.errors",
    "Key": "evoframe.kernel.key",
    "Recipe": "evoframe.config.recipe",
    "Run": "evoframe.run.run",
    "Session": "evoframe.run.asking",
    "Shrunk": "evoframe.once.shrunk",
    "ask_tell": "evoframe.api",
    "evolve": "evoframe.api",
    "latency_table": "evoframe.once.timing",
    "load": "evoframe.export.state",
    "open_run": "evoframe.api",
    "over_data_set": "evoframe.roles.over_data_set",
    "plain": "evoframe.kernel.lasting",
    "resume": "evoframe.api",
    "shrink": "evoframe.once.shrinking",
    "shrunk": "evoframe.once.shrunk",
    "task": "evoframe.strategies.task.making",
}

__all__ = ["CONTRACT", "__version__", "hookimpl", *_PLACES]  # noqa: PLE0604  the keys are strings


if not TYPE_CHECKING:  # a type checker is to refuse names that are not there
    __getattr__ = from_modules(__name__, _PLACES)


def __dir__() -> list[str]:
    return sorted(__all__)
