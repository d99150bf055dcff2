"""Judge evoframe on networks and tasks as people have them: exact, or refused in words.

A case is a file of ``networks/``. It says ``EXPECT``: "exact", "refused" or "exact or refused",
and has some of these:

* ``network()`` and ``inputs()`` (a tuple, or a dict of keywords), from which the judge makes an
  ``evoframe.task``, evolves it for a moment, and operates on the network in its own ways as well;
* ``task()``, evolved as ``RUN`` says (keywords of ``evoframe.evolve``), instead of that task;
* ``check()``, or ``check(run)`` with the finished run: an AssertionError is a wrong result;
* ``EVOLVABLE``: names to evolve, where they are not the default ones;
* ``SHARE``: of the parameters, at least this part must be able to leave with channels: about what
  a careful hand could cut, less a margin. 0 lets everything stay; not given, anything above 0 does;
* ``NAMES``: words of which a refusal must hold at least one;
* ``TRAINS = False``: one training pass is not compared.

What was got is told apart: **exact** (computes what the ancestor with the same absences computes),
**kept** (exact, but nothing can leave), **refused** (an EvoframeError before anything is written),
**late** (an EvoframeError after something was written), **wrong**, and **crash** (anything else).
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import torch
from torch import nn
from torch.utils.data import DataLoader

import evoframe
from cases.judging.numbers import (
    Wrong,
    apart,
    loss_of,
    perturbed,
    require_own_parameters,
    run,
    taught,
    with_state,
)
from support.surgery import cut, parameters, smallest, surveyed, tensors, thinned

FOLDER = Path(__file__).resolve().parents[1] / "networks"


@attrs.define
class Verdict:
    """What was got, and what it was seen by.

    Attributes:
        got: one of the words above.
        why: what was said, or asserted.
        error: the largest relative error.
        share: the part of all parameters that can leave.
    """

    got: str = "exact"
    why: str = ""
    error: float | None = None
    share: float | None = None


def names() -> list[str]:
    """The names of all cases."""
    return sorted(file.stem for file in FOLDER.glob("*.py"))


def loaded(name: str) -> ModuleType:
    """A case as a module."""
    spec = importlib.util.spec_from_file_location(f"case_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for those who look a class up by its module's name
    spec.loader.exec_module(module)
    return module


def judged(case: Any, *, trace: bool = False) -> Verdict:
    """The verdict on a case; errors of any kind end here."""
    found = Verdict()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "run")
        try:
            _look(case, folder, found)
        except evoframe.EvoframeError as error:
            found.got, found.why = ("late" if folder.exists() else "refused"), f"{error}"
        except (Wrong, AssertionError) as error:
            found.got, found.why = "wrong", f"{error}"
        except Exception as error:  # noqa: BLE001  a network may do anything
            if trace:
                traceback.print_exc()
            found.got, found.why = "crash", f"{type(error).__name__}: {error}"
    return found


def falls_short(case: Any, found: Verdict) -> str:
    """What is missing, or nothing."""
    wanted, least = case.EXPECT.split(" or "), getattr(case, "SHARE", None)
    if found.got == "kept" and "exact" in wanted and least == 0:
        return ""
    if found.got not in wanted:
        return f"{found.got}, and not {case.EXPECT}"
    if found.got == "refused":
        return _unclear(case, found.why)
    if found.share is not None and found.share < (least or 0):
        return f"{found.share:.0%} can leave, wanted {least:.0%}"
    return ""


def _unclear(case: Any, why: str) -> str:
    words = getattr(case, "NAMES", ())
    if len(why.splitlines()) > 1:
        return f"the refusal has {len(why.splitlines())} lines"
    if words and not any(word.lower() in why.lower() for word in words):
        return f"the refusal names none of {', '.join(words)}"
    return ""


def _look(case: Any, folder: Path, found: Verdict) -> None:
    """Evolve a case, operate on its network, and let it check what it can (in place)."""
    has_network, check = hasattr(case, "inputs"), getattr(case, "check", None)
    finished = _evolved(case, folder) if has_network or hasattr(case, "task") else None
    if has_network:
        _operate(case, found)
    if check is not None:
        check(finished) if inspect.signature(check).parameters else check()


def _evolved(case: Any, folder: Path) -> evoframe.Run:
    """A run of the case by the public way; what it delivers must compute as it is on record."""
    settings = {"out": folder, "observer": [], **getattr(case, "RUN", {})}
    torch.manual_seed(3)
    if hasattr(case, "task"):
        made = evoframe.evolve(case.task(), **settings)
    else:
        brief = {"encoding": "cluster", "training": "none", "generations": 2}
        made = evoframe.evolve(_task_of(case, _fresh(case)), **(brief | settings))
    if hasattr(case, "inputs"):
        inputs, state, small = _inputs(case), made.genotype(made.best.id).state, made.network()
        with torch.no_grad():
            due = run(with_state(_fresh(case), state).eval(), inputs)
            apart(run(small, inputs), due, "run.network() against its recorded weights")
        require_own_parameters(small, with_state(_fresh(case), state), inputs)
    return made


def _operate(case: Any, found: Verdict) -> None:
    """Compare ever smaller networks with the ancestor; note errors and the share (in place)."""
    network, inputs = _fresh(case), _inputs(case)
    task = _task_of(case, _fresh(case))
    plan = surveyed(network, task.example_inputs(), task.evolvable(network))
    last = smallest(plan)
    for genotype in (*thinned(plan), last):
        found.error = max(found.error or 0.0, _examined(case, plan, genotype, inputs))
    left = parameters(plan.develop(last).network)
    found.share = 1 - left / parameters(network)
    if found.share == 0:
        reasons = [f"{one.operation}: {one.reason}" for one in plan.barriers]
        found.got, found.why = "kept", "; ".join(reasons[:2])


def _examined(case: Any, plan: Any, genotype: Any, inputs: Any) -> float:
    """The largest error of one offspring against the ancestor with the same absences."""
    born, twin = plan.develop(genotype), with_state(_fresh(case), genotype.state)
    with torch.no_grad():
        worst = apart(run(born.network.eval(), inputs), run(twin.eval(), inputs), "in evaluation")
    if plan.absorb(born).digest() != genotype.digest():
        raise Wrong("absorb(develop(g)) is not g")
    another = with_state(_fresh(case), genotype.state)
    require_own_parameters(plan.develop(genotype).network, another, inputs)
    if getattr(case, "TRAINS", True):
        worst = max(worst, _after_a_pass(born, twin, genotype, inputs))
    return worst


def _after_a_pass(born: Any, twin: nn.Module, genotype: Any, inputs: Any) -> float:
    """The largest error of outputs, gradients and statistics of one training pass."""
    ours, slopes = taught(born.network, inputs)
    due, right = taught(twin, inputs)
    worst = apart(ours, due, "in training")
    # What is small beside the others is made of rounding, as before batch norm.
    seen = max([1e-5, *(1e-4 * float(slope.abs().max()) for slope in right.values())])
    for name, slope in slopes.items():
        if name in right and float(right[name].abs().max()) > seen:
            wanted = cut(born, name, right[name])
            worst = max(worst, apart([slope], [wanted], f"gradient of {name}"))
    statistics = dict(twin.named_buffers())
    for name, value in born.network.named_buffers():
        if name in genotype.state:
            apart([value], [cut(born, name, statistics[name])], f"after training {name}")
    return worst


def _task_of(case: Any, network: nn.Module) -> Any:
    """A task around a network and one batch."""
    inputs = _inputs(case)
    loader = DataLoader([(inputs, torch.zeros(len(tensors(inputs)[0])))], batch_size=None)
    return evoframe.task(
        network=network,
        train=loader,
        validation=loader,
        loss=loss_of(network),
        example_inputs=inputs,
        evolvable=getattr(case, "EVOLVABLE", None),
    )


def _fresh(case: Any) -> nn.Module:
    torch.manual_seed(3)
    return perturbed(case.network())


def _inputs(case: Any) -> Any:
    torch.manual_seed(5)
    return case.inputs()
