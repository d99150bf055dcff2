"""Probing: a recipe is tried once on its untrained ancestor, so that mistakes cost seconds."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from evoframe.config.recipe import Recipe
from evoframe.errors import EvoframeError, TaskError
from evoframe.evolution.heats import require_rungs
from evoframe.evolution.together import require_cohorts
from evoframe.kernel import device as devices
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.roles import Batch, Split, Task
from evoframe.roles.measuring import added, checked, require_names
from evoframe.roles.over_data_set import Kept
from evoframe.run.checks import remarks
from evoframe.run.checks.looking import MOST, Looks
from evoframe.strategies.training.alone import unless_alone

CPU = torch.device("cpu")


def probe(recipe: Recipe, network: nn.Module, *, attentive: bool = False) -> tuple[str, ...]:
    """Try the strategies and the task of a recipe; called sealed.

    Returns sentences that people should know of the data, if it is to be attentive.

    Args:
        recipe: whose strategies may refuse each other, and the task.
        network: the ancestor as its task made it; not to be modified.
        attentive: whether to look at more than the first batches.

    Raises:
        ConfigError: strategies that do not go together.
        TaskError: the call that went wrong, and how.
    """
    task = recipe.task
    if not task.metrics:
        raise TaskError(f"task {task.name!r} has no metric; wanted at least the primary one.")
    require_names([one.name for one in task.metrics], task.name)
    looks = Looks(most=MOST if attentive else 1)
    batch = _first(task, "train", "learn from", looks)
    _check_strategies(recipe)
    twin = duplicate(network).cpu().eval()
    _probe_loss(task, twin, batch)
    _probe_batches_of_one(recipe, twin, batch)
    _probe_metrics(task, twin, _first(task, "validation", "judge by", looks))
    if not attentive:
        return ()
    looks.over(task, "test", tried(task, "batches('test')", lambda: task.batches("test")))
    return (*remarks.of_recipe(recipe), *looks.shared())


def tried(task: Task, what: str, call: Callable[[], Any]) -> Any:
    """Return the answer of a task to a call.

    Raises:
        TaskError: the call and what it raised.
    """
    try:
        return call()
    # Already in the words of whoever knows better.
    except (EvoframeError, KeyboardInterrupt):
        raise
    except BaseException as error:
        notes = "".join(f". {note}" for note in getattr(error, "__notes__", ()))
        raise TaskError(
            f"{what} of task {task.name!r} raised {type(error).__name__}: {error}{notes}"
        ) from error


def _check_strategies(recipe: Recipe) -> None:
    for environment in recipe.environment:
        environment.check(recipe.encoding)
    recipe.encoding.check(recipe.task)
    recipe.heredity.check(recipe.task)
    recipe.selection.check(recipe.task)
    require_rungs(recipe.selection, recipe.training, recipe.nurture, recipe.litter)
    require_cohorts(
        recipe.training,
        recipe.nurture,
        recipe.litter,
        recipe.selection,
        approximate=recipe.anatomy.approximate,
    )
    if recipe.litter is not None:
        recipe.litter.check(recipe.training, recipe.nurture, recipe.task)
    for training in (recipe.training, recipe.ancestor):
        if training is not None:
            training.check(recipe.task)


def _probe_loss(task: Task, network: nn.Module, batch: Batch) -> None:
    here = devices.move(batch, CPU)
    try:
        loss = tried(task, "step(network, batch)", lambda: task.step(network, here))
    except TaskError:
        if _gives_a_loss_in_training(task, network, here):
            return
        raise
    if not _is_loss(loss):
        found = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else repr(loss)
        raise TaskError(
            f"step() of task {task.name!r} gave {found}; wanted a scalar tensor with a gradient "
            "(not all parameters frozen, nothing detached)."
        )


def _is_loss(found: Any) -> bool:
    return isinstance(found, torch.Tensor) and not found.ndim and found.requires_grad


def _gives_a_loss_in_training(task: Task, network: nn.Module, batch: Batch) -> bool:
    """Tell whether a network computes a loss in training mode alone, as detectors do."""
    twin = duplicate(network).train()
    try:
        return _is_loss(task.step(twin, batch))
    except Exception:  # noqa: BLE001  what it said in evaluation mode is told
        return False


def _probe_batches_of_one(recipe: Recipe, network: nn.Module, first: Batch) -> None:
    """Refuse to learn from one example at a time where batch norm needs two."""
    task, asked = recipe.task, {getattr(recipe.training, "batch_size", None)}
    if recipe.ancestor is not None:
        asked.add(getattr(recipe.ancestor, "batch_size", None))
    if 1 in asked:
        first = next(iter(task.batches("train", batch_size=1)))
    if task.examples_in(first) != 1:
        return
    twin, here = duplicate(network).train(), devices.move(first, CPU)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = partial(unless_alone, twin, 1, lambda: task.step(twin, here))
        if tried(task, "step(network, batch) in training mode", step) is None:
            raise TaskError(
                f"training batches of task {task.name!r} hold one example, and batch norm needs "
                "two. Let batches hold more: training.batch_size, or that of your loader."
            )


@torch.no_grad()
def _probe_metrics(task: Task, network: nn.Module, batch: Batch) -> None:
    here = devices.move(batch, CPU)
    measured = tried(task, "measure(network, batch)", lambda: task.measure(network, here))
    size = tried(task, "examples_in(batch)", lambda: task.examples_in(batch))
    measured = checked(measured, size, task.name)
    require_names(list(measured), task.name)
    missing = [one.name for one in task.metrics if one.name not in measured]
    if missing:
        raise TaskError(
            f"task {task.name!r} names the metric {missing[0]!r}, but measure() gave "
            f"{', '.join(measured) or 'nothing'}."
        )
    whole = [name for name, values in measured.items() if isinstance(values, Kept)]
    if whole:
        _probe_whole(task, network, whole)


def _probe_whole(task: Task, network: nn.Module, names: Sequence[str]) -> None:
    """Try metrics over a data set on two batches, or on the whole split if that is too little.

    Raises:
        TaskError: one gives no number, or raises something on the whole split too.
    """
    totals: dict[str, Any] = {}
    for batch in itertools.islice(task.batches("validation"), 2):
        measured = task.measure(network, devices.move(batch, CPU))
        for name in names:
            totals[name] = added(totals.get(name), name, measured[name], task.examples_in(batch))
    try:
        for total in totals.values():
            total.measurement()
    except TaskError:
        raise
    except Exception:  # noqa: BLE001  all these examples may be of one class, say
        what = f"{', '.join(map(repr, names))} over the validation split"
        tried(task, what, lambda: task.evaluate(network, "validation", CPU))


def _first(task: Task, split: Split, purpose: str, looks: Looks) -> Batch:
    """Return the first batch of a split that holds an example; looks go on from there."""
    found = tried(task, f"batches({split!r})", lambda: looks.over(task, split, task.batches(split)))
    if found is not None:
        return found
    raise TaskError(
        f"task {task.name!r} has no {split} batch; wanted at least one example to {purpose}."
    )
