"""Whether a halved network still computes what it should: three tools on tricky networks.

    python benchmarks/fidelity.py
    python benchmarks/fidelity.py --networks "fused attention" --tools evoframe --reasons

Rivals: ``pip install --no-deps torch-pruning==1.6.1 torch-kirigami==0.2.1``; without them their
columns say so. Each tool gets each network of ``tests/networks`` in a process of its own with a
limit of time and memory, and is asked to remove half the channels of every layer that it can,
except outputs:

* evoframe: a survey, half of each layer's removable bundles, develop;
* Torch-Pruning: ``BasePruner`` with a ratio of 0.5, the output layers ignored, and its documented
  option that names attention layers and their heads;
* torch-kirigami: ``ChannelRatio(0.5)`` over the candidates that it discovers, interfaces fixed;
  where it plans all or nothing and refuses, once more layer by layer.

Weights, biases, scales, shifts and statistics are all random, different from each other and in
double precision, so every entry of a smaller network tells where it was in the ancestor. The
*reference* is the ancestor with every entry at zero that the tool removed or cleared: whatever a
tool chose to remove, this is what it says that it removed. A reference is computed on other inputs
than those that the tool saw, of the same shapes. The verdicts:

* *exact*: parameters were removed, and all outputs equal the reference's within 1e-6 of the
  largest;
* *approximate*: the same, if only the ancestor's ``LayerNorm``, ``GroupNorm`` and ``RMSNorm``
  modules are made to average over the channels that are left;
* *refused*: nothing was removed, in silence or with an error of the tool's own kind, and the
  network computes what it did;
* *wrong*: it runs and computes something else, or gives other shapes, or the tool failed after it
  had begun to change the network, or changed one that it says it never changes;
* *crashed*: any other error of the tool on an unharmed network, or a smaller network that does not
  run;
* *hung*: out of time.

What is left of the parameters stands beside the verdict.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import zoo
from torch import Tensor, nn

from evoframe import anatomy, errors
from evoframe.roles.task import WITH_SYNAPSES

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from networks import NETWORKS, Case
from support.surgery import tensors

VERDICTS = ("exact", "approximate", "refused", "wrong", "crashed", "hung")
TOLERANCE = 1e-6
MEMORY = 8 << 30


class Refused(Exception):  # noqa: N818  it is a finding rather than an error
    """A tool said that it would not, and why."""


# --- the tools --------------------------------------------------------------------------------


def evoframe(network: nn.Module, case: Case, inputs: tuple[Tensor, ...]) -> nn.Module:
    """Return the half of a network, grown anew."""
    before = entries(network)
    try:
        plan = anatomy.survey(network, inputs, case.evolvable(network))
        phenotype = plan.develop(zoo.halved(plan))
    except errors.EvoframeError as error:
        raise Refused(str(error)) from error
    if not same(before, entries(network)):
        raise AssertionError("the ancestor was changed")
    if zoo.parameters(phenotype.network) == zoo.parameters(network):
        raise Refused("; ".join(f"{b.operation}: {b.reason}" for b in plan.barriers))
    return phenotype.network


def torch_pruning(network: nn.Module, case: Case, inputs: tuple[Tensor, ...]) -> nn.Module:
    """Return the network, cut in place."""
    import torch_pruning as tool

    tool.pruner.BasePruner(
        network,
        inputs,
        importance=tool.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=0.5,
        ignored_layers=[network.get_submodule(name) for name in case.heads],
        num_heads={network.get_submodule(name): n for name, n in case.num_heads.items()},
        in_channel_groups={},  # its defaults are dicts that all calls share
        out_channel_groups={},
    ).step()
    return network


def torch_kirigami(network: nn.Module, case: Case, inputs: tuple[Tensor, ...]) -> nn.Module:
    """Return the network, cut in place: all at once, or else layer by layer where it can."""
    from torch_kirigami import KirigamiError

    try:
        return _fold(network, inputs, None)
    except KirigamiError as error:
        said = str(error)
    layers = {
        name: module.weight.shape
        for name, module in network.named_modules()
        if isinstance(module, WITH_SYNAPSES) and name not in case.heads
    }
    for name, shape in layers.items():
        if network.get_submodule(name).weight.shape[0] == shape[0]:  # else it went with another
            with contextlib.suppress(KirigamiError):
                _fold(network, inputs, [name])
    if all(network.get_submodule(n).weight.shape == shape for n, shape in layers.items()):
        raise Refused(said)
    return network


def _fold(network: nn.Module, inputs: tuple[Tensor, ...], layers: list[str] | None) -> nn.Module:
    from torch_kirigami import DependencyGraph, pruning

    graph = DependencyGraph.build(network, args=inputs)
    pruner = pruning.Pruner(network, graph=graph)
    plan = pruner.plan(
        pruner.discover_candidates(targets=layers),
        budget=pruning.ChannelRatio(0.5),
        strategy=pruning.Greedy(pruning.GroupMagnitude(p=2)),
    )
    smaller: nn.Module = pruner.apply(plan)[0]
    return smaller


Tool = Callable[[nn.Module, Case, tuple[Tensor, ...]], nn.Module]
TOOLS: dict[str, Tool] = {
    "evoframe": evoframe,
    "torch-pruning": torch_pruning,
    "torch-kirigami": torch_kirigami,
}


# --- the judgement ----------------------------------------------------------------------------


def judged(case: Case, tool: Tool) -> tuple[str, str]:
    """Return the verdict on a tool's work on a network, and what there is to say."""
    network, ancestor = made(case), made(case)
    torch.manual_seed(1)
    example, others = case.example(), case.example()
    try:
        smaller = tool(network, case, example)
    except ImportError as error:
        return "not installed", str(error)
    except Exception as error:  # noqa: BLE001  a tool may do anything
        said = f"{type(error).__name__}: {error}".replace("\n", " ")
        if not same(entries(network), entries(ancestor)):
            return "wrong", f"changed the network, then failed: {said}"
        return ("refused" if isinstance(error, Refused) else "crashed"), said
    try:
        with torch.no_grad():
            ours, whole = run(smaller, others), run(ancestor, others)
    except Exception as error:  # noqa: BLE001  a network that was cut wrongly may do anything
        return "crashed", f"does not run: {type(error).__name__}: {error}".replace("\n", " ")
    if zoo.parameters(smaller) == zoo.parameters(ancestor):
        return ("refused", "in silence") if distance(ours, whole) <= TOLERANCE else ("wrong", "")
    return compared(smaller, ancestor, ours, others)


def compared(
    smaller: nn.Module, ancestor: nn.Module, ours: list[Tensor], inputs: tuple[Tensor, ...]
) -> tuple[str, str]:
    """Return the verdict on the outputs of a network from which something was removed."""
    left = f"{zoo.parameters(smaller) / zoo.parameters(ancestor):.0%}"
    try:
        clear(ancestor, entries(smaller))
    except LookupError as error:
        return "wrong", str(error)
    with torch.no_grad():
        if (off := distance(ours, run(ancestor, inputs))) <= TOLERANCE:
            return "exact", left
        average_over_what_is_left(ancestor)
        if distance(ours, run(ancestor, inputs)) <= TOLERANCE:
            return "approximate", left
    return "wrong", f"off by {off:.2g} of the largest output, {left} left"


def made(case: Case) -> nn.Module:
    """Return a case's network in double precision, with all its entries random and different."""
    torch.manual_seed(0)
    network = case.make().double().eval()
    for name, value in entries(network).items():
        if not value.is_floating_point():
            continue
        if name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            value.uniform_(0.5, 1.5)
        else:
            value.normal_(0, 0.4)
    return network


@torch.no_grad()
def entries(network: nn.Module) -> dict[str, Tensor]:
    """Return all parameters and buffers by all their names, as they are."""
    found = dict(network.named_parameters(remove_duplicate=False))
    found |= dict(network.named_buffers(remove_duplicate=False))
    return {name: value.detach() for name, value in found.items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Tell whether two networks have the same entries."""
    return one.keys() == other.keys() and all(
        value.shape == other[name].shape and torch.equal(value, other[name])
        for name, value in one.items()
    )


def run(network: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Return all tensors that a network gives."""
    return tensors(network.eval()(*inputs))


def distance(ours: list[Tensor], due: list[Tensor]) -> float:
    """Return the largest difference, as a share of the largest entry that was due."""
    if [value.shape for value in ours] != [value.shape for value in due]:
        return float("inf")
    largest = max(float(value.double().abs().max()) for value in due)
    return max(float((a - b).abs().max()) for a, b in zip(ours, due, strict=True)) / largest


@torch.no_grad()
def clear(ancestor: nn.Module, left: Mapping[str, Tensor]) -> None:
    """Set to zero, in place, every entry of the ancestor that is not among what is left.

    Raises:
        LookupError: an entry is new.
    """
    for name, parameter in list(ancestor.named_parameters(remove_duplicate=False)):
        owner, _, leaf = name.rpartition(".")  # a tool may cut tied weights differently
        setattr(ancestor.get_submodule(owner), leaf, nn.Parameter(parameter.clone()))
    for name, value in entries(ancestor).items():
        if name not in left or not value.is_floating_point():
            continue  # it was taken away altogether, or is no weight
        some = left[name]
        if some.shape == value.shape:
            value.copy_(some)
            continue
        whole = value.clone()
        value.zero_()
        places = found(some[some != 0], whole, name)
        value.reshape(-1)[places] = whole.reshape(-1)[places]
        if name.endswith("original1"):  # a direction of length zero would have no norm
            empty = (value == 0).reshape(len(value), -1).all(1)
            value[empty] = whole[empty]


def found(values: Tensor, whole: Tensor, name: str) -> Tensor:
    """Return where values are in a tensor that holds no value twice."""
    ordered, places = whole.reshape(-1).sort()
    at = torch.searchsorted(ordered, values).clamp(max=len(ordered) - 1)
    if not torch.equal(ordered[at], values):
        raise LookupError(f"{name} has values that the ancestor did not have")
    return places[at]


class NormOfSome(nn.Module):
    """A layer, group or RMS norm that leaves channels of weight zero out of its averages."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        weight: Tensor = norm.weight.detach()
        self.weight, self.bias = weight, getattr(norm, "bias", None)
        self.kept = (weight != 0).to(weight)
        self.groups = norm.num_groups if isinstance(norm, nn.GroupNorm) else 0
        self.centred, self.eps = not isinstance(norm, nn.RMSNorm), norm.eps or 2.3e-16

    def forward(self, x: Tensor) -> Tensor:
        """Return what the norm of a smaller network gives, spread over all channels."""
        y = x.movedim(1, -1) if self.groups else x
        shape, n = y.shape, len(y)
        kept = self.kept.expand_as(y)
        if self.groups:  # a group averages over space too
            y, kept = (v.reshape(n, -1, self.groups, shape[-1] // self.groups) for v in (y, kept))
        over = (1, 3) if self.groups else (-1,)
        count = kept.sum(over, keepdim=True).clamp_min(1)
        if self.centred:
            y = y - (y * kept).sum(over, keepdim=True) / count
        y = y * torch.rsqrt((y.square() * kept).sum(over, keepdim=True) / count + self.eps)
        y = y.reshape(shape) * self.weight
        y = y if self.bias is None else y + self.bias
        return y.movedim(-1, 1) if self.groups else y


def average_over_what_is_left(network: nn.Module) -> None:
    """Replace the norms over channels, in place."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.LayerNorm | nn.GroupNorm | nn.RMSNorm):
                setattr(module, name, NormOfSome(child))


# --- processes and tables ---------------------------------------------------------------------


def main() -> None:
    """Print a Markdown table, the totals, and on request the reasons."""
    asked = _arguments()
    torch.set_num_threads(1)
    tools = {name: TOOLS[name] for name in asked.tools}
    print("| network | " + " | ".join(tools) + " |\n|" + "---|" * (len(tools) + 1), flush=True)
    results = {}
    for name in asked.networks:
        row = {tool: in_a_process(name, tool, asked.seconds) for tool in tools}
        results[name] = row
        cells = " | ".join(_cell(*row[tool]) for tool in tools)
        print(f"| {name} | {cells} |", flush=True)
    for verdict in (*VERDICTS, "not installed"):
        counts = [sum(row[tool][0] == verdict for row in results.values()) for tool in tools]
        if verdict in VERDICTS or any(counts):
            print(f"| **{verdict}** | " + " | ".join(map(str, counts)) + " |")
    if asked.reasons:
        _print_reasons(results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS, metavar="NAME")
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS)
    parser.add_argument("--seconds", type=float, default=60, help="limit for each")
    parser.add_argument("--reasons", action="store_true", help="what each tool said")
    return parser.parse_args()


def in_a_process(name: str, tool: str, seconds: float) -> tuple[str, str]:
    """Return the verdict of a process of its own."""
    context = multiprocessing.get_context("fork")  # torch is imported once, on one thread
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, name, tool))
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            return "hung", f"more than {seconds:.0f} s"
        answer: tuple[str, str] = ours.recv()
    except EOFError:
        return "crashed", "the process died"
    else:
        return answer
    finally:
        process.kill()
        process.join()


def _child(pipe: Connection, name: str, tool: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answer = judged(NETWORKS[name], TOOLS[tool])
    pipe.send(answer)


def _cell(verdict: str, said: str) -> str:
    return f"{verdict} {said}" if verdict in ("exact", "approximate") else verdict


def _print_reasons(results: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
    for tool in next(iter(results.values())):
        print(f"\n{tool}:")
        for name, row in results.items():
            verdict, said = row[tool]
            if verdict not in ("exact", "approximate"):
                print(f"* {name}: {verdict}: {said[:300]}")


if __name__ == "__main__":
    main()
