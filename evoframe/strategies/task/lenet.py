"""The LeNet of the evolutionary-synthesis papers: 143,136 synapses that evolve.

The published counts ("143,136 synapses and 7,200 kernels", 1709.02043) are those of MatConvNet's
CIFAR-quick network without its classifier and biases, for 32 x 32 inputs.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

DEVIATIONS = {"conv1": 0.01, "conv2": 0.05, "conv3": 0.05, "conv4": 0.05, "classifier": 0.05}
"""Standard deviation of the initial weights of each layer; biases start at 0."""


class LeNet(nn.Sequential):
    """Maps images (N, channels, 32, 32) to logits (N, classes)."""

    def __init__(self, channels: int = 1, classes: int = 10) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(channels, 32, 5, padding=2),
                # Pooling before the first activation, and rounding up, are MatConvNet's.
                pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(32, 32, 5, padding=2),
                relu2=nn.ReLU(),
                pool2=nn.AvgPool2d(3, 2, ceil_mode=True),
                conv3=nn.Conv2d(32, 64, 5, padding=2),
                relu3=nn.ReLU(),
                pool3=nn.AvgPool2d(3, 2, ceil_mode=True),
                conv4=nn.Conv2d(64, 64, 4),
                relu4=nn.ReLU(),
                classifier=nn.Conv2d(64, classes, 1),
                flatten=nn.Flatten(),
            )
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights from the global torch generator."""
        for name, deviation in DEVIATIONS.items():
            layer = self.get_submodule(name)
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)
