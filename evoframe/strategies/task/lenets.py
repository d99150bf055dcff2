"""The two LeNets on which pruning is compared since 2015, with all of their weights counted.

266,200 weights of LeNet-300-100 and 430,500 of LeNet-5 as in Caffe (1506.02626 and those after it):
those of the classifier too, which the papers of this framework leave out. So all weights evolve.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

import attrs
from torch import nn

from evoframe.strategies.task.mnist import Mnist


def lenet_300_100() -> nn.Sequential:
    """Return a perceptron of 266,610 numbers, of which 410 are biases."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(784, 300),
            relu1=nn.ReLU(),
            fc2=nn.Linear(300, 100),
            relu2=nn.ReLU(),
            classifier=nn.Linear(100, 10),
        )
    )


def lenet_5_caffe() -> nn.Sequential:
    """Return a network of 431,080 numbers, of which 580 are biases.

    Caffe's own example has a rectifier after the first linear layer alone.
    """
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 20, 5),
            pool1=nn.MaxPool2d(2),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(20, 50, 5),
            pool2=nn.MaxPool2d(2),
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(800, 500),
            relu3=nn.ReLU(),
            classifier=nn.Linear(500, 10),
        )
    )


@attrs.frozen
class Lenet300100(Mnist):
    """Handwritten digits and LeNet-300-100, all 266,200 weights of which evolve."""

    name: ClassVar[str] = "lenet-300-100"
    network: ClassVar[Callable[[], nn.Module]] = lenet_300_100
    padding: ClassVar[int] = 0

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return every weight, those of the classifier too."""
        return every_weight(network)


@attrs.frozen
class Lenet5Caffe(Mnist):
    """Handwritten digits and LeNet-5 as in Caffe, all 430,500 weights of which evolve."""

    name: ClassVar[str] = "lenet-5-caffe"
    network: ClassVar[Callable[[], nn.Module]] = lenet_5_caffe
    padding: ClassVar[int] = 0

    def evolvable(self, network: nn.Module) -> tuple[str, ...]:
        """Return every weight, those of the classifier too."""
        return every_weight(network)


def every_weight(network: nn.Module) -> tuple[str, ...]:
    """Return the names of all parameters with more than one axis."""
    return tuple(name for name, value in network.named_parameters() if value.ndim > 1)
