"""Evidence: what an encoding may ask about an inheritance, measured only if it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from evoframe.errors import EvoframeError
from evoframe.kernel import device as devices
from evoframe.kernel.clusters import Kind, Partition
from evoframe.kernel.context import Context
from evoframe.kernel.dna import Inheritance
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.key import sealed
from evoframe.kernel.life import Batch, Task
from evoframe.kernel.phenotype import Phenotype
from evoframe.kernel.settling import settle

_Means = dict[str, Tensor]

_Found = TypeVar("_Found")

Call = Callable[[nn.Module, Batch], Any]
"""What runs a network on a batch: a task's ``step`` or ``measure``."""


def by_loss_or_metrics(task: Task, taken: Callable[[Call], _Found]) -> _Found:
    """Return the result of forward passes of a network in evaluation mode.

    They are taken as for the loss, which is what training sees; as for the metrics where the loss
    fails, since a network may give one in training mode alone and classes or boxes in evaluation.

    Args:
        task: whose calls they are.
        taken: takes all of them by one call, from the beginning whenever it is asked.

    Raises:
        Exception: what the loss raised, if metrics raise something too.
    """
    try:
        return taken(task.step)
    except EvoframeError:
        raise
    except Exception as error:  # noqa: BLE001  somebody's own code, tried in two ways
        try:
            return taken(task.measure)
        except Exception:  # noqa: BLE001  the first one is about what was asked for
            raise error from None


class Evidence:
    """Answers what an encoding asks about the inheritance, and computes only what is asked.

    Everything is measured on the developed inheritance (the parents' mated network before
    anything is removed), on training batches that the key chooses, and comes in ancestor
    coordinates. An encoding that wants to know something else measures it itself: on the network
    of :meth:`phenotype`, while :meth:`losses` are taken, and brings what it has found home by
    ``context.anatomy.home``.

    Attributes:
        context: the ancestor, its anatomy, the task, the device, and the key of the batches.
    """

    def __init__(self, inheritance: Inheritance, context: Context) -> None:
        self.context = context
        self._inheritance = inheritance
        self._answers: dict[tuple[int, int | None], tuple[_Means, _Means]] = {}

    def mean_gradient(self, *, batches: int) -> dict[str, Tensor]:
        """Return the mean gradient of each synapse, by parameter, in ancestor coordinates.

        Args:
            batches: how many training batches to take the mean over.
        """
        return self._gradients(batches, None)[0]

    def mean_squared_gradient(
        self, *, batches: int, batch_size: int | None = None
    ) -> dict[str, Tensor]:
        """Return the mean squared gradient of each synapse, by parameter, in ancestor coordinates.

        Args:
            batches: how many training batches to take the mean over.
            batch_size: examples in each; the task's own choice if not given. With 1 it is the
                diagonal of the empirical Fisher information.
        """
        return self._gradients(batches, batch_size)[1]

    def clusters(self, kind: Kind) -> Partition:
        """Return the ancestor's synapses sorted into clusters; costs no data."""
        return self.context.anatomy.clusters(kind)

    def phenotype(self) -> Phenotype:
        """Return the developed inheritance, in evaluation mode and made anew by every call.

        Its network is the caller's own, to be hooked, changed and traced.
        """
        phenotype = self.context.anatomy.develop(self._genotype)
        phenotype.network.eval()
        return phenotype

    def losses(
        self, phenotype: Phenotype, *, batches: int, batch_size: int | None = None
    ) -> Iterator[Tensor]:
        """Yield the loss of each training batch, a scalar with its graph.

        The batches are the same at every call, and randomness is sealed until the last is taken.

        Args:
            phenotype: whose network is run; of :meth:`phenotype`.
            batches: how many training batches to take, at most as many as there are.
            batch_size: examples in each; the task's own choice if not given.
        """
        step = self.context.task.step
        return self._over(step, phenotype, batches=batches, batch_size=batch_size)

    def passes(self, call: Call, phenotype: Phenotype, *, batches: int) -> None:
        """Take forward passes over the same training batches, without gradients.

        Args:
            call: of a network and a batch, as :func:`by_loss_or_metrics` gives it.
            phenotype: whose network is run; of :meth:`phenotype`.
            batches: how many training batches to take, at most as many as there are.
        """
        with torch.no_grad():
            for _ in self._over(call, phenotype, batches=batches):
                pass

    def _over(
        self,
        call: Callable[[nn.Module, Batch], _Found],
        phenotype: Phenotype,
        *,
        batches: int,
        batch_size: int | None = None,
    ) -> Iterator[_Found]:
        task, device, key = self.context.task, self.context.device, self.context.key
        with sealed(key):
            everything = task.batches("train", shuffle=key, batch_size=batch_size)
            for _, batch in zip(range(batches), everything, strict=False):
                yield call(phenotype.network, devices.move(batch, device))

    @cached_property
    def _genotype(self) -> Genotype:
        # Strengths last: gradients are those of the weights that are read as DNA.
        state = {**self._inheritance.state, **self._inheritance.strengths}
        return settle(Genotype(self._inheritance.eligible, state), self.context.anatomy.wiring)

    def _gradients(self, batches: int, batch_size: int | None) -> tuple[_Means, _Means]:
        asked = (batches, batch_size)
        if asked not in self._answers:
            self._answers[asked] = self._over_batches(batches, batch_size)
        return self._answers[asked]

    def _over_batches(self, batches: int, batch_size: int | None) -> tuple[_Means, _Means]:
        """Return the means of gradients and of their squares."""
        phenotype = self.phenotype()
        network = phenotype.network
        parameters = dict(network.named_parameters())
        sums = {name: torch.zeros_like(value) for name, value in parameters.items()}
        squares = {name: torch.zeros_like(value) for name, value in parameters.items()}
        seen = 0
        for loss in self.losses(phenotype, batches=batches, batch_size=batch_size):
            network.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            for name, value in parameters.items():
                if value.grad is not None:
                    sums[name] += value.grad
                    squares[name] += value.grad.square()
            # Counted, since a split may have fewer batches than were asked for.
            seen += 1
        first, second = (
            self.context.anatomy.home(phenotype, {n: total[n] / max(seen, 1) for n in total})
            for total in (sums, squares)
        )
        return first, second
