"""Measure layers on this machine: a plan of layers becomes a table of milliseconds.

    python measure_latency.py plan.json table.json --device cuda --whole 12.5

This file needs torch and nothing else, so it can be carried to the machine that is asked about.
Every layer of the plan is called by itself with random numbers, without gradients, at all of its
widths; several rounds over the whole plan, so that a slow minute of the machine falls on all.
Widths that cannot meet, as of inputs and groups, have null in the place of milliseconds.
``--whole`` is what the whole network takes there, in milliseconds, measured as it will be used.
On a machine that others use as well, ``--processor`` counts the time of the processor, of one
thread, and not the clock's.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import Timer

PLAN, TABLE = "evoframe latency plan 1", "evoframe latency table 1"
"""What a file says that it is."""

Measured = dict[str, float | None]
"""Milliseconds: the median, and the distance between the quartiles; None where nothing runs."""


def table_of(
    plan: dict[str, Any],
    *,
    device: str = "cpu",
    threads: int = 1,
    rounds: int = 3,
    seconds: float = 0.01,
    processor: bool = False,
    whole: Callable[[], list[float]] | None = None,
) -> dict[str, Any]:
    """Return the table of a plan, measured here.

    Args:
        plan: what is to be measured.
        device: where.
        threads: of the CPU.
        rounds: how often each layer is measured at each width.
        seconds: how long each time, at least.
        processor: count the time of the processor.
        whole: measures the whole network, in milliseconds; called once a round.
    """
    clock: dict[str, Any] = {"timer": time.process_time} if processor else {}
    timer = partial(Timer, "function(*args, **kwargs)", num_threads=threads, **clock)
    points = [(layer, widths) for layer in plan["layers"] for widths in grid(layer)]
    require_running(plan["layers"], device)
    found: list[list[float]] = [[] for _ in points]
    entire: list[float] = []
    for _ in range(rounds):
        entire.extend([] if whole is None else whole())
        for times, (layer, widths) in zip(found, points, strict=True):
            called = prepared(layer, widths, device)
            if why_not(called):
                continue
            with torch.inference_mode():
                blocks = timer(globals=called).blocked_autorange(min_run_time=seconds)
            times.extend(1e3 * one for one in blocks.times)
    told = iter([summary(times) for times in found])
    layers = [{**one, **columns([next(told) for _ in grid(one)])} for one in plan["layers"]]
    return {
        **plan,
        "format": TABLE,
        "device": device_name(device),
        "threads": threads,
        "torch": torch.__version__,
        "clock": "processor" if processor else "wall",
        "whole": summary(entire) if entire else None,
        "layers": layers,
    }


def require_running(layers: list[dict[str, Any]], device: str) -> None:
    """Refuse a layer that runs at none of its widths.

    Raises:
        RuntimeError: the layer, and what torch says.
    """
    for layer in layers:
        said = [why_not(prepared(layer, widths, device)) for widths in grid(layer)]
        if all(said):
            name = f"{layer['function']} in layer {layer['layer']!r}"
            raise RuntimeError(f"{name} runs at none of its widths: {said[-1]}")


def why_not(called: dict[str, Any]) -> str:
    """Return the words of torch where a call cannot be made; empty where it can."""
    try:
        with torch.inference_mode():
            called["function"](*called["args"], **called["kwargs"])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        return " ".join(str(error).split())[:200] or type(error).__name__
    return ""


def grid(layer: dict[str, Any]) -> Iterator[dict[str, int]]:
    """Yield the widths at which a layer is measured; the last width changes first."""
    names, values = list(layer["widths"]), list(layer["widths"].values())
    # Along the diagonal all widths grow together.
    together = zip(*values, strict=True) if layer.get("diagonal") else itertools.product(*values)
    for chosen in together:
        yield dict(zip(names, chosen, strict=True))


def prepared(layer: dict[str, Any], widths: dict[str, int], device: str) -> dict[str, Any]:
    """Return the function of a layer and its arguments at some widths."""
    args = [decoded(one, widths, device) for one in layer["arguments"]]
    kwargs = {name: decoded(one, widths, device) for name, one in layer["keywords"].items()}
    if layer["function"].endswith("item__") and isinstance(args[1], list):
        args[1] = tuple(args[1])
    return {"function": function_of(layer["function"]), "args": args, "kwargs": kwargs}


def function_of(name: str) -> Any:
    """Return the function of a name, as in ``torch.nn.functional.relu``."""
    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found


def decoded(value: Any, widths: dict[str, int], device: str) -> Any:
    """Return an argument as a plan holds it, at some widths."""
    if isinstance(value, str):
        return size_of(value, widths)
    if isinstance(value, list):
        return [decoded(one, widths, device) for one in value]
    return of_mapping(value, widths, device) if isinstance(value, dict) else value


def of_mapping(value: dict[str, Any], widths: dict[str, int], device: str) -> Any:
    """Return an argument of which a plan says what it is."""
    if "tensor" in value:
        return tensor_of(value, widths, device)
    if "slice" in value:
        return slice(*decoded(value["slice"], widths, device))
    if "type" in value:
        return getattr(torch, value["type"])
    if "device" in value:
        return torch.device(device)
    return ... if "ellipsis" in value else value["text"]


def size_of(text: str, widths: dict[str, int]) -> int:
    """Return the number that a width stands for, as in ``a`` or ``4*a``."""
    times, _, name = text.rpartition("*")
    return int(times or 1) * widths[name]


def tensor_of(value: dict[str, Any], widths: dict[str, int], device: str) -> torch.Tensor:
    """Return a tensor of random numbers, of zeros where they would be indices."""
    shape, kind = decoded(value["tensor"], widths, device), getattr(torch, value["type"])
    order = value.get("order", list(range(len(shape))))
    laid = [shape[axis] for axis in order]
    if kind.is_floating_point or kind.is_complex:
        made = torch.rand(laid, device=device).to(kind)
    else:
        made = torch.zeros(laid, dtype=kind, device=device)
    return made.permute([order.index(axis) for axis in range(len(shape))])


def summary(times: list[float]) -> Measured:
    """Return the median and the distance between the quartiles."""
    if not times:
        return {"milliseconds": None, "iqr": None}
    low, middle, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return {"milliseconds": short(middle), "iqr": short(high - low)}


def device_name(device: str) -> str:
    """Return the name of a device, for people."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device}, {platform.machine()}"


def columns(told: list[Measured]) -> dict[str, list[float | None]]:
    """Return the measurements of a layer at all its widths."""
    return {name: [one[name] for one in told] for name in ("milliseconds", "iqr")}


def short(value: float) -> float:
    """Return a number to four figures."""
    return round(value, 3 - math.floor(math.log10(value))) if value > 0 else 0.0


def main() -> None:
    """Measure the plan that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("plan")
    parser.add_argument("table")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="number of CPU threads")
    parser.add_argument("--rounds", type=int, default=3, help="over the whole plan")
    parser.add_argument("--seconds", type=float, default=0.01, help="for each width and round")
    parser.add_argument("--processor", action="store_true", help="count the processor's time")
    parser.add_argument("--whole", type=float, help="milliseconds of the whole network there")
    given = parser.parse_args()
    plan = json.loads(Path(given.plan).read_text("utf-8"))
    if plan.get("format") != PLAN:
        parser.error(f"{given.plan} is no {PLAN!r}")
    table = table_of(
        plan,
        device=given.device,
        threads=given.threads,
        rounds=given.rounds,
        seconds=given.seconds,
        processor=given.processor,
        whole=None if given.whole is None else lambda: [given.whole],
    )
    Path(given.table).write_text(json.dumps(table), "utf-8")


if __name__ == "__main__":
    main()
