"""Ray: a life is a task of Ray Core, and a node of the cluster lives it.

What goes there is the path of the run and a birth, half a kilobyte; events and the entry for the
journal come back. Genotypes and checkpoints are files in the run's folder, which every node sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import attrs

from evoframe.plugin import Executor, FrozenDict, Send, TaskError, doc
from evoframe_ray import cluster
from evoframe_ray.calls import Calls
from evoframe_ray.room import Room
from evoframe_ray.worker import lived

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST = 1000
"""More tries than that are a slip of the pen."""


def _share(_: Any, attribute: Any, value: float) -> None:
    """Hold a number of processors to what Ray hands out."""
    _require_share(attribute.name, value)


def _require_share(name: str, value: float) -> None:
    """Refuse what is neither a share of one nor whole."""
    if not (math.isfinite(value) and value >= 0 and (value <= 1 or value == int(value))):
        raise ValueError(
            f"{name} = {value:g}; wanted a share of one such as 0.5, or a whole number"
        )


def _amounts(_: Any, attribute: Any, value: Mapping[str, float]) -> None:
    """Hold a table of resources to names of one's own, with amounts of them."""
    for name, amount in value.items():
        if name in ("CPU", "GPU", "memory", "object_store_memory"):
            raise ValueError(
                f"{attribute.name} has {name!r}, which is Ray's own; wanted names that nodes were "
                "started with (`ray start --resources`); cpus and gpus have options"
            )
        _require_share(f"{attribute.name}.{name}", amount)


@attrs.frozen
class Ray(Executor):
    """Lives lives on the nodes of a Ray cluster, each as a task."""

    name: ClassVar[str] = "ray"
    other_machines: ClassVar[bool] = True

    address: str = attrs.field(
        default="auto",
        metadata=doc(
            "host:port of a cluster that runs; 'auto': the one of RAY_ADDRESS or of this machine; "
            "'local': one that is begun on this machine for the run, and ended with it"
        ),
    )
    cpus: float = attrs.field(
        default=1.0, validator=_share, metadata=doc("CPU cores for each life, or a share of one")
    )
    gpus: float = attrs.field(
        default=0.0,
        validator=_share,
        metadata=doc("GPUs for each life, or a share of one; with run.device = 'cuda'"),
    )
    resources: Mapping[str, float] = attrs.field(
        factory=FrozenDict,
        converter=FrozenDict,
        validator=_amounts,
        metadata=doc("what else each life needs of a node, by the name that the node gives it"),
    )
    tries: int = attrs.field(
        default=3,
        validator=[attrs.validators.ge(1), attrs.validators.le(MOST)],
        metadata=doc("how often a life is begun at most, if workers or nodes die under it"),
    )
    max_lives: int = attrs.field(
        default=0,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "lives after which a worker is replaced by a new one, which frees what leaks; 0: never"
        ),
    )
    patience: float = attrs.field(
        default=60.0,
        validator=attrs.validators.ge(0),
        metadata=doc("seconds to wait for a node that is large enough, while there is none"),
    )

    def check(self, *, can_be_rebuilt: bool) -> None:
        """Refuse what other nodes could not make again, and a cluster that cannot be had.

        Raises:
            TaskError: a strategy lives only in this session.
            ConfigError: Ray is not there, or no cluster.
            RunError: no node is large enough.
        """
        if not can_be_rebuilt:
            raise TaskError(
                "the executor 'ray' must rebuild the task in processes on other nodes, and a "
                "strategy of this recipe exists only in this Python session. Put it in a file and "
                "name it as --task file.py:Name, or use the executor 'serial'."
            )
        if self.address == cluster.LOCAL:
            cluster.needed()  # it would be begun for nothing
            return
        with self.open():
            self._room().require()

    @contextmanager
    def open(self) -> Iterator[Ray]:
        """Be in touch with the cluster until the end of the block."""
        with cluster.connected(self.address):
            yield self

    def map(
        self, live: Callable[[Job, Any], Result], jobs: Sequence[Job], send: Send
    ) -> Iterator[Result]:
        """Yield the results as they come; the first failure stops what has not ended.

        Raises:
            RunError: a life was lost with its worker as often as it may be tried, or no node is
                large enough.
        """
        if not jobs:
            return
        with self.open():
            yield from Calls(self._task(), self.tries, self._room()).map(live, jobs, send)

    def _task(self) -> Any:
        return cluster.needed().remote(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            resources=dict(self.resources),
            max_calls=self.max_lives,
            # Ray would begin again a stream of which a part was heard; see calls.py.
            max_retries=0,
            num_returns="streaming",
        )(lived)

    def _room(self) -> Room:
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return Room({name: amount for name, amount in wanted.items() if amount}, self.patience)
