"""Proving that lives of a task can be trained together: two networks, one step, against each alone.

``vmap`` refuses most of what it cannot batch. What it does not refuse must give the loss and the
gradients that each network has when it is called by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import torch
from torch import Tensor, nn

from evoframe.errors import ConfigError, EvoframeError, TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.key import Key, sealed
from evoframe.kernel.life import Batch
from evoframe.kernel.modules.duplicate import duplicate
from evoframe.kernel.modules.entries import state_of
from evoframe.kernel.phenotype import Phenotype
from evoframe.roles import Task
from evoframe.strategies.training.options import Wish
from evoframe.strategies.training.stacking import Step, losses_of, stacked

APART = 1e-3
"""How far numbers may be apart, as a share of the largest: a mistake is off by as much as that."""

KEY = Key(0).at("together")

SHARES = ("p", "dropout", "dropout_p", "drop_prob", "drop_p")
"""What modules call the share that they drop in training mode."""


def require_options(wish: Wish) -> None:
    """Refuse options that are for a single life.

    Raises:
        ConfigError: which, and what to do instead.
    """
    asked = {
        "patience": wish.patience is not None,
        "teacher": wish.teacher != "nobody",
        "compile": wish.compile is not None,
    }
    if found := [name for name, is_asked in asked.items() if is_asked]:
        raise ConfigError(
            f"training.together is {wish.together}, and training.{found[0]} is of a single life. "
            f"Leave training.{found[0]} out, or set training.together to 1."
        )


def require_together(wish: Wish, task: Task) -> None:
    """Refuse a task whose networks cannot be trained together.

    Raises:
        TaskError: what went wrong, or how far numbers are apart.
    """
    with sealed(KEY):
        networks = [task.newborn(KEY.at(index)).cpu() for index in range(2)]
    batches = task.batches("train", batch_size=wish.batch_size)
    batch = next((one for one in batches if task.examples_in(one) != 1), None)
    if batch is None:
        return  # nothing to try it on; batches of one example may be refused by others
    here = devices.move(batch, torch.device("cpu"))
    try:
        apart = _apart(networks, task, here)
    except EvoframeError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise TaskError(_refused(wish, task, f"torch.func.vmap says: {reason}")) from error
    if apart is None:
        said = "its loss differs at every call, so its correctness cannot be verified"
        raise TaskError(_refused(wish, task, said))
    if not apart <= APART:
        said = f"losses or gradients are {apart:.1g} of the largest one apart from those alone"
        raise TaskError(_refused(wish, task, said))


def _refused(wish: Wish, task: Task, reason: str) -> str:
    return (
        f"training.together is {wish.together}, but networks of task {task.name!r} cannot be "
        f"trained together: {reason}. Set training.together to 1."
    )


def _apart(networks: Sequence[nn.Module], task: Task, batch: Batch) -> float | None:
    """Return the distance of networks together from each alone; None if nothing can be compared."""
    # As it will be trained, whatever is drawn: twice, since something may be left by the first.
    whole = _whole(networks, lambda network: network.train())
    for _ in range(2):
        _pass(task, batch, whole)
    for mode in (_training, _training_without_dropout, lambda network: network.eval()):
        alone = [list(_passes(task, batch, one, mode)) for one in networks]
        if all(_distance(first, second) == 0 for first, second in alone):
            found = _pass(task, batch, _whole(networks, mode))
            return max(_distance(one[0], found.of(index)) for index, one in enumerate(alone))
    return None


@attrs.frozen(eq=False)
class Passed:
    """What a pass has given: losses, gradients and buffers, by name."""

    values: dict[str, Tensor]

    def of(self, index: int) -> Passed:
        """Return the part of one life."""
        return Passed({name: value[index] for name, value in self.values.items()})


def _passes(
    task: Task, batch: Batch, network: nn.Module, mode: Callable[[nn.Module], object]
) -> Iterator[Passed]:
    """Yield two passes of a network alone, each from where it is and with draws of its own."""
    for draw in range(2):
        twin = duplicate(network)
        mode(twin)
        with sealed(KEY.at("draw", draw)):
            loss = task.step(twin, batch)
            loss.backward()  # type: ignore[no-untyped-call]
        yield _passed(twin, loss)


def _pass(task: Task, batch: Batch, network: nn.Module) -> Passed:
    network.zero_grad()
    with sealed(KEY.at("draw", 0)):
        losses = losses_of(Step(network, task), batch, {})
        losses.sum().backward()  # type: ignore[no-untyped-call]
    return _passed(network, losses)


def _passed(network: nn.Module, loss: Tensor) -> Passed:
    gradients = {
        f"gradient of {name}": value.grad
        for name, value in network.named_parameters()
        if value.grad is not None
    }
    buffers = {
        name: value.double()
        for name, value in state_of(network).items()
        if not isinstance(value, nn.Parameter)
    }
    return Passed({"loss": loss.detach(), **gradients, **buffers})


def _whole(networks: Sequence[nn.Module], mode: Callable[[nn.Module], object]) -> nn.Module:
    # Copies: what a pass leaves behind must not be in the next.
    twins = [duplicate(one) for one in networks]
    for one in twins:
        mode(one)
    return stacked([Phenotype(one, {}) for one in twins]).network


def _training(network: nn.Module) -> None:
    network.train()


def _training_without_dropout(network: nn.Module) -> None:
    network.train()
    # Not in evaluation mode: attention would take another way there.
    for module in network.modules():
        for name in SHARES:
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def _distance(one: Passed, other: Passed) -> float:
    """Return the largest distance as a share of the largest number; infinite if names differ."""
    if one.values.keys() != other.values.keys():
        return float("inf")
    largest = _largest([value for name, value in one.values.items() if name.startswith("gradient")])
    found = 0.0
    for name, value in one.values.items():
        scale = largest if name.startswith("gradient") else _largest([value])
        apart = float((value - other.values[name]).abs().max()) if value.numel() else 0.0
        found = max(found, apart / scale if apart else 0.0)
    return found


def _largest(values: Sequence[Tensor]) -> float:
    return max([float(one.abs().max()) for one in values if one.numel()], default=0.0) or 1.0
