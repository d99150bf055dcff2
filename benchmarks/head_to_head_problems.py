"""The problems of the head-to-head: a trained ancestor, examples, a loss, and what is measured.

Images are decoded once and kept as bytes in the folder of results, and so is each ancestor, since
it is trained for minutes before anything is cut.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

sys.path.insert(0, str(Path(__file__).parent))

from resnet20 import DEVIATION, MEAN, Block, _pixels

from evoframe.kernel.key import Key

Examples = tuple[Tensor, Tensor]
"""Inputs as bytes (N, 3, H, W), and what is wanted of each."""


@attrs.frozen
class Problem:
    """What networks are cut and trained for.

    Attributes:
        name: of its results.
        out: folder in which images and ancestors are kept.
        data: folder of the shared data.
        kind: ``resnet20``, ``resnet56`` or ``unet``.
        batch_size: examples in each step of a training.
        tuning: epochs of the ancestor's own training, and their largest learning rate.
        metric: by which settings are chosen.
        device: of all training and measuring; networks are cut on the CPU.
    """

    name: str
    out: Path
    data: Path
    make: Callable[[], nn.Module]
    tuning: tuple[int, float]
    metric: str = "accuracy"
    passes: int = 40_000
    rate: float = 0.02
    staying: tuple[str, ...] = ("linear",)
    recovery: int = 20_000
    batch_size: int = 64
    device: str = "cpu"

    @cached_property
    def ancestor(self) -> nn.Module:
        """The ancestor, trained on all training images, in evaluation mode."""
        kept, network = self.out / f"{self.name}.pt", self.make()
        if kept.exists():
            network.load_state_dict(torch.load(kept, weights_only=True))
        else:
            self.begin(network)
            epochs, rate = self.tuning
            steps = epochs * len(self.split("train")[0]) // self.batch_size
            learn(network, self, self.split("train"), steps, rate, Key(0).at("ancestor"))
            torch.save(network.cpu().state_dict(), kept)
        return network.eval()

    @cached_property
    def whole(self) -> Mapping[str, Mapping[str, float]]:
        """The metrics of the ancestor on validation and test."""
        kept = self.out / f"{self.name}.metrics"
        if not kept.exists():
            found = {one: self.measured(self.ancestor, one) for one in ("validation", "test")}
            kept.write_text(json.dumps(found))
        read: Mapping[str, Mapping[str, float]] = json.loads(kept.read_text())
        return read

    def begin(self, network: nn.Module) -> None:
        """Give a fresh ancestor the weights that it is trained on from."""

    def restated(self) -> nn.Module:
        """Return a network that computes what the ancestor does, in words that others can read."""
        return copy.deepcopy(self.ancestor)

    def split(self, name: str) -> Examples:
        """Return all examples of ``train``, ``validation`` or ``test``, as bytes."""
        raise NotImplementedError

    def school(self) -> Examples:
        """Return the training examples that cuts may see."""
        inputs, wanted = self.split("train")
        return inputs[: self.recovery], wanted[: self.recovery]

    def ready(self, inputs: Tensor) -> Tensor:
        """Return what a network is given of bytes: every channel around 0, of deviation 1."""
        mean, deviation = (
            torch.tensor(one, device=inputs.device).reshape(1, 3, 1, 1) for one in (MEAN, DEVIATION)
        )
        return inputs.float().div_(255).sub_(mean).div_(deviation)

    def varied(self, examples: Examples, generator: torch.Generator) -> Examples:
        """Return examples that are each shifted and, every other one, mirrored; still bytes."""
        raise NotImplementedError

    def loss(self, outputs: Any, wanted: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        return F.cross_entropy(outputs, wanted)

    def imitation(self, outputs: Any, taught: Any) -> Tensor:
        """Return how far outputs are from those of a teacher."""
        wanted, found = (F.log_softmax(one / 2, 1) for one in (taught, outputs))
        return 4 * F.kl_div(found, wanted, log_target=True, reduction="batchmean")

    def measured(self, network: nn.Module, split: str) -> Mapping[str, float]:
        """Return the metrics of a network on a split."""
        raise NotImplementedError


class Restated(Block):
    """A block whose shortcut is a convolution; it counts for nothing, as padding does."""

    shortcut: nn.Conv2d

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, outputs, H / stride, W / stride)."""
        inside = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(images)))))
        return F.relu(inside + self.shortcut(images))


class Photographs(Problem):
    """CIFAR-10 from a copy of JPEG files."""

    @cached_property
    def _pixels(self) -> dict[str, np.ndarray[Any, Any]]:
        kept = self.out / "cifar10.npz"
        if not kept.exists():
            found = {}
            with np.load(self.data / "cifar10_jpeg_stream.npz", allow_pickle=False) as arrays:
                for name in ("train", "test"):
                    blob, borders = arrays[f"blob_{name}"].tobytes(), arrays[f"off_{name}"]
                    files = [blob[a:b] for a, b in itertools.pairwise(borders)]
                    found[name] = np.stack([_pixels(one) for one in files]).transpose(0, 3, 1, 2)
                    found[f"y_{name}"] = arrays[f"y_{name}"].astype(np.int64)
            part = kept.with_name(f"{os.getpid()}.npz")  # others may begin beside this process
            np.savez(part, **found)
            part.rename(kept)
        with np.load(kept) as arrays:
            return dict(arrays)

    def split(self, name: str) -> Examples:
        """Return all images and labels of a split; 5,000 training images are for validation."""
        part = "test" if name == "test" else "train"
        images = torch.from_numpy(self._pixels[part])
        labels = torch.from_numpy(self._pixels[f"y_{part}"])
        if name == "test":
            return images, labels
        order = torch.from_numpy(Key(0).at("split").shuffled(len(labels)))  # sorted by class
        part_of = order[45_000:] if name == "validation" else order[:45_000]
        return images[part_of], labels[part_of]

    def begin(self, network: nn.Module) -> None:
        """Load the published weights."""
        file = next((self.data / "resnet-cifar10").glob(f"{self.name}-*.th"))
        saved = torch.load(file, map_location="cpu", weights_only=True)["state_dict"]
        network.load_state_dict({k.removeprefix("module."): v for k, v in saved.items()})

    def restated(self) -> nn.Module:
        """Return the ancestor whose shortcuts are convolutions of zeros and ones, which stay.

        Torch-Pruning takes the channels behind a padding for those with the same numbers before.
        """
        network = copy.deepcopy(self.ancestor)
        for block in network.modules():
            if isinstance(block, Block) and block.padding:
                block.__class__ = Restated
                outputs, inputs = block.bn2.num_features, block.conv1.in_channels
                block.shortcut = nn.Conv2d(inputs, outputs, 1, block.stride, bias=False)
                with torch.no_grad():
                    identity = torch.eye(inputs)
                    padded = F.pad(identity, (0, 0, block.padding, block.padding))
                    block.shortcut.weight.copy_(padded[:, :, None, None])
        return network.eval()

    def varied(self, examples: Examples, generator: torch.Generator) -> Examples:
        """Return images shifted by up to 4 pixels, every other one mirrored."""
        images, labels = examples
        count, size = len(images), images.shape[-1]
        padded = F.pad(images, (4, 4, 4, 4))
        down, right = torch.randint(0, 9, (2, count, 1), generator=generator)
        rows, columns = down + torch.arange(size), right + torch.arange(size)
        mirrored = torch.rand(count, generator=generator) < 0.5
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        which = torch.arange(count)[:, None, None]
        # (N, 32, 32, 3): indices apart from one another put their axes first.
        moved = padded[which, :, rows[:, :, None], columns[:, None, :]]
        return moved.permute(0, 3, 1, 2), labels

    @torch.no_grad()
    def measured(self, network: nn.Module, split: str) -> Mapping[str, float]:
        """Return accuracy and mean cross-entropy."""
        images, labels = self.split(split)
        parts = zip(images.split(500), strict=False)
        where = device_of(network)
        scores = torch.cat([network.eval()(self.ready(one.to(where))).cpu() for (one,) in parts])
        return {
            "accuracy": float((scores.argmax(1) == labels).double().mean()),
            "loss": float(F.cross_entropy(scores, labels)),
        }


class Learning:
    """A training of so many steps that may wait: SGD, half a cosine, half the loss a teacher's."""

    def __init__(
        self,
        network: nn.Module,
        problem: Problem,
        examples: Examples,
        steps: int,
        rate: float,
        key: Key,
        teacher: nn.Module | None = None,
    ) -> None:
        self.network, self.steps, self.taken = network, steps, 0
        self._problem, self._teacher = problem, teacher
        network.to(problem.device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.SGD(
            [one for one in network.parameters() if one.requires_grad],
            rate,
            momentum=0.9,
            weight_decay=5e-4,
            nesterov=True,
        )
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimiser, max(steps, 1))
        self._batches = endless(problem, examples, key, problem.device)

    def go_on(self, until: int) -> None:
        """Train the network in place until so many steps are taken; it is in evaluation mode."""
        self.network.train()
        for inputs, wanted in itertools.islice(self._batches, until - self.taken):
            outputs = self.network(inputs)
            loss = self._problem.loss(outputs, wanted)
            if self._teacher is not None:
                with torch.no_grad():
                    taught = self._teacher(inputs)
                loss = (loss + self._problem.imitation(outputs, taught)) / 2
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            self._schedule.step()
        self.taken = until
        self.network.eval()


def learn(network: nn.Module, problem: Problem, *how: Any) -> None:
    """Train a network in place, in one go; see :class:`Learning`."""
    learning = Learning(network, problem, *how)
    learning.go_on(learning.steps)


def device_of(network: nn.Module) -> torch.device:
    """Return where the parameters of a network are."""
    return next(network.parameters()).device


def endless(
    problem: Problem, examples: Examples, key: Key, device: torch.device | str = "cpu"
) -> Iterator[Examples]:
    """Yield varied batches, epoch after epoch; what does not fill a batch is left out."""
    size = problem.batch_size
    for epoch in itertools.count():
        order = torch.from_numpy(key.at("order", epoch).shuffled(len(examples[0])))
        generator = key.at("variation", epoch).generator()
        for part in order.split(size):
            if len(part) == size:
                inputs, wanted = problem.varied((examples[0][part], examples[1][part]), generator)
                inputs = problem.ready(inputs.to(device)).to(memory_format=torch.channels_last)
                yield inputs, wanted.to(device)


def estimate_statistics(network: nn.Module, problem: Problem, key: Key, batches: int = 20) -> None:
    """Estimate the running statistics of batch norms anew, on training examples."""
    norms = [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    moments = [one.momentum for one in norms]
    for one in norms:
        one.reset_running_stats()
        one.momentum = None
    network.train()
    with torch.no_grad():
        given = endless(problem, problem.school(), key, device_of(network))
        for inputs, _ in itertools.islice(given, batches):
            network(inputs)
    for one, moment in zip(norms, moments, strict=True):
        one.momentum = moment
    network.eval()
