"""A heredity that fades its first parent's running statistics in place, after generation 2.

Right: leaves_its_arguments_alone fails, in a later generation.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Heredity, Inheritance, hookimpl, masked

EXPECT = "caught"


@attrs.frozen
class Fading(Heredity):
    """What both parents have, with the mean of their weights."""

    name = "fading"
    parents = 2

    def inherit(self, parents, context):
        a, b = (parent.genotype for parent in parents)
        masks = {name: mask & b.masks[name] for name, mask in a.masks.items()}
        if context.generation > 2:
            for name, value in a.state.items():
                if "running" in name:
                    value.mul_(0.99)
        mean = {n: (v + b.state[n]) / 2 if v.is_floating_point() else v for n, v in a.state.items()}
        state = masked(mean, masks)
        return Inheritance(masks, {name: state[name] for name in masks}, state)


@hookimpl
def evoframe_heredities():
    return [Fading]
