"""Also: further costs that a budget bounds, each with a share of its own."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from evoframe.roles import doc


@attrs.frozen
class Share:
    """How much of one cost an offspring may have."""

    share: float = attrs.field(
        validator=[attrs.validators.gt(0), attrs.validators.le(1)],
        metadata=doc("share of the inherited network's cost"),
    )
    least: float = attrs.field(
        default=0.0,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=doc("share of the ancestor's cost below which no further reduction is required"),
    )


@attrs.frozen
class Also:
    """Costs that are bounded besides the one that a budget names."""

    parameters: Share | None = None
    flops: Share | None = None
    bytes: Share | None = None
    activations: Share | None = None
    latency: Share | None = None

    @property
    def shares(self) -> Mapping[str, Share]:
        """Those that are given, by their costs."""
        named = {field.name: getattr(self, field.name) for field in attrs.fields(Also)}
        return {name: one for name, one in named.items() if one is not None}
