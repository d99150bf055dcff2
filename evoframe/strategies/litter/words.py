"""Words: what several litters say of an option that they share."""

from __future__ import annotations

from evoframe.roles import doc

JUDGED_BY = doc(
    "by what: the loss, the divergence of class scores from the ancestor's, the difference of "
    "values from the ancestor's, or the task's metric"
)
