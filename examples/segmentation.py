"""A U-Net that segments discs in noise, halved in FLOPs and measured by intersection over union."""

import argparse
import tempfile

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

import evoframe
from evoframe.plugin import Budget, Cluster


def layer(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """Return a convolution with its norm."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class UNet(nn.Module):
    """Two scales down and up again, with skips by concatenation."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.top, self.middle = layer(1, width), layer(width, 2 * width, 2)
        self.bottom = layer(2 * width, 4 * width, 2)
        self.to_middle, self.to_top = layer(6 * width, 2 * width), layer(3 * width, width)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return scores (N, 1, H, W)."""
        top = self.top(pictures)
        middle = self.middle(top)
        up = interpolate(self.bottom(middle), scale_factor=2)
        up = interpolate(self.to_middle(torch.cat([middle, up], 1)), scale_factor=2)
        return self.head(self.to_top(torch.cat([top, up], 1)))


def discs(count: int) -> tuple[Tensor, Tensor]:
    """Return noisy pictures (N, 1, 24, 24) and their masks."""
    centres, radii = torch.rand(count, 2, 1, 1) * 24, 3 + 4 * torch.rand(count, 1, 1)
    rows, columns = torch.arange(24)[:, None], torch.arange(24)
    masks = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2 < radii**2
    return masks[:, None] + 0.7 * torch.randn(count, 1, 24, 24), masks[:, None]


def main(out: str) -> None:
    """Train, evolve, and print the size and accuracy of the result."""
    torch.manual_seed(0)
    task = evoframe.task(
        network=UNet(),
        train=discs(200),
        validation=discs(100),
        loss=lambda scores, masks: binary_cross_entropy_with_logits(scores, masks.float()),
        metrics={
            "iou": evoframe.over_data_set(
                lambda both, either: both.sum() / either.sum(),
                of=lambda scores, masks: ((scores > 0) & masks, (scores > 0) | masks),
            )
        },
        trained=False,
    )
    encoding, environment = Cluster(of="bundle"), Budget("flops", share=0.6)
    options = ["ancestor.epochs=8", "training.epochs=4"]
    given = {"generations": 3, "options": options, "out": out}
    run = evoframe.evolve(task, encoding=encoding, environment=environment, **given)
    for one in run.individuals:
        print(one.id, int(one.fitness.costs["flops"]), one.fitness.validation["iou"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=None, help="run folder")
    main(parser.parse_args().out or f"{tempfile.mkdtemp()}/run")
