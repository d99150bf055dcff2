"""What a life costs besides its training: each step of it, in CPU time and in memory.

    python benchmarks/life.py
    python benchmarks/life.py --base COMMIT

A run of four square layers that are not trained, through the public API, on one thread, in a
process for each size. Every step is timed without the steps inside it: CPU nanoseconds a synapse
of the ancestor, and in *Philox*, what NumPy's Philox takes for a 64-bit word a synapse in the same
process. Of the lives of each generation the quickest counts, as neighbours only ever add, and of
the two generations the slower one. Memory is what the process has at most, over what
it has when a life begins, in weights of the ancestor: the network of the task, its survey and its
first weights are there by then. What was kept by then of tensors that are gone, to be used again,
counts as memory of the life. With ``--base`` the code of another commit runs too, in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import Metric, Task, doc

ROOT = Path(__file__).resolve().parents[1]
LAYERS, EXAMPLES = 4, 2

STEPS = {
    "a life": ("evoframe.run.living.lives:Lives.__call__",),
    "read the journal": ("evoframe.run.living.recall:Recall.of",),
    "load parents": ("evoframe.run.living.recall:load_genotype",),
    "inherit": ("evoframe.evolution.generation:inherit",),
    "encode": ("evoframe.evolution.generation:encode",),
    "press": ("evoframe.evolution.generation:press",),
    "draw": ("evoframe.evolution.generation:draw", "evoframe.evolution.synthesis:draw"),
    "bounds of widths": (
        "evoframe.evolution.generation:held",
        "evoframe.evolution.synthesis:held",
    ),
    "settle": (
        "evoframe.evolution.generation:settle",
        "evoframe.evolution.generation:revive",
        "evoframe.evolution.synthesis:settle",
        "evoframe.evolution.synthesis:revive",
        "evoframe.anatomy.anatomy:settle",
    ),
    "develop": ("evoframe.anatomy.anatomy:Anatomy.develop",),
    "costs": ("evoframe.anatomy.anatomy:Anatomy.costs",),
    "absorb": ("evoframe.anatomy.anatomy:Anatomy.absorb",),
    "evaluate": ("evoframe.evolution.growing_up:judge",),
    "look at answers": (
        "evoframe.evolution.conception:require_inheritance",
        "evoframe.evolution.conception:require_dna",
        "evoframe.evolution.growing_up:require_same_synapses",
        "evoframe.evolution.growing_up:require_finite",
    ),
    "look for changes": ("evoframe.evolution.watch:digests",),
    "account": ("evoframe.run.living.lives:_account",),
    "digest": ("evoframe.kernel.genotype:Genotype.digest",),
    "save": ("evoframe.run.living.lives:save_genotype",),
}
"""The functions that are a step, where they are called; those that a tree lacks are left out."""


@attrs.frozen
class Squares(Task):
    """Four square layers, and hardly any data."""

    name: ClassVar[str] = "squares"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("error", maximise=False, share=True),)
    synapses: int = attrs.field(default=10_000_000, metadata=doc("of all layers together"))

    @property
    def width(self) -> int:
        """Neurons of a layer."""
        return round((self.synapses / LAYERS) ** 0.5)

    def ancestor(self, key: Any) -> nn.Module:
        """Return the network."""
        layers: list[nn.Module] = []
        for _ in range(LAYERS):
            layers += [nn.Linear(self.width, self.width), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def evolvable(self, network: nn.Module) -> list[str]:
        """Return the weights of all layers."""
        return [name for name, value in network.named_parameters() if value.ndim > 1]

    def example_inputs(self) -> tuple[Tensor]:
        """Return one example."""
        return (torch.zeros(1, self.width),)

    def batches(self, split: Any, *, shuffle: Any = None, batch_size: int | None = None) -> Any:
        """Yield one batch, the same every time."""
        seed = ("train", "validation", "test").index(split)
        generator = torch.Generator().manual_seed(seed)
        yield (torch.randn(EXAMPLES, self.width, generator=generator), torch.zeros(EXAMPLES))

    def step(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the loss."""
        return network(batch[0]).square().mean()  # type: ignore[no-any-return]

    def measure(self, network: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Return the error of each example."""
        return {"error": network(batch[0]).square().mean(1)}


# --- steps ----------------------------------------------------------------------------------------


class Steps:
    """Adds up what steps take, each without the steps inside it."""

    def __init__(self) -> None:
        self.lives: list[dict[str, Any]] = []
        self._open: list[list[float]] = []  # of each open step: seconds inside it, and its peak

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a step."""

        def run(*given: Any, **named: Any) -> Any:
            whole = name == "a life"
            if whole:
                began = {"generation": given[0].generation, "began": resident("VmRSS") - kept()}
                self.lives.append({"steps": {}, "peaks": {}, **began})
            if not self.lives or (not self._open and not whole):
                return function(*given, **named)  # outside of lives
            self._note_peak()
            self._open.append([0.0, 0.0])
            begun, wall = time.process_time(), time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                taken, wall = time.process_time() - begun, time.perf_counter() - wall
                self._note_peak()
                inside, peak = self._open.pop()
                life = self.lives[-1]
                life["steps"][name] = life["steps"].get(name, 0.0) + taken - inside
                life["peaks"][name] = max(life["peaks"].get(name, 0.0), peak)
                if self._open:
                    self._open[-1][0] += taken
                    self._open[-1][1] = max(self._open[-1][1], peak)
                if whole:
                    life |= {"seconds": taken, "wall": wall}

        return run

    def _note_peak(self) -> None:
        if self._open:
            self._open[-1][1] = max(self._open[-1][1], resident("VmHWM"))
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")

    def install(self) -> None:
        """Put the steps in place of the functions."""
        for name, places in STEPS.items():
            for place in places:
                module, _, path = place.partition(":")
                *owners, last = path.split(".")
                with contextlib.suppress(ImportError, AttributeError):
                    owner: Any = importlib.import_module(module)
                    for one in owners:
                        owner = getattr(owner, one)
                    found = getattr(owner, last)
                    setattr(owner, last, self.wrapped(name, found))


def resident(what: str) -> float:
    """Return megabytes of this process: now (VmRSS), or at most since it was asked (VmHWM)."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return 0.0


def kept() -> float:
    """Return the megabytes that are kept for tensors to come; a tree may keep none."""
    with contextlib.suppress(ImportError, AttributeError):
        return float(importlib.import_module("evoframe.kernel.tensors.rooms").kept_bytes()) / 2**20
    return 0.0


def measured(synapses: int, encoding: str) -> dict[str, Any]:
    """Return what the lives of a run took, in this process."""
    torch.set_num_threads(1)
    steps = Steps()
    steps.install()
    kinds = {"of": "bundle"} if encoding == "cluster" else {}
    recipe = {
        "run": {"generations": 3, "population": 4, "seed": 0, "device": "cpu"},
        "encoding": {"use": encoding, **kinds},
        "environment": [{"use": "retention", "retention": 0.5}],
        "training": {"use": "none"},
        "selection": {"use": "truncation"},
    }
    with tempfile.TemporaryDirectory() as folder, quiet():
        run = evoframe.evolve(Squares(synapses=synapses), recipe=recipe, out=Path(folder) / "run")
        digest, count = run.digest(), run.ancestor.synapses
    seconds = []
    for _ in range(5):
        begun = time.process_time()
        np.random.Philox(key=1).random_raw(count)
        seconds.append(time.process_time() - begun)
    return {
        "synapses": count,
        "philox": min(seconds),
        "began": min(life["began"] for life in steps.lives),
        "lives": steps.lives,
        "digest": str(digest),
    }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what a run says of itself off the screen."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


# --- tables ---------------------------------------------------------------------------------------


def of_tree(tree: Path, synapses: int, encoding: str) -> dict[str, Any]:
    """Return what the lives of a run take with the code of a tree, in a process of its own."""
    return printed_by(tree, __file__, "--measure", str(synapses), "--encoding", encoding)


def printed_by(tree: Path, *command: str) -> dict[str, Any]:
    """Return the JSON that a script prints last, run with the code of a tree."""
    env = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *command]
    done = subprocess.run(words, env=env, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def print_table(columns: dict[str, dict[str, Any]]) -> None:
    """Print the steps of a life for each tree."""
    first = next(iter(columns.values()))
    weights = 4 * first["synapses"] / 2**20
    ways = " | ".join(f"{tree}: ns a synapse | Philox | peak, weights" for tree in columns)
    print(f"\n{first['synapses']:,} synapses\n\n| step | {ways} |")
    print("|---" * (1 + 3 * len(columns)) + "|")
    for name in [*list(STEPS)[1:], "a life"]:
        cells = []
        for one in columns.values():
            taken = of_step(one, name)
            shown = f"{1e9 * taken / one['synapses']:.1f} | {taken / one['philox']:.2f}"
            cells.append(f"{shown} | {peak_of(one, name) / weights:.2f}")
        label = "the rest" if name == "a life" else name
        print(f"| {label} | " + " | ".join(cells) + " |")
    cells = []
    for one in columns.values():
        taken = typical(one)["seconds"]
        shown = f"{1e9 * taken / one['synapses']:.1f} | {taken / one['philox']:.2f}"
        cells.append(f"**{shown}** | **{peak_of(one, 'a life') / weights:.2f}**")
    print("| **a life** | " + " | ".join(cells) + " |")
    for tree, one in columns.items():
        wall = typical(one)["wall"]
        print(
            f"\n{tree}: Philox {1e3 * one['philox']:.1f} ms; a life {wall:.2f} s by the clock; "
            f"digest of the run {one['digest'][:16]}"
        )


def typical(found: dict[str, Any]) -> dict[str, Any]:
    """Return the life that counts."""
    quickest: dict[int, dict[str, Any]] = {}
    for life in sorted(found["lives"], key=lambda life: life["seconds"], reverse=True):
        quickest[life["generation"]] = life
    return max(quickest.values(), key=lambda life: life["seconds"])


def of_step(found: dict[str, Any], name: str) -> float:
    """Return the seconds of a step."""
    return float(typical(found)["steps"].get(name, 0.0))


def peak_of(found: dict[str, Any], name: str) -> float:
    """Return the megabytes that the process has in a step, over the least at a life's begin."""
    return max(life["peaks"].get(name, found["began"]) for life in found["lives"]) - found["began"]


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--synapses", type=int, nargs="+", default=[10_000_000, 60_000_000])
    parser.add_argument("--encoding", default="synaptic", choices=("synaptic", "cluster"))
    parser.add_argument("--base", help="a commit whose code runs too")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measured(asked.measure, asked.encoding)))
        return
    with contextlib.ExitStack() as stack:
        trees = {"before": stack.enter_context(checked_out(asked.base))} if asked.base else {}
        for synapses in asked.synapses:
            print_table(
                {
                    name: of_tree(tree, synapses, asked.encoding)
                    for name, tree in {**trees, "now": ROOT}.items()
                }
            )


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Give a worktree of a commit, and take it away again."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base"
        words = ["git", "worktree"]
        subprocess.run([*words, "add", "--detach", "-q", str(tree), commit], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run([*words, "remove", "--force", str(tree)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
