"""An installed plugin whose heredity is called "asexual", as a built-in one; nobody asks for it.

Right: a bare name is the built-in strategy; `evoframe plugins` says that the other one is only to
be had by its qualified name. Runs made before stay readable. Installing changes nothing.
"""

from __future__ import annotations

import attrs

from evoframe.plugin import Heredity, hookimpl

EXPECT = "runs"
USE = ["--heredity", "asexual"]


@attrs.frozen
class Asexual(Heredity):
    """Another one."""

    name = "asexual"

    def inherit(self, parents, context):
        raise RuntimeError("nobody asked for this heredity")


@hookimpl
def evoframe_heredities():
    return [Asexual]
