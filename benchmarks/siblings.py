"""What it costs to draw a sibling under a budget: CPU time, and how often a device is waited for.

    python benchmarks/siblings.py --base COMMIT
    python benchmarks/siblings.py --waits

A ResNet-20 with random weights, its bundles ranked by magnitude. Siblings are drawn as litters do:
every other one strays from the first, the others are exchanges; nobody is judged or trained. CPU
milliseconds are medians over siblings on one thread. With ``--base`` the code of another commit
runs too, in turn with this one, each in a process of its own; digests of all siblings are compared.

``--waits`` counts, on a device that is built for it and that torch takes for another one than the
CPU (a compiler of C++ and ninja are needed), operations and how many of them the host waits for.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch
from life import ROOT, checked_out, printed_by
from resnet20 import ResNet20
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from evoframe import anatomy
from evoframe.evolution.brood import Siblings
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.evidence import Evidence
from evoframe.kernel.genotype import masked
from evoframe.kernel.key import Key
from evoframe.kernel.life import Life
from evoframe.kernel.limits import Ceiling
from evoframe.plugin import Cluster  # of trees from before, too
from evoframe.strategies.environment.bundling import by_bundle

BUDGETS: Mapping[str, Mapping[str, Any]] = {
    "FLOPs, 4x": {"what": "flops", "share": 0.25},
    "FLOPs, 2x": {"what": "flops", "share": 0.5},
    "FLOPs, 4x, with depth": {"what": "flops", "share": 0.25, "depth": True},
    "FLOPs, 4x, multiples of 8": {"what": "flops", "share": 0.25, "multiple": 8},
    "parameters, 4x": {"what": "parameters", "share": 0.25},
    "synapses, 4x": {"what": "synapses", "share": 0.25},
    "peak bytes, 2x": {"what": "activations", "share": 0.5},
}


def brood(
    what: str, share: float, *, depth: bool = False, multiple: int = 1, device: str = "cpu"
) -> Siblings:
    """Return the siblings of a network that lost nothing yet."""
    torch.manual_seed(0)
    network = ResNet20().eval()
    names = tuple(name for name, value in network.named_parameters() if value.ndim > 1)
    inputs = (torch.zeros(1, 3, 32, 32),)
    plan = anatomy.survey(network, inputs, names, depth=depth, multiple=multiple)
    limit, there = share * plan.costs(plan.genotype())[what], torch.device(device)
    plan, whole = plan.to(there), plan.genotype().to(there)
    none: Any = None
    context = Context(whole, None, plan, none, there, 2, Key(1), life=Life())
    inheritance = Inheritance(whole.masks, whole.strengths(), masked(whole.state, whole.masks))
    encoding = Cluster(of="bundle", draw=False, importance="magnitude", scope="layer", batches=1)
    evidence = Evidence(inheritance, context.at("evidence"))
    dna = by_bundle(encoding.encode(inheritance, evidence, context), plan.clusters("bundle"))
    dna = attrs.evolve(dna, ceilings=(Ceiling({what: 1.0}, limit, 0.1, what=what),))
    return Siblings(dna, inheritance, context, none)


def measured(name: str, count: int) -> dict[str, Any]:
    """Return the milliseconds of each sibling, and the digest of all."""
    torch.set_num_threads(1)
    own = brood(**BUDGETS[name])
    first = one = own.only()
    own.another(around=first, step=0.05)
    taken, found = [], hashlib.sha256()
    for number in range(count):
        begun = time.process_time()
        one = own.exchanged(one, share=0.03) if number % 2 else own.another(around=first, step=0.05)
        taken.append(1e3 * (time.process_time() - begun))
        found.update(one.genotype.digest().encode())
    return {"taken": taken, "digest": found.hexdigest()}


def of_tree(tree: Path, name: str, count: int) -> dict[str, Any]:
    """Return the same with the code of a tree, in a process of its own."""
    return printed_by(tree, __file__, "--measure", name, "--count", str(count))


def compare(base: str | None, count: int, rounds: int) -> None:
    """Print a row for each budget."""
    with contextlib.ExitStack() as stack:
        trees = {"before": stack.enter_context(checked_out(base))} if base else {}
        trees["now"] = ROOT
        print(f"| budget | {' | '.join(trees)} | ratio | digests |\n{'|---' * (len(trees) + 3)}|")
        for name in BUDGETS:
            runs = [{t: of_tree(p, name, count) for t, p in trees.items()} for _ in range(rounds)]
            middle = {
                tree: statistics.median(one for run in runs for one in run[tree]["taken"])
                for tree in trees
            }
            same = len({one["digest"] for run in runs for one in run.values()}) == 1
            cells = " | ".join(f"{one:.0f} ms" for one in middle.values())
            ratio = next(iter(middle.values())) / middle["now"]
            print(f"| {name} | {cells} | {ratio:.1f} | {'the same' if same else 'differ'} |")


class Waits(TorchDispatchMode):
    """Counts operations on a device, and those for which the host waits."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.waits = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if all(one.device.type == "cpu" for one in given):
            return out
        self.operations += 1
        comes_back = isinstance(out, Tensor) and out.device.type == "cpu"
        several = args[1] if len(args) > 1 and isinstance(args[1], list) else []
        chooses = any(isinstance(one, Tensor) and one.dtype == torch.bool for one in several)
        name = func.overloadpacket.__name__
        asks = name in ("_local_scalar_dense", "nonzero", "equal", "_unique2")
        self.waits += asks or comes_back or (name in ("index", "index_put_") and chooses)
        return out


def count_waits() -> None:
    """Print how often a device is waited for."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.other_device import OTHER, build

    print("| a sibling | operations | waits |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        build(folder)
        for name in ("FLOPs, 4x", "FLOPs, 4x, with depth"):
            own = brood(**BUDGETS[name], device=OTHER)
            first = own.only()
            with Waits() as strayed:
                own.another(around=first, step=0.05)
            with Waits() as exchanged:
                own.exchanged(first, share=0.03)
            for how, one in (("strayed", strayed), ("exchanged", exchanged)):
                print(f"| {name}: {how} | {one.operations:,} | {one.waits:,} |")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", help="a commit whose code runs too")
    parser.add_argument("--count", type=int, default=8, help="siblings of each budget")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each tree and budget")
    parser.add_argument("--waits", action="store_true", help="count waits for a device instead")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measured(asked.measure, asked.count)))
    elif asked.waits:
        count_waits()
    else:
        compare(asked.base, asked.count, asked.rounds)


if __name__ == "__main__":
    main()
