"""A wish: how a network is to become smaller, and the cut that fulfils it."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import attrs
import torch

from evoframe.anatomy import Anatomy
from evoframe.config.values import structure
from evoframe.errors import ConfigError
from evoframe.kernel.context import Context
from evoframe.kernel.key import Key
from evoframe.kernel.modules.arguments import Arguments
from evoframe.kernel.phenotype import Phenotype
from evoframe.once.cutting import Cut, cut_down
from evoframe.once.given import told_of_data
from evoframe.once.hearing import require_hearing
from evoframe.once.limits import limits_of
from evoframe.roles import Task
from evoframe.strategies.encoding.cluster import Cluster
from evoframe.strategies.nurture.repair import Repair
from evoframe.strategies.training.untrained import Untrained

FLOOR = 0.1
"""Share of its channels that every layer keeps, as far as the limits allow."""


def ranking(importance: str, **options: Any) -> Cluster:
    """Return the encoding that ranks bundles by an importance.

    Raises:
        ConfigError: there is no such importance or option.
    """
    table = {"of": "bundle", "draw": False, "importance": importance, **options}
    return structure(table, Cluster, "shrink")


@attrs.frozen(eq=False)
class Wish:
    """How a network is to become smaller.

    Attributes:
        encoding: ranks its bundles.
        asked: limits by cost, as people say them.
        at_least: channels or a share of them that every layer keeps; None for a tenth.
        steps: in how many cuts.
        repair: batches to repair what reads channels that left on; 0 for none.
        statistics: batches to estimate the statistics of batch norms on; 0 for none.
    """

    encoding: Cluster
    asked: Mapping[str, str | float | None]
    at_least: float | None = None
    steps: int = 1
    repair: int = 0
    statistics: int = 0

    def fulfilled(
        self, anatomy: Anatomy, task: Task, key: Key, device: torch.device
    ) -> tuple[Cut, Phenotype]:
        """Return a cut, and the smaller network, in evaluation mode.

        Raises:
            ConfigError: a limit cannot be understood or met, or what is left hears nothing.
        """
        self._require_whole_numbers()
        whole = anatomy.genotype().to(device)
        anatomy = anatomy.to(device)
        limits = limits_of(self.asked, anatomy.costs_as_given(), bounded=bool(anatomy.bounds))
        context = Context(whole, None, anatomy, task, device, 2, key)
        share = FLOOR if self.at_least is None or self.at_least >= 1 else self.at_least
        genotype = cut_down(self.encoding, limits, context, floor=share, steps=self.steps)
        phenotype = anatomy.develop(genotype)
        with told_of_data("repair or statistics", task, "; repair=0 and statistics=0 ask for none"):
            unrepaired: Mapping[str, str] = {}
            if self.repair:
                repairing = Repair(self.repair).begin(phenotype, context)
                repairing.before_epoch(phenotype, context, 0)
                unrepaired = repairing.lacking
                genotype = anatomy.absorb(phenotype)
            if self.statistics:
                Untrained(batches=self.statistics).train(phenotype, context)
                genotype = anatomy.absorb(phenotype)
        phenotype.network.eval()
        inputs = Arguments.of(task.example_inputs())
        lost = require_hearing(anatomy.network, phenotype.network, inputs, key.at("hearing"))
        return Cut(anatomy, genotype, lost, unrepaired), phenotype

    def _require_whole_numbers(self) -> None:
        for name, least in (("steps", 1), ("repair", 0), ("statistics", 0)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                wanted = "at least one cut" if least else "a number of batches, or 0"
                raise ConfigError(f"{name} is {value!r}; wanted {wanted}.")
