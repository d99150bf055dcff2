"""One operation between two layers, half of the producer removed: three tools, and who is right.

    python benchmarks/operations.py
    python benchmarks/operations.py --names "operation: maxout" --reasons

Rivals: ``pip install --no-deps torch-pruning==1.6.1 torch-kirigami==0.2.1``; without them their
columns say so. For each network of ``tests/networks`` that has one operation between two layers,
each tool is told which outputs of the first layer to remove: the first half of them, then every
second one. Weights and inputs are those of ``fidelity.py``: random, in double precision.

* *right*: some of these channels left, and the outputs equal those of the ancestor with every entry
  at zero that was removed; how many left stands behind it, where it is not the number asked for;
* *keeps*: the network runs and computes what it did, and no channel has left;
* *wrong*: it computes something else, gives other shapes, or does not run any more;
* *refuses*: an error of the tool before anything was changed; *fails*: any other error.
"""

from __future__ import annotations

import argparse
import multiprocessing
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import fidelity
import torch
from fidelity import NETWORKS, Case, Refused, clear, distance, entries, made, run, same
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.settling import settle

NORMS = {
    "group norm": "two", "group norm without weights": "two", "instance norm": "two",
    "instance norm with statistics": "two", "frozen": "two", "global response": "two",
    "local response": "stem", "softmax over channels": "two",
}  # fmt: skip
"""Networks that have a norm or the like behind another layer, with that layer."""

NAMES = [name for name in NETWORKS if name.startswith(("operation: ", "taken: "))]
SETS: dict[str, Callable[[int], Sequence[int]]] = {
    "the first half": lambda count: range(count // 2),
    "every second": lambda count: range(0, count, 2),
}


def producer_of(name: str) -> str:
    """Return the layer before the operation of a network."""
    return NORMS.get(name, "one")


# --- the tools: each removes outputs of a layer, and returns the network ----------------------


def evoframe(
    network: nn.Module, case: Case, inputs: tuple[Tensor, ...], layer: str, gone: Sequence[int]
) -> nn.Module:
    """Return a network grown without them, as far as they can leave."""
    plan = anatomy.survey(network, inputs, case.evolvable(network))
    targets, sources = plan.wiring.targets, plan.wiring.sources
    lost = torch.zeros_like(plan.bundles.kept)
    lost[targets[f"{layer}.weight"].reshape(-1)[list(gone)]] = True
    staying = ~plan.bundles.leaving(lost)
    whole = plan.genotype()
    masks = {
        name: mask & staying[targets[name]] & staying[sources[name]]
        for name, mask in whole.masks.items()
    }
    return plan.develop(settle(Genotype(masks, whole.state), plan.wiring)).network


def torch_pruning(
    network: nn.Module, _case: Case, inputs: tuple[Tensor, ...], layer: str, gone: Sequence[int]
) -> nn.Module:
    """Return the network, cut in place."""
    import torch_pruning as tool

    module = network.get_submodule(layer)
    linear = isinstance(module, nn.Linear)
    cut = tool.prune_linear_out_channels if linear else tool.prune_conv_out_channels
    graph = tool.DependencyGraph().build_dependency(network, example_inputs=inputs)
    group = graph.get_pruning_group(module, cut, idxs=list(gone))
    if not graph.check_pruning_group(group):
        raise Refused("the group would be left without channels")
    group.prune()
    return network


def torch_kirigami(
    network: nn.Module, _case: Case, inputs: tuple[Tensor, ...], layer: str, gone: Sequence[int]
) -> nn.Module:
    """Return the network, cut in place."""
    from torch_kirigami import DependencyGraph, KirigamiError, pruning

    try:
        graph = DependencyGraph.build(network, args=inputs)
        pruner = pruning.Pruner(network, graph=graph)
        axis = graph.parameter(f"{layer}.weight").axis(0)
        smaller: nn.Module = pruner.apply(pruner.plan_remove([axis.select(gone)]))[0]
    except KirigamiError as error:
        raise Refused(str(error)) from error
    return smaller


TOOLS = {"evoframe": evoframe, "torch-pruning": torch_pruning, "torch-kirigami": torch_kirigami}


# --- the judgement ----------------------------------------------------------------------------


def judged(name: str, tool: str, which: str) -> tuple[str, str]:  # noqa: PLR0911  a word each
    """Return the verdict on a tool's work, and what there is to say."""
    case, layer = NETWORKS[name], producer_of(name)
    network, ancestor = made(case), made(case)
    torch.manual_seed(1)
    example, others = case.example(), case.example()
    width = len(network.get_submodule(layer).weight)
    gone = SETS[which](width)
    try:
        smaller = TOOLS[tool](network, case, example, layer, gone)
    except ImportError as error:
        return "not installed", str(error)
    except Exception as error:  # noqa: BLE001  a tool may do anything
        said = f"{type(error).__name__}: {error}".replace("\n", " ")
        if not same(entries(network), entries(ancestor)):
            return "wrong", f"changed the network, then failed: {said}"
        return ("refuses" if isinstance(error, Refused) else "fails"), said
    left = len(smaller.get_submodule(layer).weight)
    try:
        with torch.no_grad():
            ours = run(smaller, others)
            clear(ancestor, entries(smaller))
            due = run(ancestor, others)
    except Exception as error:  # noqa: BLE001  a network that was cut wrongly may do anything
        return "wrong", f"{type(error).__name__}: {error}".replace("\n", " ")
    if left == width:
        return ("keeps", "") if distance(ours, due) <= fidelity.TOLERANCE else ("wrong", "")
    if (off := distance(ours, due)) > fidelity.TOLERANCE:
        return "wrong", f"off by {off:.2g} of the largest output"
    return "right", "" if width - left == len(gone) else f"{width - left} of {len(gone)}"


def cell(name: str, tool: str, seconds: float) -> tuple[str, str]:
    """Return the verdicts on both sets as a cell, and the reasons."""
    found = [in_a_process(name, tool, which, seconds) for which in SETS]
    words = [
        f"{verdict} {said}".strip() if verdict == "right" else verdict for verdict, said in found
    ]
    said = "; ".join(said for verdict, said in found if verdict != "right" and said)
    return (words[0] if words[0] == words[1] else " / ".join(words)), said


def in_a_process(name: str, tool: str, which: str, seconds: float) -> tuple[str, str]:
    """Return the verdict of a process of its own."""
    context = multiprocessing.get_context("fork")  # torch is imported once, on one thread
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, name, tool, which))
    process.start()
    theirs.close()
    try:
        answer: tuple[str, str] = ours.recv() if ours.poll(seconds) else ("hangs", "")
    except EOFError:
        return "fails", "the process died"
    else:
        return answer
    finally:
        process.kill()
        process.join()


def _child(pipe: Connection, name: str, tool: str, which: str) -> None:
    warnings.simplefilter("ignore")
    pipe.send(judged(name, tool, which))


def main() -> None:
    """Print a Markdown table, and on request the reasons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=[*NAMES, *NORMS], metavar="NETWORK")
    parser.add_argument("--tools", nargs="+", default=list(TOOLS), choices=TOOLS)
    parser.add_argument("--seconds", type=float, default=60, help="limit for each")
    parser.add_argument("--reasons", action="store_true", help="what each tool said")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| operation | " + " | ".join(asked.tools) + " |\n|" + "---|" * (len(asked.tools) + 1))
    for name in asked.names:
        row = {tool: cell(name, tool, asked.seconds) for tool in asked.tools}
        shown = name.removeprefix("operation: ")
        print(f"| {shown} | {' | '.join(row[tool][0] for tool in asked.tools)} |", flush=True)
        for tool, (_, said) in row.items():
            if asked.reasons and said:
                print(f"<!-- {tool}: {said[:300]} -->")


if __name__ == "__main__":
    main()
