"""Words: what several litters say of an option that they share."""

from __future__ import annotations

from evoframe.roles import doc

JUDGED_BY = doc(
    "criterion: the loss, the divergence of class scores from the ancestor's, the "
    "mean squared difference from the ancestor's outputs, or the task's metric"
)
