"""Recipe: one run, completely said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from evoframe.config.inner import inner
from evoframe.kernel.widths import Width, require_count_or_share
from evoframe.roles import (
    ROLE_TABLES,
    ROLES,
    Encoding,
    Environment,
    Executor,
    Heredity,
    Litter,
    Mutation,
    Nurture,
    Observer,
    Selection,
    Strategy,
    Task,
    Training,
    doc,
)

COSTS = ("synapses", "parameters", "flops", "bytes", "activations", "latency")
"""The sizes that the rule ``until`` may look at."""

MANY = 1_000_000
"""More generations, or individuals in one, than anybody can mean."""

_UNTIL = re.compile(rf"(?:({'|'.join(COSTS)})=)?([1-9]\d*(?:\.\d+)?)x")
_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
_KEEP = re.compile(r"all|front|last ([1-9]\d{0,8})")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _matches(pattern: re.Pattern[str], wanted: str) -> Any:
    def check(_instance: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
        if value is not None and not pattern.fullmatch(value):
            raise ValueError(f"{attribute.name!r} is {value!r}; wanted {wanted}")

    return check


@attrs.frozen
class RunOptions:
    """How long a run goes on, where, and from which seed."""

    seed: int = attrs.field(default=0, metadata=doc("random seed"))
    generations: int = attrs.field(
        default=5,
        validator=[attrs.validators.ge(1), attrs.validators.le(MANY)],
        metadata=doc(
            "maximum number of generations, including the ancestor's, as the papers count"
        ),
    )
    population: int = attrs.field(
        default=1,
        validator=[attrs.validators.ge(1), attrs.validators.le(MANY)],
        metadata=doc("individuals per generation after the ancestor's"),
    )
    until: str | None = attrs.field(
        default=None,
        validator=_matches(
            _UNTIL, "a factor as in '10x' (of synapses), 'parameters=4x' or 'flops=4x'"
        ),
        metadata=doc(
            "stop once an individual is smaller than the ancestor by this factor: flops=4x, "
            "parameters=4x, bytes=4x, activations=4x, latency=2x; 10x means synapses"
        ),
    )
    latency_table: Path | None = attrs.field(
        default=None,
        metadata=doc(
            "latency table to use, with the milliseconds of each layer at each width; see "
            "`evoframe latency`"
        ),
    )
    max_drop: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(0)),
        metadata=doc(
            "allowed loss of the primary metric, in percentage points of a share, otherwise in its "
            "own unit; it is a share if the task says so, or if larger is better and the "
            "ancestor's value lies in 0..1"
        ),
    )
    time: str | None = attrs.field(
        default=None,
        validator=_matches(_TIME, "a duration as in '90s', '20m' or '2h'"),
        metadata=doc("stop after the generation during which this time runs out, e.g. 20m"),
    )
    device: str = attrs.field(default="auto", metadata=doc("auto, cpu, cuda or cuda:n"))
    threads: int = attrs.field(
        default=1,
        validator=[attrs.validators.ge(1), attrs.validators.le(1024)],
        metadata=doc("CPU threads per life; affects the last bits of weights"),
    )
    strict: bool = attrs.field(
        default=True, metadata=doc("on CUDA, use deterministic kernels only")
    )
    checkpoint: float = attrs.field(
        default=30.0,
        validator=attrs.validators.ge(0),
        metadata=doc(
            "minimum seconds between checkpoints of a life, which are written after epochs"
        ),
    )
    keep: str = attrs.field(
        default="all",
        validator=_matches(_KEEP, "'all', 'front', or 'last' with a number as in 'last 3'"),
        metadata=doc(
            "weights to keep on disk: all; front (the Pareto front of metric and size); "
            "last N (of N generations). Those of the ancestor, parents and the best are "
            "always kept, and others are reconstructed by repeating their lives on request"
        ),
    )
    latency: bool = attrs.field(
        default=False,
        metadata=doc(
            "at the end of the run, measure and record the latency of the ancestor, the "
            "delivered individual and up to eight others, on the run's device"
        ),
    )
    plugins: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("modules or Python files to load in addition to installed plugins")
    )
    requires: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("distributions that must be installed, e.g. evoframe-lottery>=0.2")
    )

    @property
    def target(self) -> tuple[str, float] | None:
        """The size and the factor of ``until``."""
        if self.until is None:
            return None
        found = _UNTIL.fullmatch(self.until)
        assert found is not None
        return found[1] or "synapses", float(found[2])

    @property
    def generations_kept(self) -> int:
        """How many generations ``keep`` keeps at least: the last one, whose parents are needed."""
        found = _KEEP.fullmatch(self.keep)
        assert found is not None
        return int(found[1] or 1)

    @property
    def seconds(self) -> float | None:
        """The time limit in seconds."""
        if self.time is None:
            return None
        found = _TIME.fullmatch(self.time)
        assert found is not None
        return float(found[1]) * _SECONDS[found[2]]


def _whole(value: float) -> float:
    """Return a whole number as an int, to be written as one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@attrs.frozen
class AnatomyOptions:
    """Which channels may leave the ancestor, besides what its operations allow."""

    keep: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("layers, by name, that keep all their output channels")
    )
    at_least: float = attrs.field(
        default=1,
        converter=_whole,
        validator=require_count_or_share,
        metadata=doc("minimum number of output channels per layer; below 1, a share of them"),
    )
    multiple: int = attrs.field(
        default=1,
        validator=attrs.validators.ge(1),
        metadata=doc("multiple to which the output channels of a layer are rounded up"),
    )
    layers: Mapping[str, Width] = attrs.field(
        factory=dict,
        metadata=doc(
            "widths of single layers, by name or pattern, as in { 'layer1.*' = { at_least = "
            "0.5, multiple = 8 }, 'head' = { at_most = 64 } }"
        ),
    )
    numbers: bool = attrs.field(
        default=True,
        metadata=doc(
            "test removals on real inputs in the survey, which takes about 20 forward and 5 "
            "backward passes"
        ),
    )
    approximate: bool = attrs.field(
        default=False,
        metadata=doc(
            "allow removal of channels that a norm averages over, which changes what is computed"
        ),
    )
    depth: bool = attrs.field(
        default=False,
        metadata=doc("allow removal of whole residual blocks, where this is exact", later=True),
    )


@attrs.frozen
class Recipe:
    """One run, completely said: the same value in Python, TOML, logs and the run record.

    Attributes:
        run: how long, where, and from which seed.
        anatomy: which channels may leave the ancestor.
        about: what people should know of the recipe; changes nothing.
        task, ancestor, ...: the strategies; ``ancestor`` is how the ancestor is trained when it
            does not come trained (as ``training``, if None).
        sources: for strategies that nobody offers, where they were found, by entry.
        can_be_rebuilt: whether the record of a run is enough to make the recipe again, in another
            process or on another day; not so with strategies made in a Python session.
    """

    task: Task
    run: RunOptions = RunOptions()
    anatomy: AnatomyOptions = AnatomyOptions()
    about: Mapping[str, str] = attrs.field(factory=dict)
    heredity: Heredity = attrs.field(kw_only=True)
    encoding: Encoding = attrs.field(kw_only=True)
    mutation: tuple[Mutation, ...] = ()
    environment: tuple[Environment, ...] = ()
    litter: Litter | None = None
    training: Training = attrs.field(kw_only=True)
    ancestor: Training | None = None
    nurture: tuple[Nurture, ...] = ()
    selection: Selection = attrs.field(kw_only=True)
    executor: Executor = attrs.field(kw_only=True)
    observer: tuple[Observer, ...] = attrs.field(default=(), eq=False)
    sources: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    can_be_rebuilt: bool = attrs.field(default=True, eq=False)

    def strategies(self) -> list[tuple[str, Strategy]]:
        """Return every strategy with the name of its entry, e.g. ``("mutation[0]", ...)``.

        One that is an option of another comes after that, as in ``("mutation[0].arms[1]", ...)``.
        """
        found: list[tuple[str, Strategy]] = []
        for table in ROLE_TABLES:
            value = getattr(self, table)
            several = isinstance(value, tuple)
            for index, one in enumerate(value if several else (value,)):
                if one is not None:
                    entry = f"{table}[{index}]" if several else table
                    found += [(entry, one), *inner(one, entry)]
        return found


DEFAULTS: dict[str, Any] = {
    role.name: [{"use": role.default}] if role.several else {"use": role.default}
    for role in ROLES.values()
    if role.default
}
"""What a recipe means when it leaves a table out."""
