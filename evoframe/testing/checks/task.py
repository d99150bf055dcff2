"""Tasks: an ancestor that can be surveyed, data that stay the same, and honest measuring."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evoframe import anatomy
from evoframe.config.recipe import Recipe, RunOptions
from evoframe.errors import EvoframeError
from evoframe.kernel import device as devices
from evoframe.kernel.key import Key, sealed
from evoframe.roles import Batch, Split
from evoframe.roles.over_data_set import Kept
from evoframe.run.disk.folder import RunFolder
from evoframe.run.world import build_world
from evoframe.strategies.encoding.synaptic import Synaptic
from evoframe.strategies.executor.serial import Serial
from evoframe.strategies.heredity.asexual import Asexual
from evoframe.strategies.selection.random_pairs import RandomPairs
from evoframe.strategies.training.untrained import Untrained
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.fingerprints import fingerprint
from evoframe.testing.trying import broken

FEW = 8
"""Examples that are measured one by one."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@law("task", stage=Stage.FORM)
def check_can_be_evolved(task: Any) -> None:
    """Its ancestor can be surveyed, holds synapses, has a loss with a gradient and its metrics.

    Everything that a run asks before it writes anything.
    """
    recipe = Recipe(
        task=task,
        run=RunOptions(device="cpu"),
        heredity=Asexual(),
        encoding=Synaptic(),
        training=Untrained(),
        selection=RandomPairs(),
        executor=Serial(),
    )
    try:
        # Nothing is written before a world is whole, so the folder is never made.
        build_world(recipe, RunFolder(Path("nowhere")))
    except EvoframeError as error:
        broken(str(error))


@law("task", stage=Stage.CALL)
def check_passes_over_a_split_repeat(task: Any) -> None:
    """Every pass over a split in natural order is the same, and so is every shuffle by one key.

    There is at least one example to learn from, and one to judge by; ``test`` may be empty. What
    is measured on does not depend on the global generators: the splits ``validation`` and ``test``
    are compared with other draws in between. Training data may be augmented by them.
    """
    for split in SPLITS:
        # Training is sealed in each epoch by its key, so that what it draws comes again.
        seeds = (1, 1, 1) if split == "train" else (1, 2, 3)
        one, *others = (_prints(task, split, None, Key(seed)) for seed in seeds)
        if any(other != one for other in others):
            broken(f"two passes over {split} in natural order differ")
        if not one and split != "test":
            broken(f"there is no example in {split}")
    one, two = (_prints(task, "train", Key(5), Key(1)) for _ in range(2))
    if one != two:
        broken("two shuffles of train by the same key differ")


@law("task")
def check_evaluation_changes_nothing(task: Any) -> None:
    """Evaluating a network twice gives the same measurements, and leaves the network as it was."""
    with sealed(Key(0)):
        network = task.ancestor(Key(0))
    plan = anatomy.survey(network, task.example_inputs(), task.evolvable(network))
    grown = plan.develop(plan.genotype()).network.eval()
    before = fingerprint(grown)
    with torch.no_grad():
        one, two = (task.evaluate(grown, "validation", torch.device("cpu")) for _ in range(2))
    if fingerprint(grown) != before:
        broken("the network is another one afterwards")
    if fingerprint(one) != fingerprint(two):
        broken(f"it measured {one}, and then {two}")


@law("task")
def check_measures_each_example_by_itself(task: Any) -> None:
    """What it measures of an example does not depend on the other examples of its batch.

    Where a metric has a value for each example: then a mean over a split is a mean over examples,
    whatever the size of batches. Return one mean for the batch if that cannot be had.
    """
    with sealed(Key(0)):
        network = task.ancestor(Key(0)).eval()
        together = _measured(task, network, task.batches("validation"))
        alone = _measured(task, network, task.batches("validation", batch_size=1))
    for name in together.keys() & alone.keys():
        count = min(len(together[name]), len(alone[name]), FEW)
        one, other = (values[name][:count].double() for values in (together, alone))
        # Kernels of other batch sizes add in another order.
        if not torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True):
            worst = int((one - other).abs().argmax())
            broken(
                f"{name} of validation example {worst} is {float(one[worst]):g} in a batch and "
                f"{float(other[worst]):g} alone"
            )


def _measured(task: Any, network: nn.Module, batches: Iterable[Batch]) -> dict[str, Tensor]:
    """Return the metrics of the first examples, of those that have a value for each."""
    found: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for batch in itertools.islice(batches, FEW):
            for name, values in task.measure(network, batch).items():
                if not isinstance(values, Kept) and torch.as_tensor(values).ndim == 1:
                    found.setdefault(name, []).append(torch.as_tensor(values))
    return {name: torch.cat(parts) for name, parts in found.items()}


def _prints(task: Any, split: Split, shuffle: Key | None, seal: Key) -> list[str]:
    """Return the fingerprints of the first batches of a pass, under a seal."""
    with sealed(seal):
        batches = itertools.islice(task.batches(split, shuffle=shuffle), 8)
        return [fingerprint(devices.move(batch, torch.device("cpu"))) for batch in batches]
