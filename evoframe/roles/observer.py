"""Observer: watches a run and changes nothing."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import attrs

from evoframe.roles.base import Strategy


@attrs.frozen(eq=False)
class Observer(Strategy, ABC):
    """Implements any of the lifecycle hooks of :mod:`evoframe.hookspecs` as methods.

    An observer is registered only with the runs whose recipes name it. What it returns is
    ignored, randomness that it uses is put back, and an exception disables it for the rest of
    the run and is recorded; so does not coming back for five minutes. It is called in the thread
    that carries the run. Of all strategies it alone may keep state between calls.
    """

    role: ClassVar[str] = "observer"
