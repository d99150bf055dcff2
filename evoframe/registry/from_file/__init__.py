"""Where ``import`` finds the modules of Python files, as ``pickle`` asks for them elsewhere.

What is pickled of such a module says only its name. Importing that name in another process imports
this package first, and then the module from the file that its name spells.
"""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from typing import Any

from evoframe.registry.file_names import FROM_FILE, path_of
from evoframe.registry.loading import import_plugin


class _Finder:
    """Finds modules whose names begin as those of files do."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """Return the way to load a module, if it is one of a file."""
        if not name.startswith(FROM_FILE):
            return None
        return ModuleSpec(name, self, origin=str(path_of(name)))  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Return the module, which has been run by then."""
        return import_plugin(str(path_of(spec.name)))

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing more."""


sys.meta_path.append(_Finder())
