"""Dense prediction for the head-to-head: a U-Net with side outputs on ECSSD, at 96 pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from head_to_head_problems import Examples, Problem, device_of
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own convention

from evoframe.strategies.task import saliency_data
from evoframe.strategies.task.saliency_metrics import STATISTICS, columns

SIZE = 96
"""Pixels of a side."""


class Twice(nn.Sequential):
    """Two convolutions of 3 by 3, each with a batch norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class UNet(nn.Module):
    """A U-Net that says at each of its sizes what is salient, and at last of all of them."""

    def __init__(self, widths: tuple[int, ...] = (12, 24, 36, 48, 64)) -> None:
        super().__init__()
        pairs = list(zip((3, *widths), widths, strict=False))
        self.down = nn.ModuleList(Twice(a, b) for a, b in pairs)
        self.up = nn.ModuleList(Twice(a + b, a) for a, b in pairs[:0:-1])
        self.sides = nn.ModuleList(nn.Conv2d(a, 1, 1) for a, _ in pairs[:0:-1])
        self.fuse = nn.Conv2d(len(self.sides), 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return logits (N, 1, H, W): fused, then those of each size, coarse ones first."""
        kept, features = [], images
        for level, block in enumerate(self.down):
            features = block(F.max_pool2d(features, 2) if level else features)
            kept.append(features)
        maps = []
        for block, side, beside in zip(self.up, self.sides, kept[-2::-1], strict=True):
            larger = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([beside, larger], 1))
            maps.append(F.interpolate(side(features), images.shape[-2:], mode="bilinear"))
        return self.fuse(torch.cat(maps, 1)), *maps


@attrs.frozen
class Maps(Problem):
    """Salient objects in photographs."""

    def split(self, name: str) -> Examples:
        """Return all images and masks of a split."""
        found = saliency_data.read(self.data / "ecssd.zip", (100, 200, 700), SIZE, 0)
        images, masks = found[name]  # type: ignore[index]
        return images.movedim(-1, 1), masks

    def varied(self, examples: Examples, generator: torch.Generator) -> Examples:
        """Return images, every other one mirrored, shifted by up to 12 pixels at the borders."""
        images, masks = examples
        count = len(images)
        down, right = torch.randint(-12, 13, (2, count, 1), generator=generator)
        places = torch.arange(SIZE)
        rows, columns = ((one + places).clamp(0, SIZE - 1) for one in (down, right))
        mirrored = torch.rand(count, generator=generator) < 0.5
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        which = torch.arange(count)[:, None, None]
        rows, columns = rows[:, :, None], columns[:, None, :]
        return images[which, :, rows, columns].permute(0, 3, 1, 2), masks[which, rows, columns]

    def loss(self, outputs: Any, wanted: Tensor) -> Tensor:
        """Return the mean cross-entropy of all maps."""
        truth = wanted[:, None].float()
        return torch.stack([F.binary_cross_entropy_with_logits(m, truth) for m in outputs]).mean()

    def imitation(self, outputs: Any, taught: Any) -> Tensor:
        """Return the mean cross-entropy of all maps with those of a teacher."""
        pairs = zip(outputs, taught, strict=True)
        return torch.stack(
            [F.binary_cross_entropy_with_logits(one, two.sigmoid()) for one, two in pairs]
        ).mean()

    @torch.no_grad()
    def measured(self, network: nn.Module, split: str) -> Mapping[str, float]:
        """Return the largest F-measure and the mean absolute error."""
        images, masks = self.split(split)
        network.eval()
        given = (self.ready(one.to(device_of(network))) for one in images.split(50))
        maps = torch.cat([network(one)[0].sigmoid()[:, 0].cpu() for one in given])
        found = columns(maps, masks)
        wanted = {name: STATISTICS[name] for name in ("f-max", "mae")}
        return {
            name: float(of(*(found[one].mean(0) for one in needed)))
            for name, (of, needed) in wanted.items()
        }
