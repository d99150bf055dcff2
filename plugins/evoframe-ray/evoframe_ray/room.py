"""Room: whether any node of a cluster is large enough for a life."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import attrs

from evoframe.plugin import RunError
from evoframe_ray import cluster

LOG = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class Room:
    """What a life needs of a node, and how long it is waited for.

    A task for which no node is large enough would wait in Ray for ever, without a word.

    Attributes:
        wanted: amounts by the names of resources.
        patience: seconds.
    """

    wanted: Mapping[str, float]
    patience: float
    # Since when there is none; a list, because the value is frozen.
    _missed: list[float] = attrs.field(factory=list, init=False)

    def require(self) -> None:
        """Wait until a node is large enough.

        Raises:
            RunError: none is for too long.
        """
        while not self.is_there():
            time.sleep(0.5)

    def is_there(self) -> bool:
        """Tell whether a node is large enough, as far as is known now.

        Raises:
            RunError: none is for too long.
        """
        nodes = _nodes()
        if any(self._fits(one) for one in nodes):
            self._missed.clear()
            return True
        if not self._missed:
            self._missed.append(time.monotonic())
            if self.patience:
                LOG.warning("%s: waiting %g s for one", self._told(nodes), self.patience)
        if time.monotonic() - self._missed[0] >= self.patience:
            raise RunError(
                f"{self._told(nodes)}. Ask for less (executor.cpus, .gpus, .resources), or add a "
                "node. Finished work is kept; continue with `evoframe resume`."
            )
        return False

    def _fits(self, node: Mapping[str, float]) -> bool:
        return all(node.get(name, 0.0) >= amount for name, amount in self.wanted.items())

    def _told(self, nodes: list[dict[str, float]]) -> str:
        here = "; ".join(_in_words(self.wanted.keys() | {"CPU"}, one) for one in nodes) or "none"
        wanted = _in_words(self.wanted, self.wanted)
        return f"no node of the cluster of the executor 'ray' has {wanted} (its nodes: {here})"


def _nodes() -> list[dict[str, float]]:
    nodes: list[dict[str, Any]] = cluster.needed().nodes()
    return [one["Resources"] for one in nodes if one["Alive"]]


def _in_words(names: Any, amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{amounts.get(name, 0.0):g} {name}" for name in sorted(names))
