"""The arguments of Lightning's ``Trainer`` that say how an individual learns.

Those that are missing are about what a run does itself: how long and on what device a life is
lived, when it is evaluated, saved and told of. Naming one of them is an error, so nothing that is
said is without effect.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs

from evoframe.plugin import doc


@attrs.frozen
class Arguments:
    """How an individual learns, by the names of ``Trainer``."""

    gradient_clip_val: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.gt(0)),
        metadata=doc("largest gradient of a step; any if not given"),
    )
    gradient_clip_algorithm: Literal["norm", "value"] = attrs.field(
        default="norm",
        validator=attrs.validators.in_(("norm", "value")),
        metadata=doc("whether the norm of a gradient is clipped or each entry"),
    )
    accumulate_grad_batches: int = attrs.field(
        default=1, validator=attrs.validators.ge(1), metadata=doc("batches in a step")
    )
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = attrs.field(
        default="32-true",
        validator=attrs.validators.in_(("32-true", "16-mixed", "bf16-mixed")),
        metadata=doc("what is computed in; weights stay as they are"),
    )

    def given(self) -> dict[str, Any]:
        """Return them for ``Trainer``."""
        every = {one.name: getattr(self, one.name) for one in attrs.fields(Arguments)}
        if self.gradient_clip_val is None:  # a LightningModule may clip by itself
            del every["gradient_clip_algorithm"]
        return every
