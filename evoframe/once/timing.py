"""Timing: a network's layers measured on this machine, or the plan of what to measure elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from torch import nn

from evoframe.anatomy import Anatomy, survey
from evoframe.anatomy.timing import latency_plan, layers_of, small_one
from evoframe.costs import measure_latency
from evoframe.costs.latency import batched, latency
from evoframe.costs.table import LatencyTable
from evoframe.errors import ConfigError
from evoframe.kernel import device as devices, wanted
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.once.given import Given

SCRIPT = "measure_latency.py"
"""The name of the stand-alone script."""

OFTEN = 50
"""How much longer whole networks are measured than a layer at one width."""

Said = Mapping[str, Any]
"""A plan or a table, as JSON holds it."""


@attrs.frozen
class Timing:
    """How layers are measured.

    Attributes:
        batch: examples in a forward pass; as many as the example inputs have if None.
        points: at how many widths each layer is measured.
        threads: of the CPU.
        device: where.
        rounds: how often each layer is measured at each width.
        seconds: how long each time, at least.
        processor: count the time of the processor, not of the clock; of one thread.
    """

    batch: int | None = None
    points: int = 5
    threads: int = 1
    device: str = "cpu"
    rounds: int = 3
    seconds: float = 0.01
    processor: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse what measures nothing."""
        if self.batch is not None:
            wanted.whole("batch", self.batch, 1)
        for name, least in (("points", 2), ("threads", 1), ("rounds", 1)):
            wanted.whole(name, getattr(self, name), least)
        wanted.number("seconds", self.seconds, 0)
        devices.resolve(self.device)
        if wanted.truth("processor", self.processor) and (
            self.threads > 1 or not self.device.startswith("cpu")
        ):
            raise ConfigError("processor counts the time of one thread of the CPU; leave it out.")

    def plan(self, anatomy: Anatomy, name: str) -> Said:
        """Return the plan of what is to be measured of a network.

        Raises:
            ConfigError: the network does not run on the meta device.
        """
        found: Said = latency_plan(anatomy, name, batch=self.batch, points=self.points)
        return found

    def table(self, anatomy: Anatomy, inputs: Inputs, name: str) -> Said:
        """Return the table of a network, measured here.

        Args:
            anatomy: of the network.
            inputs: example inputs, with values.
            name: of the network, for people.

        Raises:
            ConfigError: the network does not run on the meta device, or a layer not by itself.
        """
        plan, device = self.plan(anatomy, name), devices.resolve(self.device)
        given = Arguments.of(inputs) if self.batch is None else batched(inputs, self.batch)
        given, small = given.to(device), small_one(anatomy)
        entire = duplicate(anatomy.network).to(device).eval()
        fewer = None if small is None else anatomy.develop(small).network.to(device).eval()
        of_small: list[float] = []

        def whole() -> list[float]:
            if fewer is not None:
                of_small.append(self._latency(fewer, given))
            return [self._latency(entire, given)]

        try:
            said = measure_latency.table_of(
                dict(plan),
                device=str(device),
                threads=self.threads,
                rounds=self.rounds,
                seconds=self.seconds,
                processor=self.processor,
                whole=whole,
            )
        except RuntimeError as error:
            raise ConfigError(f"the latency of {name!r} cannot be measured: {error}") from error
        if small is not None:
            layers = layers_of(anatomy, small, LatencyTable.of(said, name))
            said["small"] = {**measure_latency.summary(of_small), "layers": layers}
        return said

    def _latency(self, network: nn.Module, inputs: Inputs) -> float:
        found = latency(
            network,
            inputs,
            threads=self.threads,
            seconds=OFTEN * self.seconds,
            processor=self.processor,
        )
        return 1e3 * found.median


def latency_table(
    network: nn.Module,
    example_inputs: Inputs,
    out: str | Path,
    *,
    evolvable: tuple[str, ...] | None = None,
    **how: Any,
) -> str:
    """Measure the layers of a network at many widths, write the table, and return it in words.

    Args:
        network: any module; it is not changed.
        example_inputs: inputs for one forward pass.
        out: the file to write.
        evolvable: names of the parameters that may lose channels, as of :func:`evoframe.shrink`.
        **how: ``batch``, ``points``, ``threads``, ``device``, ``rounds``, ``seconds`` and
            ``processor``: examples in a pass, widths at which each layer is measured, threads of
            the CPU, where, how often each layer is measured at each width, how long each time, and
            whether the time of the processor is counted, on a machine that others use as well.

    Raises:
        ConfigError: the network does not run on the meta device.
        TaskError: the network cannot be surveyed.

    >>> said = evoframe.latency_table(factory(), (inputs,), "cpu.json", points=2, seconds=0.001)
    """
    wanted.module("network", network)
    path, timing = wanted.path("out", out), Timing(**how)
    if evolvable is not None:
        evolvable = wanted.texts("evolvable", evolvable, "conv1.weight")
    task = Given(network, example_inputs, evolvable)
    names = task.evolvable(network)
    # With blocks, so that cuts with and without depth are told.
    anatomy = survey(network, example_inputs, names, numbers=False, depth=True)
    said = timing.table(anatomy, example_inputs, type(network).__name__)
    write(said, path)
    return in_words(said, str(out))


def write(said: Said, path: Path) -> None:
    """Write a plan or a table, one layer a line."""
    head = {name: value for name, value in said.items() if name != "layers"}
    lines = ",\n".join(f"  {json.dumps(one)}" for one in said["layers"])
    text = f'{json.dumps(head)[:-1]}, "layers": [\n{lines}\n]}}\n'
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be written: {error}") from error


def write_script(folder: Path) -> Path:
    """Write the stand-alone script into a folder, and return its path."""
    path = folder / SCRIPT
    shutil.copyfile(str(measure_latency.__file__), path)
    return path


def in_words(said: Said, name: str) -> str:
    """Return the contents of a table in words: the layers, the rest, and all that was left out."""
    table = LatencyTable.of(said, name)
    widths = sum(len(one["milliseconds"]) for one in said["layers"])
    calls = sum(int(one["times"]) for one in said["layers"])
    lines = [
        f"{name}: {calls} layers, {len(said['layers'])} not alike, {widths} widths ({table.about})",
        f"the layers take {table.whole:.4g} ms; {_rest(said['whole'], table)}",
    ]
    if said["left_out"]:
        lines.append(f"not written down, and part of the rest: {', '.join(said['left_out'])}")
    return "\n".join(lines)


def _rest(whole: Said | None, table: LatencyTable) -> str:
    if whole is None:
        return "the whole network was not measured, so nothing is added for the rest"
    told = f"the whole network {whole['milliseconds']:.4g} ms (IQR {whole['iqr']:.2g})"
    return f"{told} = {table.rest:.3g} ms + {table.part:.3g} of its layers"
