"""Judging: how siblings do on the same training examples, before or amid their training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention
from torch.nn.modules.batchnorm import _BatchNorm

from evoframe.errors import TaskError
from evoframe.kernel import device as devices
from evoframe.kernel.context import Context
from evoframe.kernel.evidence import Call, by_loss_or_metrics
from evoframe.kernel.judged import Judge
from evoframe.kernel.key import sealed
from evoframe.kernel.life import Batch
from evoframe.kernel.modules.outputs import Heard, divergence
from evoframe.roles.measuring import added, checked, means

Outputs = list[Tensor]


class Bench:
    """Training batches that siblings are judged on, and what the ancestor answered to each.

    The batches are the same for all: of two numbers of examples, the smaller are the first of the
    larger. So are random numbers that networks draw.
    """

    def __init__(self, context: Context) -> None:
        """Take batches as they are asked for.

        Args:
            context: with the key of the batches.
        """
        self._context = context
        self._batches: list[Batch] = []
        self._answers: list[Outputs] = []
        self._rest: Iterator[Batch] | None = None

    def batches(self, examples: int) -> list[Batch]:
        """Return the first batches, with at least so many examples, or all that there are.

        Raises:
            TaskError: there is none.
        """
        task, seen, found = self._context.task, 0, 0
        for batch in self._all():
            seen += task.examples_in(batch) or 1
            found += 1
            if seen >= examples:
                break
        if not found:
            raise TaskError(f"task {task.name!r} has no training batch to judge siblings on.")
        return self._batches[:found]

    def _all(self) -> Iterator[Batch]:
        """Yield all batches, those that were taken before first."""
        yield from self._batches
        task, key = self._context.task, self._context.key
        with sealed(key.at("batches", len(self._batches))):
            if self._rest is None:
                self._rest = iter(task.batches("train", shuffle=key))
            for batch in self._rest:
                self._batches.append(devices.move(batch, self._context.device))
                yield self._batches[-1]

    def examples(self, count: int) -> int:
        """Return the number of examples of these batches."""
        task = self._context.task
        return sum(task.examples_in(one) or 1 for one in self.batches(count))

    @torch.no_grad()
    def score(self, network: nn.Module, by: Judge, examples: int) -> float:
        """Return the score of a network: the smaller, the better."""
        batches = self.batches(examples)
        with sealed(self._context.key.at("statistics")):
            self._take_statistics(network.eval(), batches)
        with sealed(self._context.key.at("judging")):
            if by == "metric":
                return self._metric(network, batches)
            if by == "loss":
                return self._mean(batches, [self._loss(network, one) for one in batches])
            own = [self._heard(network, one) for one in batches]
        taught = self.taught(len(batches))
        far = divergence if by == "divergence" else F.mse_loss
        return self._mean(
            batches, [_distance(*pair, far) for pair in zip(taught, own, strict=True)]
        )

    def taught(self, count: int) -> list[Outputs]:
        """Return the ancestor's outputs for the first batches."""
        if len(self._answers) < count:
            context = self._context
            network = context.anatomy.develop(context.ancestor).network.eval()
            with torch.no_grad(), sealed(context.key.at("judging")):
                for batch in self._batches[len(self._answers) : count]:
                    self._answers.append(self._heard(network, batch))
        return self._answers[:count]

    @property
    def asked(self) -> int:
        """To how many batches the ancestor has answered."""
        return len(self._answers)

    def _take_statistics(self, network: nn.Module, batches: list[Batch]) -> None:
        """Estimate the statistics of batch norms anew, on the same batches.

        Whatever left shifts the mean and variance of every layer. A batch of one example, of which
        batch norm has no variance to learn from, is left out.
        """
        norms = norms_of(network)
        if not norms or all(self._is_alone(one) for one in batches):
            return

        def taken(call: Call) -> None:
            for one in norms:
                one.reset_running_stats()
                one.momentum = None  # a plain average over all batches
                one.train()
            for batch in batches:
                if not self._is_alone(batch):
                    call(network, batch)

        by_loss_or_metrics(self._context.task, taken)
        network.eval()

    def _is_alone(self, batch: Batch) -> bool:
        return self._context.task.examples_in(batch) == 1

    def _mean(self, batches: list[Batch], values: list[float]) -> float:
        task = self._context.task
        sizes = [task.examples_in(one) or 1 for one in batches]
        return sum(s * v for s, v in zip(sizes, values, strict=True)) / sum(sizes)

    def _loss(self, network: nn.Module, batch: Batch) -> float:
        return float(self._context.task.step(network, batch))

    def _heard(self, network: nn.Module, batch: Batch) -> Outputs:
        with Heard(network) as heard:
            # The task's own calls: only the task knows which part of a batch goes in.
            by_loss_or_metrics(self._context.task, lambda call: call(network, batch))
        found = heard.outputs()
        if not found:
            raise TaskError(
                f"siblings are judged by what their networks return, and the network of task "
                f"{self._context.task.name!r} returns no tensor of numbers. Try judge = 'loss' or "
                "'metric'."
            )
        return found

    def _metric(self, network: nn.Module, batches: list[Batch]) -> float:
        task, total = self._context.task, None
        primary = task.primary
        for batch in batches:
            size = task.examples_in(batch)
            values = checked(task.measure(network, batch), size, task.name)
            if primary.name in values:
                total = added(total, primary.name, values[primary.name], size)
        if total is None or not total.count:
            return math.nan
        value = means({primary.name: total})[primary.name].value
        return -primary.sort_value(value)


def _distance(taught: Outputs, said: Outputs, far: Any) -> float:
    return float(torch.stack([far(*pair) for pair in zip(taught, said, strict=True)]).mean())


def norms_of(network: nn.Module) -> list[_BatchNorm]:
    """Return the batch norms of a network that have statistics."""
    return [
        one
        for one in network.modules()
        if isinstance(one, _BatchNorm) and one.running_mean is not None
    ]
