"""A ResNet on CIFAR-10 under a FLOPs budget; synthetic images are used if no data are given.

``--data`` is an .npz file with ``x_train, y_train, x_test, y_test``: uint8 pictures (N, 32, 32, 3).
"""

import argparse
import tempfile

import numpy as np
import torch
from torch import Tensor, nn

import evoframe
from evoframe.plugin import Budget, Cluster


def layer(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """Return a convolution with its norm."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first, second = layer(inputs, outputs, stride), layer(outputs, outputs)
        self.inside = nn.Sequential(first, nn.ReLU(), second)
        self.beside = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, outputs, H / stride, W / stride)."""
        return torch.relu(self.inside(x) + self.beside(x))


def resnet(width: int = 16) -> nn.Module:
    """Return a ResNet of three stages."""
    stages = [Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))
    return nn.Sequential(layer(3, width), nn.ReLU(), *stages, head)


def pictures(file: str | None, split: str, count: int) -> tuple[Tensor, Tensor]:
    """Return pictures (N, 3, 32, 32) and their classes."""
    if file is None:
        kinds = torch.arange(count) % 10
        return torch.randn(count, 3, 32, 32) + kinds[:, None, None, None] / 5 - 1, kinds
    x, y = (torch.from_numpy(np.load(file)[f"{name}_{split}"]) for name in "xy")
    return x.permute(0, 3, 1, 2) / 128 - 1, y.flatten().long()


def main(data: str | None, out: str) -> None:
    """Train a ResNet, and halve its FLOPs twice."""
    torch.manual_seed(0)
    x, y = pictures(data, "train", 600)
    validation, train = torch.randperm(len(x)).tensor_split([len(x) // 10])
    task = evoframe.task(
        network=resnet(),
        train=(x[train], y[train]),
        validation=(x[validation], y[validation]),
        test=pictures(data, "test", 200),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": lambda scores, kinds: (scores.argmax(1) == kinds).float()},
        trained=False,
    )
    encoding, environment = Cluster(of="bundle"), Budget("flops", share=0.5)
    run = evoframe.evolve(task, encoding=encoding, environment=environment, generations=3, out=out)
    for one in run.individuals:
        print(one.id, int(one.fitness.costs["flops"]), one.fitness.test["accuracy"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=None, help="CIFAR-10 as an .npz file")
    parser.add_argument("--out", default=f"{tempfile.mkdtemp()}/run", help="run folder")
    main(**vars(parser.parse_args()))
