"""The two decorators that join a plugin to evoframe."""

from __future__ import annotations

import pluggy

PROJECT = "evoframe"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Mark a function of your plugin as the implementation of the hook that has its name."""
