"""How well saliency maps fit their masks: precision and recall, F-measures, and absolute error.

A map S holds a number from 0 to 1 for each pixel, a mask G 0 or 1. As the field measures
(Achanta et al., CVPR 2009; Borji et al., 1501.02741):

    F = (1 + b) P R / (b P + R)   with b = beta^2 = 0.3        MAE = mean |S - G|

Precision P and recall R are those of the pixels that reach a threshold: each of the 256 values of
the map in 8 bits, or the map's own, min(1, 2 mean(S)), *adaptive*. P and R are averaged over images
before F is computed; *per image* is the other custom, the mean of every image's F.
What has nothing to divide by is 0: the precision of a map that finds nothing, and the recall of a
mask with nothing to find.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from evoframe.kernel.individual import Measurement

BETA_SQUARED = 0.3

VALUES = 256
"""Of a map in 8 bits, and so thresholds."""

Columns = Mapping[str, Tensor]
"""What is known of N images, by name: (N,) or (N, 256) numbers in float64."""


def f_measure(precision: Tensor, recall: Tensor) -> Tensor:
    """Return F for each pair of precision and recall; 0 where both are."""
    return _share((1 + BETA_SQUARED) * precision * recall, BETA_SQUARED * precision + recall)


STATISTICS: dict[str, tuple[Callable[..., Tensor], tuple[str, ...]]] = {
    "f-max": (lambda p, r: f_measure(p, r).amax(-1), ("precision", "recall")),
    "f-max-per-image": (lambda f: f.amax(-1), ("f",)),
    "f-adaptive": (f_measure, ("adaptive precision", "adaptive recall")),
    "f-adaptive-per-image": (lambda f: f, ("adaptive f",)),
    "mae": (lambda error: error, ("mae",)),
    "loss": (lambda loss: loss, ("loss",)),
}
"""Every metric as a function of the means over images of some columns."""


def columns(maps: Tensor, masks: Tensor) -> dict[str, Tensor]:
    """Return the columns that metrics are computed from, on the CPU.

    Args:
        maps: saliency from 0 to 1, (N, H, W). An image with a number that is not finite has none
            but NaN in every column.
        masks: 0 and 1, (N, H, W).
    """
    maps, masks = maps.detach().double().cpu(), masks.detach().long().cpu()
    broken = ~maps.isfinite().flatten(1).all(1)
    errors = (maps - masks).abs().mean((1, 2))
    # Only so that indices below are valid; what is broken is NaN again in the end.
    maps = maps.nan_to_num(0, 0, 0)
    precision, recall = _curves(maps, masks)
    threshold = (2 * maps.mean((1, 2), keepdim=True)).clamp(max=1)
    found, objects = maps >= threshold, masks == 1
    hits = (found & objects).sum((1, 2))
    own_precision, own_recall = _share(hits, found.sum((1, 2))), _share(hits, objects.sum((1, 2)))
    known = {
        "precision": precision,
        "recall": recall,
        "f": f_measure(precision, recall),
        "adaptive precision": own_precision,
        "adaptive recall": own_recall,
        "adaptive f": f_measure(own_precision, own_recall),
        "mae": errors,
    }
    for values in known.values():
        values[broken] = math.nan
    return known


def of_each(known: Columns) -> dict[str, Tensor]:
    """Return every metric of each image alone, (N,)."""
    return {
        name: statistic(*(known[column] for column in named))
        for name, (statistic, named) in STATISTICS.items()
    }


def of_all(known: Columns) -> dict[str, Measurement]:
    """Return every metric of the images together, with its jackknife standard error."""
    return {
        name: _jackknifed(statistic, *(known[column] for column in named))
        for name, (statistic, named) in STATISTICS.items()
    }


def _jackknifed(statistic: Callable[..., Tensor], *per_image: Tensor) -> Measurement:
    """Return a statistic of means over images, and its error from leaving out each in turn.

    For a plain mean that is the usual standard error. A single image gives no error.
    """
    count = len(per_image[0])
    value = float(statistic(*(values.mean(0) for values in per_image)))
    if count < 2:
        return Measurement(value)
    # A row for each image: the means over all the others.
    without = statistic(*((values.sum(0) - values) / (count - 1) for values in per_image))
    spread = (without - without.mean()).square().sum()
    return Measurement(value, math.sqrt(float(spread) * (count - 1) / count))


def _curves(maps: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Return precision and recall (N, 256) of the pixels that reach each value from 0 to 255."""
    count = len(maps)
    values = (maps * (VALUES - 1)).round().clamp(0, VALUES - 1).long()
    # One histogram for all: a number for each image, side of its mask and value of its map.
    bins = (torch.arange(count)[:, None, None] * 2 + masks) * VALUES + values
    pixels = torch.bincount(bins.flatten(), minlength=count * 2 * VALUES)
    # Summed from the top: pixels that have a value or a larger one.
    reaching = pixels.reshape(count, 2, VALUES).flip(-1).cumsum(-1).flip(-1)
    hits = reaching[:, 1]
    return _share(hits, reaching.sum(1)), _share(hits, hits[:, :1])


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole in float64; 0 where the whole is."""
    part, whole = part.double(), whole.double()
    return torch.where(whole == 0, 0.0, part / whole.where(whole != 0, 1.0))
