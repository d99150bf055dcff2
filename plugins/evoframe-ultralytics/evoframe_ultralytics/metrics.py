"""Mean average precision as Ultralytics' validator tells it, as a metric over the data set."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import torch
from torch import Tensor

from evoframe.plugin import over_data_set
from evoframe_ultralytics.libraries import defaults, needed, quiet

PARTS = ("tp", "conf", "pred_cls", "target_cls", "target_img")
"""What the validator keeps of each picture."""

METRICS = {"mAP50-95": "map", "mAP50": "map50"}
"""The metrics, and what Ultralytics calls them inside."""


@attrs.frozen(eq=False)
class Precision:
    """Mean average precision of all pictures, computed by Ultralytics."""

    entry: str
    names: dict[int, str]

    def __call__(self, *parts: Any) -> float:
        """Return the number of what was kept of all pictures."""
        told = needed("ultralytics.utils.metrics").DetMetrics(self.names)
        told.stats = dict(zip(PARTS, parts, strict=False))  # and how many pictures there are
        if not any(len(one) for one in told.stats["target_cls"]):
            return 0.0
        with quiet():
            told.process()
        return float(getattr(told.box, self.entry))


def metrics_of(names: dict[int, str]) -> dict[str, Any]:
    """Return the metrics by their names."""
    return {
        name: over_data_set(Precision(entry, names), of=_as_they_are)
        for name, entry in METRICS.items()
    }


def _as_they_are(kept: Any, _: Any) -> Any:
    return kept


def found_in(network: Any, batch: dict[str, Any]) -> tuple[Any, ...]:
    """Return what Ultralytics' validator keeps of each picture of a batch, and their numbers."""
    said = network(batch["img"])
    boxes = said[0] if isinstance(said, tuple | list) else said
    with quiet():
        judge = _judge()
        several = needed("ultralytics.utils.nms").non_max_suppression(
            boxes.float().cpu(),
            judge.args.conf,
            judge.args.iou,
            multi_label=True,
            max_det=max(judge.args.max_det, batch["detections"]),
            end2end=bool(network.end2end),
            max_time_img=math.inf,  # what is measured must not hang on the clock
        )
        judge.metrics.clear_stats()
        judge.metrics.clear_image_metrics()
        judge.seen, judge.is_custom_json, judge.build_gdict = 0, False, False
        predictions = [
            {"bboxes": one[:, :4], "conf": one[:, 4], "cls": one[:, 5], "extra": one[:, 6:]}
            for one in several
        ]
        judge.update_metrics(predictions, _on_cpu(batch))
        kept = tuple(list(judge.metrics.stats[name]) for name in PARTS)
    return *kept, torch.arange(len(several))


@lru_cache(maxsize=1)
def _judge() -> Any:
    """Return Ultralytics' validator, of which only the judgement of pictures is used."""
    kind = needed("ultralytics.models.yolo.detect.val").DetectionValidator
    needed("torchvision")
    with TemporaryDirectory() as folder:  # it wants one, and writes nothing there
        judge = kind(save_dir=Path(folder), args=vars(defaults(task="detect", mode="val")))
    judge.device = torch.device("cpu")
    return judge


def _on_cpu(batch: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one.cpu() if isinstance(one, Tensor) and name != "img" else one
        for name, one in batch.items()
    }
