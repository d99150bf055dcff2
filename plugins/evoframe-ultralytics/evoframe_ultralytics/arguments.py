"""The arguments of Ultralytics' trainer that say how an individual learns.

Those that are missing are about what a run does itself: how long and on what device a life is
lived, its seed, pictures, evaluation, saving and plots. Naming one of them is an error, so nothing
that is said is without effect. Defaults are those of the library, written out: a run must not
change because another version of it has others.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs

from evoframe.plugin import doc

NOT_NEGATIVE = attrs.validators.ge(0)
SHARE = [attrs.validators.ge(0), attrs.validators.le(1)]
OPTIMISERS = ("auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp")


def _number(default: float, told: str, validator: Any = NOT_NEGATIVE) -> Any:
    return attrs.field(default=default, converter=float, validator=validator, metadata=doc(told))


@attrs.frozen
class Arguments:
    """How an individual learns, by the names of Ultralytics."""

    batch: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("examples in a batch, each a step; the task's own choice if not given"),
    )
    optimizer: Literal[
        "auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp"
    ] = attrs.field(
        default="auto",
        validator=attrs.validators.in_(OPTIMISERS),
        metadata=doc("optimiser; auto chooses it and its step size by the number of steps"),
    )
    lr0: float = _number(0.01, "first step size of the schedule", attrs.validators.gt(0))
    lrf: float = _number(0.01, "last step size as a share of the first")
    momentum: float = _number(0.937, "momentum of SGD, first moment's decay of Adam", SHARE)
    weight_decay: float = _number(0.0005, "decay of weights; norms and biases do not decay")
    warmup_epochs: float = _number(3.0, "epochs over which the step size rises")
    warmup_momentum: float = _number(0.8, "momentum at the beginning", SHARE)
    warmup_bias_lr: float = _number(0.1, "step size of biases at the beginning")
    cos_lr: bool = attrs.field(default=False, metadata=doc("let the step size fall as a cosine"))
    box: float = _number(7.5, "weight of the places of boxes in the loss")
    cls: float = _number(0.5, "weight of classes in the loss")
    dfl: float = _number(1.5, "weight of the distances to the sides of boxes in the loss")
    multi_scale: float = _number(0.0, "by what share the size of pictures varies", SHARE)
    close_mosaic: int = attrs.field(
        default=10,
        validator=NOT_NEGATIVE,
        metadata=doc("last epochs of a life in which pictures are not put together"),
    )
    mosaic: float = _number(1.0, "how often four pictures are put together", SHARE)
    mixup: float = _number(0.0, "how often two pictures are laid over each other", SHARE)
    cutmix: float = _number(0.0, "how often part of a picture replaces that of another", SHARE)
    hsv_h: float = _number(0.015, "change of hue", SHARE)
    hsv_s: float = _number(0.7, "change of saturation", SHARE)
    hsv_v: float = _number(0.4, "change of brightness", SHARE)
    degrees: float = _number(0.0, "most degrees of a rotation")
    translate: float = _number(0.1, "most of a shift, as a share of the picture", SHARE)
    scale: float = _number(0.5, "most of a change of size", SHARE)
    shear: float = _number(0.0, "most degrees of a shear")
    perspective: float = _number(0.0, "most of a change of perspective")
    flipud: float = _number(0.0, "how often up is down", SHARE)
    fliplr: float = _number(0.5, "how often left is right", SHARE)
    bgr: float = _number(0.0, "how often red is blue", SHARE)

    def given(self) -> dict[str, Any]:
        """Return them for Ultralytics, without the size of batches."""
        names = (one.name for one in attrs.fields(Arguments))
        return {name: getattr(self, name) for name in names if name != "batch"}
