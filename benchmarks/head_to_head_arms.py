"""The arms of the head-to-head: who cuts a network to its share of FLOPs, and what that takes.

An arm is a function from a problem, the share that may be left and a key to a :class:`Cut`. What
it spends before training counts in passes: one is a forward pass of the ancestor over one example,
and a step of training or scoring three, times the share of FLOPs that the network has left.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable
from typing import Any

import attrs
import torch
from head_to_head_problems import Learning, Problem, device_of, endless
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import evoframe
from evoframe.kernel.key import Key

STEP = 3
"""Passes of a step of training: forward, and twice as much backward."""

COST = {"magnitude": 0, "batch-norm": 0, "geometric-median": 0, "activation": 1, "fisher": STEP}
"""Passes over an example that an importance takes; those that are not here take a step."""

HESSIAN = 9
"""Passes of a Hessian-vector product: a step, and its own way back."""

SLACK = 1.02
"""How far Torch-Pruning may stay over: one ratio for all layers cannot be finer."""

SCORED = 5
"""Batches on which an importance is made that is made once."""

FLOOR = 0.1
"""Share of its channels that every layer keeps, on both sides."""


@attrs.frozen(eq=False)
class Cut:
    """A smaller network, and the passes that finding it has taken.

    Attributes:
        network: the smaller one.
        passes: those of finding it, of all training of others too.
        learning: its own training, if it has begun.
    """

    network: nn.Module
    passes: float
    learning: Learning | None = None


Arm = Callable[[Problem, float, Key], Cut]
"""Cuts the ancestor of a problem to a share of its FLOPs, by a key."""

LateArm = Callable[[Problem, float, Key, int, float], Cut]
"""The same of one that trains on its way: it is given the passes of all, and the largest rate."""


def flops(network: nn.Module, problem: Problem) -> int:
    """Return the FLOPs of one example, by torch's own counter."""
    example = problem.ready(problem.split("validation")[0][:1].to(device_of(network)))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(example)
    counts = counter.get_flop_counts()
    free = sum(sum(ops.values()) for name, ops in counts.items() if name.endswith(".shortcut"))
    return int(counter.get_total_flops() - free)


# --- ours -----------------------------------------------------------------------------------------


def ours(
    problem: Problem,
    share: float,
    key: Key,
    *,
    network: nn.Module | None = None,
    restated: bool = False,
    **options: Any,
) -> Cut:
    """Return what ``evoframe.shrink`` leaves of a network, else of the ancestor.

    The share is that of this network; the options are those of ``shrink``.
    """
    if network is None:
        network = frozen(problem.restated()) if restated else problem.ancestor
    importance, steps = options.get("importance", "fisher"), options.get("steps", 1)
    examples = options.get("examples", 200)
    if importance != "fisher":
        options = {"batches": SCORED} | options
        examples = problem.batch_size * options["batches"]
    drawn = torch.from_numpy(key.at("scored").shuffled(problem.recovery)[: 10 * examples])
    inputs, wanted = (one[drawn] for one in problem.school())
    smaller = evoframe.shrink(
        network,
        flops=share,
        data=(problem.ready(inputs), wanted),
        loss=problem.loss,
        seed=key.at("shrink").integer() % 2**31,
        **options,
    )
    each = HESSIAN if importance == "hessian-vector" else COST.get(importance, STEP)
    shares = [share ** (step / steps) for step in range(steps)]
    repaired = problem.batch_size * options.get("repair", 0)
    return Cut(frozen(smaller), each * examples * sum(shares) + repaired)


def blocks_first(
    problem: Problem, share: float, key: Key, *, blocks: int, of: int, importance: str
) -> Cut:
    """Return what is left when so many whole blocks leave first, and then the same share of layers.

    Blocks cost nearly the same in the networks that this is for, and all other layers little, so
    a share of FLOPs says how many of them leave.

    Args:
        problem: of the ancestor.
        share: of its FLOPs that may be left.
        key: of the cut.
        blocks: that leave.
        of: so many that there are.
        importance: of blocks; layers lose the channels with the smallest weights.
    """
    before = frozen(problem.restated())
    whole = flops(before, problem)
    options: dict[str, Any] = {"scope": "network", "depth": True, "at_least": 0.999}
    first = ours(
        problem,
        1 - (blocks - 0.4) / of,
        key.at("blocks"),
        network=before,
        importance=importance,
        **options,
    )
    left = flops(first.network, problem) / whole
    then = ours(
        problem,
        share / left,
        key.at("widths"),
        network=first.network,
        importance="magnitude",
        scope="layer",
        repair=10,
    )
    return Cut(then.network, first.passes + left * then.passes)


# --- Torch-Pruning --------------------------------------------------------------------------------


def torch_pruning(
    problem: Problem,
    share: float,
    key: Key,
    *,
    importance: str,
    scope: str,
    steps: int = 1,
    batches: int = SCORED,
    restated: bool = True,
    network: nn.Module | None = None,
) -> Cut:
    """Return what Torch-Pruning leaves of a network, else of the ancestor.

    Made once, its importances are those of the ancestor, and the pruning ratio is searched for;
    in steps it goes on, each time with gradients of new batches, until enough has left.
    """
    given = endless(problem, problem.school(), key.at("scored"))
    network = network or (problem.restated() if restated else copy.deepcopy(problem.ancestor))
    whole, spent = flops(network, problem), 0.0

    def felt(network: nn.Module) -> list[Tensor]:
        nonlocal spent
        if importance == "magnitude":
            return []
        spent += STEP * batches * problem.batch_size * flops(network, problem) / whole
        network.zero_grad()
        for inputs, wanted in itertools.islice(given, batches):
            problem.loss(network.eval()(inputs), wanted).backward()
        return [one.grad for one in network.parameters()]

    def pruner(network: nn.Module, ratio: float) -> Any:
        return _pruner(network, problem, importance, scope, ratio, steps)

    if steps > 1:
        pruning = pruner(network, 1.0)
        while flops(network, problem) > SLACK * share * whole:
            felt(network)
            pruning.step()
        return Cut(frozen(network), spent)
    gradients = felt(network)

    def cut(ratio: float) -> nn.Module:
        tried = copy.deepcopy(network)
        for one, gradient in zip(tried.parameters(), gradients, strict=False):
            one.grad = gradient.clone()
        pruner(tried, ratio).step()
        return tried

    def enough(ratio: float) -> bool:
        return flops(cut(ratio), problem) <= SLACK * share * whole

    return Cut(frozen(cut(_least(enough))), spent)


def _least(enough: Callable[[float], bool]) -> float:
    """Return the smallest ratio that is enough."""
    low, high = 0.0, 1.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def frozen(network: nn.Module) -> nn.Module:
    """Return a network whose shortcuts do not learn, as those that it stands for do not."""
    for name, one in network.named_modules():
        if name.endswith(".shortcut"):
            one.requires_grad_(requires_grad=False)
    return network


def _pruner(
    network: nn.Module, problem: Problem, importance: str, scope: str, ratio: float, steps: int
) -> Any:
    import torch_pruning as tp  # late: others need nothing of it

    kinds = {
        "magnitude": tp.importance.GroupMagnitudeImportance,
        "taylor": tp.importance.GroupTaylorImportance,
    }
    return tp.pruner.BasePruner(
        network,
        problem.ready(problem.split("validation")[0][:1]),
        kinds[importance](),
        pruning_ratio=ratio,
        max_pruning_ratio=1 - FLOOR,
        iterative_steps=steps,
        global_pruning=scope != "local",
        isomorphic=scope == "isomorphic",
        ignored_layers=[dict(network.named_modules())[one] for one in problem.staying],
    )


def _ours(**options: Any) -> Arm:
    return functools.partial(ours, **options)


def _theirs(**options: Any) -> Arm:
    return functools.partial(torch_pruning, **options)


ARMS: dict[str, Arm] = {
    **{
        f"{importance}-{scope}{f'-{steps}-steps' if steps > 1 else ''}": _ours(
            importance=importance, scope=scope, steps=steps
        )
        for importance in ("fisher", "taylor", "hessian-vector", "magnitude")
        for scope in ("network", "alike", "layer")
        for steps in (1, 10, 30)
    },
    **{
        f"{importance}-{scope}-repaired": _ours(importance=importance, scope=scope, repair=10)
        for importance in ("fisher", "taylor", "magnitude")
        for scope in ("network", "alike", "layer")
    },
    **{
        f"{importance}-{scope}-restated-repaired": _ours(
            importance=importance, scope=scope, restated=True, repair=10
        )
        for importance in ("fisher", "magnitude")
        for scope in ("network", "alike", "layer")
    },
    **{
        f"{importance}-{scope}-restated-depth{more}": _ours(
            importance=importance, scope=scope, restated=True, depth=True, repair=repair
        )
        for importance in ("fisher", "magnitude")
        for scope in ("network", "alike", "layer")
        for more, repair in (("", 0), ("-repaired", 10))
    },
    **{
        f"{importance}-{scope}-restated": _ours(importance=importance, scope=scope, restated=True)
        for importance in ("fisher", "taylor", "magnitude")
        for scope in ("network", "alike", "layer")
    },
    **{
        f"{importance}-{blocks}-blocks": functools.partial(
            blocks_first, blocks=blocks, of=9, importance=importance
        )
        for importance in ("fisher", "magnitude")
        for blocks in (1, 2, 3, 4, 5)
    },
    "torch-pruning-taylor-isomorphic-as-it-is": _theirs(
        importance="taylor", scope="isomorphic", restated=False
    ),
    **{
        f"torch-pruning-{importance}-{scope}": _theirs(importance=importance, scope=scope)
        for importance in ("magnitude", "taylor")
        for scope in ("local", "global", "isomorphic")
    },
    **{
        f"torch-pruning-{importance}-{scope}-100-steps": _theirs(
            importance=importance, scope=scope, steps=100, batches=1
        )
        for importance in ("magnitude", "taylor")
        for scope in ("local", "global", "isomorphic")
    },
}
"""Arms by name."""
